"""`kiosk demo`: a demo shop on a virtual registrar, a process of its own as a real one would be.

    DIR/ledger.db   the till's memory        DIR/registrar/state.json   the registrar's memory
    DIR/registrar/tty   its serial port      DIR/registrar/tape.txt     its paper

So it is with Datecs, the default. Every other family has the same in a folder of its own, DIR/FAMILY, because a shop's
books belong to the registrar that they were made with. The software registrar has more to keep:

    DIR/prro/registrar/fs.db     the fiscal server's memory     DIR/prro/registrar/fs.demo/   its people and authority
    DIR/prro/registrar/port      where it listens               DIR/prro/registrar/server.txt what it registered
    DIR/prro/keys/               the cashiers' keys             DIR/prro/state/               the registrar's memory
    DIR/prro/tape.txt            the till's paper

Starting it again goes on with the same data.
"""

from __future__ import annotations

import ctypes
import json
import os
import shutil
import signal
import socket
import subprocess
import sys
from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from urllib.parse import quote, urlencode
from zlib import crc32

from kiosk.config import Settings

PR_SET_PDEATHSIG = 1
PATIENCE = 15.0
"""Seconds that the virtual registrar may take to start."""
DEFAULT = "datecs"
LINES: Mapping[str, str] = {
    "datecs": "serial",
    "exellio": "serial",
    "krypton": "serial",
    "maria": "serial",
    "ikc": "serial",
    "helpmicro": "http",
    "prro": "http",
}
"""Families that the demo runs on, and how each is reached."""
PORTS = range(8609, 8700)
"""Below the ports that the kernel gives to outgoing connections: nobody takes one between two starts."""
FN = "4000123456"
SLOT = "cashier"
"""The key that the demo's till signs with."""


@dataclass(frozen=True)
class Place:
    """The demo of one family: its folder, its registrar's URL, and the keys that may sign there."""

    folder: Path
    url: str
    signers: tuple[str, ...] = ()


def folder(given: Path | None) -> Path:
    """Where the demo lives."""
    if given is not None:
        return given.expanduser().resolve()
    state = os.environ.get("XDG_STATE_HOME")
    return (Path(state) if state else Path.home() / ".local" / "state") / "kasa" / "demo"


def settings(place: Place, language: str) -> Settings:
    """The settings of the demo's workplace."""
    return Settings(data=str(place.folder), registrar=place.url, demo=True, language="en" if language == "en" else "uk")


@contextmanager
def registrar(where: Path, family: str = DEFAULT) -> Iterator[Place]:
    """Run the virtual registrar of a family beside the till.

    Raises OSError when it does not start, or when its port of the first start is taken by another program.
    """
    home = where if family == DEFAULT else where / family
    inside = home / "registrar"
    inside.mkdir(parents=True, exist_ok=True)
    link = LINES[family]
    arguments = ["--link", str(inside / "tty")] if link == "serial" else ["--port", str(_port(inside / "port"))]
    if family == "prro":
        arguments += ["--state", str(inside / "fs.db"), "--tape", str(inside / "server.txt"), *_shop()]
    else:
        arguments += ["--state", str(inside / "state.json"), "--tape", str(inside / "tape.txt")]
    with _running([family, *arguments], inside / "registrar.log") as address:
        if family == "prro":
            yield Place(home, _prro(home, address), _signers(inside / "fs.demo"))
        elif link == "serial":
            yield Place(home, f"{family}+serial://{inside / 'tty'}")
        else:
            yield Place(home, f"{family}+{address}")


@contextmanager
def _running(arguments: Sequence[str], errors_to: Path) -> Iterator[str]:
    """`registrar emulate …` as a child; gives the address that it answers at."""
    with errors_to.open("ab") as errors:
        child = subprocess.Popen(
            [sys.executable, "-m", "drivers.cli", "emulate", *arguments],
            stdin=subprocess.DEVNULL,
            stdout=subprocess.PIPE,
            stderr=errors,
            start_new_session=True,
            preexec_fn=_end_with_parent,
        )
    try:
        assert child.stdout is not None
        ready = child.stdout.readline().decode()
        if not ready.startswith("ready "):
            raise OSError(f"the virtual registrar did not start; see {errors_to}")
        yield ready.removeprefix("ready ").strip()
    finally:
        child.terminate()
        try:
            child.wait(PATIENCE)
        except subprocess.TimeoutExpired:
            child.kill()
            child.wait()
        if child.stdout is not None:
            child.stdout.close()


def _port(kept: Path) -> int:
    """The port of this demo: the same at every start, because the ledger and the certificates name it."""
    if kept.exists():
        port: int = int(kept.read_text(encoding="ascii"))
        if not _free(port):
            raise OSError(
                f"port {port}, where this demo's registrar listens, is taken by another program: "
                "leave the other demo first, or start this one elsewhere with --data"
            )
        return port
    # Two demos in two folders begin the search at different places: they seldom meet.
    begin = crc32(str(kept).encode()) % len(PORTS)
    for port in (*PORTS[begin:], *PORTS[:begin]):
        if _free(port):
            kept.write_text(str(port), encoding="ascii")
            return port
    raise OSError(f"no port from {PORTS[0]} to {PORTS[-1]} is free for the virtual registrar")


def _free(port: int) -> bool:
    with socket.socket() as door:
        # As the server itself does: connections of the run before may still be closing.
        door.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        try:
            door.bind(("127.0.0.1", port))
        except OSError:
            return False
    return True


def _shop() -> Iterator[str]:
    """The tax service knows the demo's own enterprise."""
    from kiosk.ledger.demo import ENTERPRISES, KEY_PASSWORD, OUTLET, VAT_NUMBER

    name, tax_number = ENTERPRISES[0]
    point, address = OUTLET
    known = {
        "fn": FN, "desk": "1", "tin": tax_number, "ipn": VAT_NUMBER, "org": name, "point": point, "address": address,
        "password": KEY_PASSWORD,
    }  # fmt: skip
    for option, value in known.items():
        yield from ("--option", f"{option}={value}")


def _prro(home: Path, address: str) -> str:
    """The keys where the till looks for them, and the URL that says so."""
    keys, made = home / "keys", home / "registrar" / "fs.demo"
    (keys / "trust").mkdir(parents=True, exist_ok=True, mode=0o700)
    for path in made.iterdir():
        if path.is_file() and path.stem in ("cashier", "second", "senior", "head") and not (keys / path.name).exists():
            shutil.copy(path, keys / path.name)
    shutil.copy(made / "authority.cer", keys / "trust" / "authority.cer")
    options = {
        "fn": FN,
        "key": SLOT,
        "keys": keys,
        "state": home / "state",
        "tape": home / "tape.txt",
        "demo": "yes",
    }
    return f"prro+{address}?{urlencode(options, safe='/', quote_via=quote)}"


def _signers(made: Path) -> tuple[str, ...]:
    """Identifiers of the keys that the virtual tax service has registered (form 5-ПРРО)."""
    page = json.loads((made / "demo.json").read_text(encoding="utf-8"))
    return tuple(person["key_id"] for person in page["operators"].values())


def _end_with_parent() -> None:
    """A killed kiosk leaves no virtual registrar behind: the kernel ends it (prctl PR_SET_PDEATHSIG)."""
    libc = ctypes.CDLL(None, use_errno=True)
    libc.prctl(PR_SET_PDEATHSIG, signal.SIGTERM, 0, 0, 0)
