#!/usr/bin/env python3
"""The task runner: everything a newcomer, a developer and CI need, with Python and nothing else.

    python3 task.py demo     set up and start the kiosk on a virtual registrar
    python3 task.py test     set up and run linters and tests
    python3 task.py setup    make or refresh .venv (with --dev for the developers' tools)
    python3 task.py simulate live days of a shop under faults: --seeds N, --family F, --seed S --trace
    python3 task.py faults   print what every family of registrars does under every fault
    python3 task.py lint | messages | bench NAME

Needs no root, no pip and no venv package of the system: where Debian's python3 lacks ensurepip, pip itself is fetched
as a wheel from the package index and checked by its hash.
"""

from __future__ import annotations

import hashlib
import os
import re
import shutil
import subprocess
import sys
import tempfile
import urllib.parse
import urllib.request
import venv
from pathlib import Path

HERE = Path(__file__).resolve().parent
VENV = HERE / ".venv"
PYTHON = VENV / "bin" / "python"
NEEDED = (3, 11)


def main(arguments: list[str]) -> int:
    """Run one task and return its exit status."""
    if sys.version_info < NEEDED:
        print(f"Python {NEEDED[0]}.{NEEDED[1]} or newer is needed, this is {sys.version.split()[0]}", file=sys.stderr)
        return 2
    name, *rest = arguments or ["help"]
    if name == "setup":
        setup(dev="--dev" in rest)
        return 0
    if name == "demo":
        setup(dev=False)
        os.execv(PYTHON, [str(PYTHON), "-m", "kiosk.cli", "demo", *rest])
    if name == "test":
        setup(dev=True)
        # Much of the time goes into waiting for virtual devices: thrice as many workers as processors keep them busy.
        return lint() or run("-m", "pytest", "-n", str(3 * (os.cpu_count() or 2)), *rest)
    if name == "lint":
        setup(dev=True)
        return lint()
    if name == "messages":
        setup(dev=True)
        return run("-m", "kiosk.locale", *rest)
    if name == "faults":
        setup(dev=True)
        return run("-m", "tests.contract.report", *rest)
    if name == "simulate":
        setup(dev=True)
        return run("-m", "tests.simulation", *rest)
    if name == "bench" and rest:
        setup(dev=True)
        return run("-m", f"tests.benchmarks.{rest[0]}", *rest[1:])
    print(__doc__, file=sys.stderr)
    return 0 if name in ("help", "--help", "-h") else 2


def lint() -> int:
    """Formatting, lint, types and import contracts; 0 when all are clean."""
    bad = 0
    for command in (("ruff", "format", "--check", "."), ("ruff", "check", "."), ("mypy",), ("lint-imports",)):
        print("$", " ".join(command), flush=True)
        bad |= subprocess.call([str(VENV / "bin" / command[0]), *command[1:]], cwd=HERE)
    return bad


def run(*arguments: str) -> int:
    """Run the environment's Python in the project's folder."""
    return subprocess.call([str(PYTHON), *arguments], cwd=HERE)


def setup(*, dev: bool) -> None:
    """Make .venv fit pyproject.toml; does nothing when it fits already."""
    wanted = hashlib.sha256((HERE / "pyproject.toml").read_bytes() + sys.version.encode()).hexdigest()
    for stamp in ("dev",) if dev else ("run", "dev"):
        mark = VENV / f".ready-{stamp}"
        if PYTHON.exists() and mark.exists() and mark.read_text() == wanted:
            return
    print("Setting up .venv …", flush=True)
    if not PYTHON.exists():
        make_environment()
    install("-e", ".[dev]" if dev else ".")
    (VENV / f".ready-{'dev' if dev else 'run'}").write_text(wanted)


def make_environment() -> None:
    """A virtual environment with pip in it."""
    try:
        venv.EnvBuilder(with_pip=True, clear=True).create(VENV)
        return
    except (subprocess.CalledProcessError, ImportError, SystemExit):
        # Debian's python3 without python3-venv has no ensurepip: make it without, and bring pip as a wheel.
        shutil.rmtree(VENV, ignore_errors=True)
    venv.EnvBuilder(with_pip=False, clear=True).create(VENV)
    with tempfile.TemporaryDirectory() as folder:
        wheel = fetch_pip(Path(folder))
        subprocess.check_call([str(PYTHON), f"{wheel}/pip", "install", "--quiet", "--no-index", str(wheel)])


def fetch_pip(folder: Path) -> Path:
    """The newest pip wheel of the index, checked by the hash that the index gives."""
    index = os.environ.get("PIP_INDEX_URL") or configured_index() or "https://pypi.org/simple"
    page_url = f"{index.rstrip('/')}/pip/"
    with urllib.request.urlopen(page_url, timeout=60) as answer:
        page = answer.read().decode()
    found = re.findall(r'href="([^"]*/(pip-(\d+)\.(\d+)(?:\.(\d+))?-py3-none-any\.whl)#sha256=([0-9a-f]{64}))"', page)
    if not found:
        raise SystemExit(f"no pip wheel at {page_url}; install Debian's python3-venv and run again")
    href, name, *_numbers, digest = max(found, key=lambda item: [int(number or 0) for number in item[2:5]])
    with urllib.request.urlopen(urllib.parse.urljoin(page_url, href), timeout=120) as answer:
        data = answer.read()
    if hashlib.sha256(data).hexdigest() != digest:
        raise SystemExit(f"{name} from {page_url} is damaged; run again")
    path = folder / name
    path.write_bytes(data)
    return path


def configured_index() -> str:
    """The index of a pip configuration file, "" where there is none."""
    import configparser

    homes = (
        Path(os.environ.get("XDG_CONFIG_HOME") or Path.home() / ".config") / "pip" / "pip.conf",
        Path("/etc/pip.conf"),
    )
    for place in homes:
        parser = configparser.ConfigParser(interpolation=None)
        if place.exists() and parser.read(place) and parser.get("global", "index-url", fallback=""):
            return parser.get("global", "index-url")
    return ""


def install(*what: str) -> None:
    """pip install into .venv; a failure ends the task with pip's own words."""
    command = [str(PYTHON), "-m", "pip", "install", "--quiet", "--disable-pip-version-check", *what]
    if subprocess.call(command, cwd=HERE) != 0:
        raise SystemExit("the packages could not be installed; the lines above say why")


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
