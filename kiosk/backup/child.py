"""The process that makes a copy for a till that sells: `python -m kiosk.backup.child`, lowest priority, own memory.

Reads `Job` as JSON from the standard input and writes one line a step to the standard output:

    progress <TAB> step <TAB> done <TAB> all            end <TAB> code <TAB> text   (code "" for done)
"""

from __future__ import annotations

import contextlib
import os
import sys
from pathlib import Path

import msgspec

from drivers.clock import SystemClock
from kiosk.backup import making, rehearsal
from kiosk.backup.command import source_with
from kiosk.backup.errors import BackupError
from kiosk.config import Settings


class Job(msgspec.Struct, frozen=True):
    """`action`: copy or rehearse."""

    settings: Settings
    action: str = "copy"
    why: str = "manual"
    settings_file: str = ""


def main() -> int:
    """Do one job; 0 when it went well."""
    with contextlib.suppress(OSError):
        os.nice(19)
    job = msgspec.json.decode(sys.stdin.buffer.read(), type=Job)
    source = source_with(job.settings, Path(job.settings_file) if job.settings_file else None)
    code, text = "", ""
    try:
        if job.action == "rehearse":
            rehearsal.rehearse(source, SystemClock())
        else:
            making.run(source, SystemClock(), job.why, progress=_tell)
    except BackupError as error:
        code, text = error.code, error.what
    except OSError as error:
        code, text = "SYSTEM", str(error)
    sys.stdout.write(f"end\t{code}\t{' '.join(text.split())}\n")
    return 1 if code else 0


def _tell(step: str, done: int, total: int) -> None:
    sys.stdout.write(f"progress\t{step}\t{done}\t{total}\n")
    sys.stdout.flush()


if __name__ == "__main__":
    sys.exit(main())
