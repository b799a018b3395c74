"""The table family × fault × verdict, from a run of the property of emulators.md §3.

    python3 task.py faults [FAMILY …] [--all]

Each cell is a fault of the catalogue thrown at every command of a sale (`--all`: of every kind of document) on the
family's emulator, with how often the road ended as what. "unknown → registered" was told by the registrar once it was
well again. A cell that breaks the promise, so that a document is there twice, is lost or is told wrongly, is BROKEN,
and the exit status is 1.
"""

from __future__ import annotations

import argparse
import importlib
import sys
import tempfile
from collections import Counter
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from tests.contract.bench import Family
from tests.contract.property import FAULTS, Named, classes, verdicts

HERE = Path(__file__).parents[1]
NAMES = {
    "F1": "request lost",
    "F2": "reply lost",
    "F3": "reply damaged",
    "F4": "request damaged",
    "F5": "busy, then a reply",
    "F6": "busy for ever",
    "F7": "stale reply",
    "F8": "power cut",
    "F9": "out of paper",
    "F10": "cover open",
    "F11": "unplugged",
    "F12": "another unit",
    "F13": "shift over 24 h",
    "F14": "72 h untransmitted",
    "F15": "clock off",
    "F17": "wrong password",
    "F19": "fiscal memory full",
    "F20": "noise on the line",
    "F22": "foreign sequence",
    "F23": "journal fault",
}
SHORT = {"registered_not_printed": "not printed"}


@dataclass(frozen=True)
class Subject:
    """One family as its property test describes it."""

    family: Family
    named: Named
    faults: Sequence[dict[str, Any]]
    kinds: Sequence[str]


def subjects() -> dict[str, Subject]:
    """Every family with a property test on the shared bench."""
    found = {}
    for path in sorted(HERE.glob("*/test_property.py")):
        module = importlib.import_module(f"tests.{path.parent.name}.test_property")
        if hasattr(module, "HASTY") and hasattr(module, "named"):
            faults = getattr(module, "POSSIBLE", FAULTS)
            found[path.parent.name] = Subject(module.HASTY, module.named, faults, module.KINDS)
    return found


def cell(subject: Subject, kinds: Sequence[str], faults: Sequence[dict[str, Any]], folder: Path) -> tuple[str, bool]:
    """The verdicts of one family under one fault, and whether the promise held."""
    counts: Counter[str] = Counter()
    broken = []
    for kind in kinds:
        for place, verdict in verdicts(subject.family, kind, faults, subject.named, folder / kind).items():
            if isinstance(verdict, BaseException):
                broken.append(f"{kind} {place.command}: {verdict!r}")
            else:
                counts[verdict] += 1
    told = ", ".join(f"{count} {_short(verdict)}" for verdict, count in counts.most_common())
    return (told, True) if not broken else (f"BROKEN {len(broken)} ({broken[0][:100]}); {told}", False)


def main(arguments: Sequence[str] | None = None) -> int:
    """Print the table row by row; 1 where a cell is broken."""
    known = subjects()
    parser = argparse.ArgumentParser(prog="task.py faults", description=(__doc__ or "").partition("\n")[0])
    parser.add_argument("family", nargs="*", help=f"{', '.join(known)}; all when left out")
    parser.add_argument("--all", action="store_true", help="every kind of document")
    parser.add_argument("--fault", action="append", help="only this fault, e.g. F8")
    options = parser.parse_args(arguments)
    if strange := set(options.family) - set(known):
        parser.error(f"no family {min(strange)!r}; known: {', '.join(known)}")
    good = True
    print(f"{'family':<9} {'fault':<23} verdicts over every command of {'each document' if options.all else 'a sale'}")
    for name in options.family or known:
        subject = known[name]
        for fault, sides in classes(subject.faults).items():
            if options.fault and fault not in options.fault:
                continue
            with tempfile.TemporaryDirectory() as folder:
                text, held = cell(subject, subject.kinds if options.all else ("sale",), sides, Path(folder))
            good &= held
            print(f"{name:<9} {fault:<4}{NAMES.get(fault, ''):<19} {text}", flush=True)
    return 0 if good else 1


def _short(verdict: str) -> str:
    for long, short in SHORT.items():
        verdict = verdict.replace(long, short)
    return verdict


if __name__ == "__main__":
    sys.exit(main())
