"""The schema's history, run by Alembic from inside the program (no ini file, no command line).

`REVISIONS` names every revision in order, so that an up-to-date database opens without importing Alembic and one with
an unknown revision is known to be newer. A new revision: add `versions/rNNNN_what.py` and its name here.
"""

from __future__ import annotations

from pathlib import Path

REVISIONS: tuple[str, ...] = ("0001", "0002")
LOCATIONS: tuple[Path, ...] = (Path(__file__).parent / "versions",)
VERSION_TABLE = "alembic_version"
