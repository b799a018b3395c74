"""What can go wrong with copies. The live data are untouched by every one of these.

    BackupError
    ├── BadCode          the recovery code does not open this identity; `left` tries remain
    ├── Locked           too many wrong codes: wait until `until`
    ├── BadCopy          the copy is damaged, incomplete, forged, of another shop or another version
    ├── TargetGone       the target cannot be reached, or is not the one that was chosen (no stick)
    ├── TargetFull       no room on the target
    ├── NoRoom           no room on this machine's disk
    ├── Postponed        not now: a document is on its way to a registrar, or another run is under way
    └── NotPermitted     the restored (or replaced) till may not sell yet

`code` is stable; the text is English for the log and the command line, screens translate by `code`.
"""

from __future__ import annotations

from datetime import datetime


class BackupError(Exception):
    """`what` says what happened and the next step."""

    def __init__(self, code: str, what: str) -> None:
        super().__init__(what)
        self.code = code
        self.what = what


class BadCode(BackupError):
    """The recovery code is wrong; nothing was read."""

    def __init__(self, what: str, left: int) -> None:
        super().__init__("BAD_CODE", what)
        self.left = left


class Locked(BackupError):
    """Too many wrong codes. `until` is aware UTC."""

    def __init__(self, until: datetime) -> None:
        super().__init__("LOCKED", f"too many wrong recovery codes: the next try is possible at {until:%H:%M:%S} UTC")
        self.until = until


class BadCopy(BackupError):
    """The copy cannot be trusted."""


class TargetGone(BackupError):
    """The target is not there."""

    def __init__(self, what: str) -> None:
        super().__init__("TARGET_GONE", what)


class TargetFull(BackupError):
    """The target has no room."""

    def __init__(self, what: str) -> None:
        super().__init__("TARGET_FULL", what)


class NoRoom(BackupError):
    """This machine's disk has no room for the work."""

    def __init__(self, what: str) -> None:
        super().__init__("NO_ROOM", what)


class Postponed(BackupError):
    """A better moment will come."""

    def __init__(self, what: str) -> None:
        super().__init__("POSTPONED", what)


class NotPermitted(BackupError):
    """Selling is not permitted after a restore yet, or no more on a replaced machine."""
