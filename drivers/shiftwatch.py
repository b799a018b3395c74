"""When a shift began, for registrars whose protocol has no field for it (Krypton, Maria).

Known only where this driver saw the shift closed and then made the first document itself: a restarted driver that
meets an open shift cannot tell.
"""

from __future__ import annotations

from datetime import datetime


class ShiftWatch:
    """What one driver saw of its registrar's shift. `opened_at`: the registrar's time of the first document, aware."""

    def __init__(self) -> None:
        self._closed = False
        self.opened_at: datetime | None = None

    def forget(self) -> None:
        """Another session or another unit: what was seen does not count any more."""
        self._closed = False
        self.opened_at = None

    def seen(self, *, open: bool) -> None:
        """The registrar said whether its shift is open."""
        self._closed = not open
        if not open:
            self.opened_at = None

    def document_made(self, at: datetime) -> None:
        """A document of ours: the first one after a closed shift opened the next."""
        if self._closed:
            self._closed = False
            self.opened_at = at

    def z_made(self) -> None:
        self.seen(open=False)
