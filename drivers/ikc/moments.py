"""The registrar's clock and the beginning of its shift (ikc.md §4, §5)."""

from __future__ import annotations

from datetime import datetime, timedelta

from drivers.clock import Clock, from_kyiv
from drivers.errors import Refused
from drivers.ikc import commands
from drivers.ikc.session import Session
from drivers.shiftwatch import ShiftWatch

DRIFT = timedelta(minutes=10)
"""Difference of the clocks that is worth a warning."""
LONGEST = timedelta(hours=24)
"""Longest shift: 42 tag 0 tells its end (§5)."""
SAME_MOMENT = timedelta(minutes=2)
"""The end of the shift is told to the minute."""


class Moments:
    """What is known of one registrar's time."""

    def __init__(self, session: Session, clock: Clock) -> None:
        self._session = session
        self._clock = clock
        self._offset = timedelta()
        self.shift = ShiftWatch()

    def read(self) -> datetime | None:
        """The registrar's own time, aware UTC; None while a block keeps it from telling (§4)."""
        try:
            day = commands.read_date(self._session.ask(commands.GET_DATE))
            moment = commands.read_time(self._session.ask(commands.GET_TIME))
            if moment.hour == 0:
                # Midnight may have passed between the two questions.
                day = commands.read_date(self._session.ask(commands.GET_DATE))
        except Refused:
            return None
        now = self._clock.now()
        told = from_kyiv(datetime.combine(day, moment), now)
        self._offset = told - now
        return told

    def now(self) -> datetime:
        """The registrar's time by the difference that was read last."""
        return self._clock.now() + self._offset

    def warnings(self) -> tuple[str, ...]:
        if abs(self._offset) <= DRIFT:
            return ()
        return (f"the registrar's clock differs by {round(self._offset.total_seconds() / 60)} minutes",)

    def shift_opened_at(self, counters: commands.Counters) -> datetime | None:
        """24 hours before the end that the device tells, to the minute; exact where this driver saw the beginning."""
        seen = self.shift.opened_at
        if counters.ends is None:
            return seen
        begun = from_kyiv(counters.ends - LONGEST)
        return seen if seen is not None and abs(seen - begun) < SAME_MOMENT else begun
