"""*Перевірка перед зміною*: takes the readings for `judge` with identification and status commands only (II-4)."""

from __future__ import annotations

import shutil
import time
from collections.abc import Callable, Mapping
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass
from datetime import datetime, timedelta
from pathlib import Path
from typing import Any

from drivers.clock import KYIV
from drivers.errors import Code
from drivers.links.reach import latency
from kiosk.ledger.records import Binding
from kiosk.till import judge
from kiosk.till.errors import N_
from kiosk.till.judge import CheckLine, Colour
from kiosk.till.keys import Keys, number_of
from kiosk.till.notices import Notices
from kiosk.till.reading import Reading, read
from kiosk.till.reports import Reports
from kiosk.till.shift import Age, Shifts
from kiosk.till.workplace import Workplace

PATIENCE = 5.0
"""Seconds for the internet's answer: above 3 s it is slow, and the whole checklist takes at most 10 s."""
BACKUP_SETTING = "last_backup"
BACKUP_TROUBLE = "backup_trouble"
"""Code of what keeps copies from being made, sent or rehearsed; "" where all is well."""


@dataclass(frozen=True)
class Checks:
    """The checklist as it stands."""

    binding: Binding
    lines: tuple[CheckLine, ...]
    at: datetime

    @property
    def action(self) -> str:
        """The one thing to offer: `z` (nothing else is possible), `continue`, `open`, or "" while something blocks."""
        if any(line.action == "z" for line in self.lines):
            return "z"
        if any(line.blocks for line in self.lines):
            return ""
        return next(line.action for line in self.lines if line.key == "shift")

    def line(self, key: str) -> CheckLine:
        return next(line for line in self.lines if line.key == key)

    def stored(self) -> tuple[Mapping[str, Any], ...]:
        """As it is kept with the shift: who looked is the shift's opener."""
        return tuple(
            {
                "number": line.number,
                "key": line.key,
                "colour": line.colour.value,
                "value": line.value,
                **{name: value if isinstance(value, int | None) else str(value) for name, value in line.values.items()},
            }
            for line in self.lines
        )


