"""The status bar as values: read from memory and ledger, never waiting for a device."""

from __future__ import annotations

from concurrent.futures import Future
from dataclasses import dataclass
from datetime import datetime, timedelta

from drivers.registrar import Status as DeviceStatus
from kiosk.till.errors import Refusal
from kiosk.till.offline import OfflineView, look
from kiosk.till.shift import Age, Shifts
from kiosk.till.workplace import Workplace


@dataclass(frozen=True)
class StatusView:
    """What the bar shows. Money kopecks; None where nothing is known yet.

    `link`: True answers, False silent, None not asked yet. `unknown`: how many outcomes are open (НЕВІДОМО).
    """

    user: str
    registrar: str
    number: str
    hardware: bool
    link: bool | None
    shift_opened: datetime | None
    shift_age: timedelta | None
    shift_colour: Age | None
    cash: int | None
    paper_out: bool
    paper_low: bool
    cover_open: bool
    clock_offset: timedelta | None
    terminal: str
    blocks: tuple[str, ...]
    unknown: int
    slips_waiting: int
    offline: OfflineView | None = None
    """Software registrars only."""


class Status:
    """Composes the bar."""

    def __init__(self, workplace: Workplace, shifts: Shifts) -> None:
        self._workplace = workplace
        self._shifts = shifts
        self._asked_at: datetime | None = None
        self._question: object = None

    def poll(self) -> None:
        """Ask the registrar for its status without waiting for it."""
        try:
            binding = self._workplace.main_binding()
        except Refusal:
            return
        if isinstance(self._question, Future) and not self._question.done():
            # A package on its way home takes its time: questions do not pile up behind it.
            return
        self._question = self._workplace.desk(binding).access.refresh()

    def view(self) -> StatusView:
        """The bar now."""
        place = self._workplace
        user = place.user.name if place.user is not None else ""
        try:
            binding = place.main_binding()
        except Refusal:
            return StatusView(
                user, "", "", True, None, None, None, None, None, False, False, False, None, "manual", (), 0, 0
            )
        access = place.desk(binding).access
        last: DeviceStatus | None = access.last
        shift = self._shifts.current(binding)
        offset = last.clock - last.read_at if last and last.clock and last.read_at else None
        return StatusView(
            user=user,
            registrar=binding.model or access.capabilities.family,
            number=binding.fiscal_number or binding.serial,
            hardware=access.capabilities.hardware,
            link=None if last is None else last.reachable,
            shift_opened=(shift.device_opened_at or shift.opened_at) if shift else None,
            shift_age=self._shifts.age(shift) if shift else None,
            shift_colour=self._shifts.warning(shift) if shift else None,
            cash=last.drawer if last else None,
            paper_out=bool(last and last.paper_out),
            paper_low=bool(last and last.paper_low),
            cover_open=bool(last and last.cover_open),
            clock_offset=offset,
            terminal="manual",
            blocks=last.blocks if last else (),
            unknown=len(place.ledger.receipts.unsettled(binding.id)),
            slips_waiting=len(place.ledger.receipts.waiting_slips()),
            offline=look(place, binding),
        )
