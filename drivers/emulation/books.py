"""The books that every registrar keeps, whatever language it speaks (emulators.md §2).

Clock, shift, registers by tax group and payment form, drawer, counters, list of Z records, journal, transmission.
Sums in kopecks; times are Kyiv wall time without a zone, as the devices keep them. A family holds one `Books` among
its own memory and decides which of these rules forbids what, and with which code.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from datetime import datetime, timedelta
from typing import Any
from zoneinfo import ZoneInfo

KYIV = ZoneInfo("Europe/Kyiv")
SHIFT_LIMIT = timedelta(hours=24)
SILENCE_LIMIT = timedelta(hours=72)
"""Requirements 3.1.2, order of the Ministry of Finance 1057 of 08.10.2012."""


@dataclass
class Day:
    """Registers since the last Z. `first` is the ISO time of the first operation, with which a shift begins;
    `opening` is the cash that the drawer held then."""

    first: str = ""
    opening: int = 0
    sold: dict[str, int] = field(default_factory=dict)
    returned: dict[str, int] = field(default_factory=dict)
    paid: dict[str, int] = field(default_factory=dict)
    repaid: dict[str, int] = field(default_factory=dict)
    cash_in: int = 0
    cash_out: int = 0
    receipts: int = 0
    returns: int = 0


@dataclass
class Books:
    serial: str = "AB12345678"
    fiscal_number: str = "3000012345"
    personalised: bool = True
    clock_offset: float = 0.0
    paper: bool = True
    near_end: bool = False
    cover: bool = False
    fm_full: bool = False
    hardware: bool = False
    link: bool = True
    sent_at: str = ""
    waiting: int = 0
    waiting_since: str = ""
    receipts: int = 0
    z_number: int = 0
    z_list: list[dict[str, Any]] = field(default_factory=list)
    drawer: int = 0
    day: Day = field(default_factory=Day)
    journal: list[dict[str, Any]] = field(default_factory=list)

    @classmethod
    def restore(cls, plain: Mapping[str, Any]) -> Books:
        """From a state file. Raises TypeError or KeyError for other data."""
        books = cls(**plain)
        books.day = Day(**plain["day"])
        return books

    # -- time -----------------------------------------------------------------------------------------------------

    def now(self, wall: Callable[[], datetime]) -> datetime:
        """The device's own clock: the world's time and an offset."""
        return (wall() + timedelta(seconds=self.clock_offset)).astimezone(KYIV).replace(tzinfo=None)

    def last_z(self) -> datetime | None:
        return datetime.fromisoformat(self.z_list[-1]["at"]) if self.z_list else None

    def clock_behind(self, at: datetime) -> bool:
        """Whether the clock shows a time before the last fiscal record."""
        last = self.last_z()
        return last is not None and at < last.replace(microsecond=0)

    def shift_expired(self, at: datetime) -> bool:
        return bool(self.day.first) and at - datetime.fromisoformat(self.day.first) > SHIFT_LIMIT

    def begin(self, at: datetime) -> None:
        """The first operation after a Z opens the shift."""
        if not self.day.first:
            self.day.first = at.isoformat()

    # -- transmission ---------------------------------------------------------------------------------------------

    def transmit(self, at: datetime) -> None:
        """What the modem does by itself whenever the line is up."""
        if self.link:
            self.waiting, self.waiting_since, self.sent_at = 0, "", at.isoformat()

    def silence(self, at: datetime) -> timedelta:
        """How long the oldest document has been waiting."""
        return at - datetime.fromisoformat(self.waiting_since) if self.waiting_since else timedelta(0)

    def overdue(self, at: datetime) -> bool:
        return self.silence(at) >= SILENCE_LIMIT

    def heal(self) -> None:
        """A technician repairs memory and journal; the registers stay."""
        self.fm_full = self.hardware = False

    def fall_silent(self, at: datetime) -> None:
        """F14: the line is down and a document has been waiting for the whole 72 hours."""
        self.link = False
        self.waiting = max(self.waiting, 1)
        self.waiting_since = (at - SILENCE_LIMIT).isoformat()

    # -- documents ------------------------------------------------------------------------------------------------

    def receipt(
        self, number: int, by_tax: Mapping[str, int], by_form: Mapping[str, int], at: datetime, *, refund: bool
    ) -> None:
        """Book one receipt. `by_form` holds what stays: change is already taken off the cash."""
        self.begin(at)
        day = self.day
        turnover, forms = (day.returned, day.repaid) if refund else (day.sold, day.paid)
        for letter, value in by_tax.items():
            turnover[letter] = turnover.get(letter, 0) + value
        for form, value in by_form.items():
            if value:
                forms[form] = forms.get(form, 0) + value
        cash = by_form.get("cash", 0)
        self.drawer += -cash if refund else cash
        day.receipts += not refund
        day.returns += refund
        self.receipts += 1
        self.note(number, "REFUND" if refund else "SALE", sum(by_tax.values()), by_form, at)

    def move_cash(self, number: int, amount: int, at: datetime) -> None:
        """Service cash-in, or with a negative `amount` a cash-out that the drawer must cover."""
        self.begin(at)
        self.drawer += amount
        if amount > 0:
            self.day.cash_in += amount
        else:
            self.day.cash_out -= amount
        self.note(number, "CASH_IN" if amount > 0 else "CASH_OUT", abs(amount), {}, at)

    def close_day(self, at: datetime) -> Day:
        """Z: the day's registers go to the fiscal memory and start anew."""
        day = self.day
        self.z_number += 1
        self.z_list.append({"number": self.z_number, "at": at.isoformat(), "sold": day.sold, "returned": day.returned})
        self.day = Day(opening=self.drawer)
        self.note(self.z_number, "Z", sum(day.sold.values()), {}, at)
        return day

    def note(self, number: int, kind: str, amount: int, sums: Mapping[str, int], at: datetime) -> None:
        """One more document in the journal, for the tax service to have."""
        self.journal.append(
            {
                "number": number,
                "kind": kind,
                "amount": amount,
                "sums": dict(sums),
                "at": at.isoformat(timespec="seconds"),
            }
        )
        self.waiting += 1
        self.waiting_since = self.waiting_since or at.isoformat()
        self.transmit(at)

    def registers(self, *, last_document: int, open_receipt: bool, articles: int, display: list[str]) -> dict[str, Any]:
        day = self.day
        return {
            "serial": self.serial,
            "sales_turnover": sum(day.sold.values()),
            "refunds_turnover": sum(day.returned.values()),
            "sales_by_tax": dict(day.sold),
            "refunds_by_tax": dict(day.returned),
            "sales_by_form": dict(day.paid),
            "refunds_by_form": dict(day.repaid),
            "cash_in": day.cash_in,
            "cash_out": day.cash_out,
            "drawer": self.drawer,
            "last_document": last_document,
            "receipts": self.receipts,
            "z_number": self.z_number,
            "open_receipt": open_receipt,
            "articles": articles,
            "display": display,
            "journal": [dict(entry) for entry in self.journal],
        }


def half_up(product: int, divisor: int) -> int:
    """A quotient of non-negative numbers, halves away from zero."""
    return (2 * product + divisor) // (2 * divisor)