class Checklist:
    """Runs the checks of one registrar's workplace."""

    def __init__(self, workplace: Workplace, shifts: Shifts, reports: Reports, keys: Keys) -> None:
        self._workplace = workplace
        self._shifts = shifts
        self._reports = reports
        self._keys = keys
        self._notices = Notices(workplace)
        self._zone_is_kyiv: Callable[[datetime], bool] = _zone_is_kyiv

    def run(self, binding: Binding, *, seals: bool | None = None) -> Checks:
        """All lines that apply; `seals` is what the cashier saw. Never raises for a silent device."""
        place = self._workplace
        now = place.clock.now()
        access = place.desk(binding).access
        hardware = access.capabilities.hardware
        with ThreadPoolExecutor(max_workers=1) as pool:
            reach = pool.submit(self._internet) if hardware else None
            seen = access.call(lambda registrar: read(registrar, binding))
            answered = reach.result() if reach is not None else seen.latency
        self._meet(binding, seen)
        info, status = seen.info, seen.status
        shift = self._shifts.current(binding)
        age = self._shifts.age(shift) if shift is not None else None
        over = shift is not None and self._shifts.warning(shift) is Age.OVER
        mine = shift is not None and place.user is not None and shift.opened_by == place.user.id
        offset = status.read_at - status.clock if status and status.clock and status.read_at else None
        same_unit = not hardware or (info is not None and (not binding.serial or info.serial == binding.serial))
        unclosed = bool(same_unit and status and status.shift_open and shift is None)
        first = place.ledger.shifts.last_closed(binding.id) is None and shift is None
        if shift is not None:
            expected = self._reports.expected_cash(shift, place.ledger.shifts.sums(shift.id))
        else:
            # A new shift of a software registrar begins with nothing in its drawer (cashier-flow.md III).
            expected = self._shifts.left_at_close(binding) if hardware else 0
        needed = not hardware and place.settings.policy.online_opening
        before = (
            judge.internet(answered, needed=needed, hardware=hardware),
            *(
                ()
                if hardware
                else (judge.software.server(info, seen.fault), judge.software.registration(status, seen.fault))
            ),
            judge.shift(age, mine=mine, over=over)
            if hardware
            else judge.software.shift(
                age, mine=mine, over=over, status=status, elsewhere=seen.silent == Code.DIFFERENT_DEVICE
            ),
            judge.previous_z(unclosed=unclosed, first=first),
        )
        lines = (
            *before,
            *(() if hardware else self._software(binding, seen)),
            judge.clock(offset, zone_is_kyiv=self._zone_is_kyiv(now)),
            *self._unit(binding, seen, same_unit=same_unit),
            judge.terminal(integrated=False),
            judge.equipment(self._missing(binding)),
            judge.cash(status.drawer if status and same_unit else None, expected),
            judge.storage(self._free(), self._backup_age(now), place.ledger.shop.setting(BACKUP_TROUBLE) or ""),
            *((judge.seals(seals),) if hardware else ()),
        )
        return Checks(binding, lines, now)

    def _software(self, binding: Binding, seen: Reading) -> tuple[CheckLine, ...]:
        """Lines 6–10; a key that ends soon is told to the owner (II-3)."""
        offline = seen.status.offline if seen.status is not None else None
        online = seen.latency is not None
        number = binding.fiscal_number or number_of(binding)
        view = self._keys.view(binding)
        key = judge.software.key(
            seen.status, seen.fault, self._workplace.clock.now(), number, beside=view.until if view else None
        )
        if key.colour is Colour.AMBER and "days" in key.values:
            self._notices.once_a_day("key_expires", number, key.values)
        return (
            judge.software.unsent(offline),
            judge.software.right(offline),
            judge.software.budget(offline, online=online),
            judge.software.numbers(offline, online=online),
            key,
        )

    def _unit(self, binding: Binding, seen: Reading, *, same_unit: bool) -> tuple[CheckLine, ...]:
        """Lines 12–14: the unit itself; a software registrar has a printer alone."""
        capabilities = self._workplace.desk(binding).access.capabilities
        status = seen.status if same_unit else None
        if not capabilities.hardware:
            return (judge.software.printer(status, prints=capabilities.slips),)
        return (
            judge.link(seen.info, bound=binding.serial, silent=seen.silent),
            judge.flags(status),
            judge.printer(status),
        )

    def _meet(self, binding: Binding, seen: Reading) -> None:
        """The first unit that answers is this binding's."""
        if not binding.serial and seen.info is not None and seen.info.serial and seen.fault is None:
            info = seen.info
            self._workplace.ledger.shop.met(
                binding.id, serial=info.serial, fiscal_number=info.fiscal_number, model=info.model
            )

    def _internet(self) -> float | None:
        host, _, port = self._workplace.settings.internet.rpartition(":")
        return latency(host, int(port), PATIENCE) if host and port.isdigit() else None

    def _missing(self, binding: Binding) -> tuple[str, ...]:
        settings = self._workplace.settings
        missing = []
        if not settings.scanner or not Path(settings.scanner).exists():
            missing.append(N_("scanner"))
        if not settings.scales or not Path(settings.scales).exists():
            missing.append(N_("scales"))
        if not self._workplace.desk(binding).access.capabilities.drawer:
            missing.append(N_("drawer"))
        return tuple(missing)

    def _free(self) -> int:
        folder = self._workplace.settings.folder
        while not folder.exists() and folder != folder.parent:
            folder = folder.parent
        return shutil.disk_usage(folder).free

    def _backup_age(self, now: datetime) -> timedelta | None:
        text = self._workplace.ledger.shop.setting(BACKUP_SETTING)
        return now - datetime.fromisoformat(text) if text else None


def _zone_is_kyiv(now: datetime) -> bool:
    """Whether this process counts in Kyiv time (the program sets it at its start)."""
    offset = now.astimezone(KYIV).utcoffset()
    return offset is not None and time.localtime(now.timestamp()).tm_gmtoff == int(offset.total_seconds())


__all__ = ["CheckLine", "Checklist", "Checks", "Colour"]
