"""The printer's own rules (datecs-fp3530t.md §5, §8; emulators.md §2): what it does and what it refuses.

Decisions where the dossier is silent: the number of 113 counts every printed document but X reports; a fully paid
receipt cannot be cancelled, a partly paid one can; cash is checked against the drawer at the payment of a return;
corrections of a subtotal are spread over the tax groups in proportion, the rest on the largest.
"""

from __future__ import annotations

from collections.abc import Callable
from datetime import datetime, timedelta
from zoneinfo import ZoneInfo

from drivers.datecs.emulator import paper
from drivers.datecs.emulator.dialect import Dialect
from drivers.datecs.emulator.memory import LETTERS, Article, Day, Item, Memory, Receipt
from drivers.emulation.memory import Tape

KYIV = ZoneInfo("Europe/Kyiv")
DAY_LIMIT = timedelta(hours=24)
SILENCE_LIMIT = timedelta(hours=72)
SUM_LIMIT = 99_999_999_99


class Syntax(Exception):
    """The data do not read: S0.0."""


class Forbidden(Exception):
    """Not allowed now: S1.1."""


class Overflowed(Exception):
    """A sum is too large: S1.0 and S1.1."""


class NoPaper(Exception):
    """A printing command without paper or with the cover open: S2.0."""


class CoverOpen(Exception):
    """A printing command with the cover open, on a printer that has a bit for it: S1.5."""


class Printer:
    """Acts on the memory; every method either does all or raises and does nothing."""

    def __init__(
        self, memory: Memory, tape: Tape, wall: Callable[[], datetime], capacity: int, dialect: Dialect
    ) -> None:
        self.memory = memory
        self.dialect = dialect
        self.tape = tape
        self.capacity = capacity
        self._wall = wall
        self.wrong_passwords = 0
        self.display = ["", ""]

    # -- time and guards ------------------------------------------------------------------------------------------

    def now(self) -> datetime:
        """Kyiv wall time of the printer's own clock."""
        return (self._wall() + timedelta(seconds=self.memory.clock_offset)).astimezone(KYIV).replace(tzinfo=None)

    def need_paper(self) -> None:
        if self.memory.cover and self.dialect.cover_bit:
            raise CoverOpen
        if not self.memory.paper or self.memory.cover or self.memory.journal_out:
            raise NoPaper

    def password(self, operator: int, given: str) -> None:
        if self.wrong_passwords >= 3:
            raise Forbidden
        if self.memory.passwords.get(str(operator), "0000") != given:
            self.wrong_passwords += 1
            raise Forbidden
        self.wrong_passwords = 0

    def _may_trade(self) -> None:
        memory = self.memory
        if memory.fm_full or memory.hardware or not memory.fiscalised:
            raise Forbidden
        if memory.receipt is not None or memory.slip is not None:
            raise Forbidden
        if memory.z_list and self.now() < datetime.fromisoformat(memory.z_list[-1]["at"]).replace(microsecond=0):
            raise Forbidden
        if memory.day.first and self.now() - datetime.fromisoformat(memory.day.first) >= DAY_LIMIT:
            raise Forbidden
        if self.overdue():
            raise Forbidden

    def overdue(self) -> bool:
        """Whether a document has been waiting for the tax service for 72 hours."""
        since = self.memory.waiting_since
        return bool(since) and self.now() - datetime.fromisoformat(since) >= SILENCE_LIMIT

    def _begin_day(self) -> None:
        if not self.memory.day.first:
            self.memory.day.first = self.now().isoformat()

    # -- receipts -------------------------------------------------------------------------------------------------

    def open(self, operator: int, given: str, *, refund: bool) -> None:
        self._may_trade()
        self.password(operator, given)
        self.need_paper()
        self.memory.receipt = Receipt(refund, operator)

    def open_receipt(self) -> Receipt:
        if self.memory.receipt is None:
            raise Forbidden
        return self.memory.receipt

    def sell(self, code: int, quantity: int, percent: int, absolute: int) -> None:
        """`percent` in hundredths of a percent, `absolute` in kopecks, both signed; negative `quantity` voids."""
        receipt = self.open_receipt()
        if receipt.paying:
            raise Forbidden
        article = self.memory.articles.get(str(code))
        if article is None:
            raise Forbidden
        if quantity == 0 or abs(quantity) > 99_999_999:
            raise Syntax
        self.need_paper()
        total = _halves_up(article.price * abs(quantity), 1000)
        change = _signed(total * abs(percent), 10_000, percent) + absolute
        if total + change < 0:
            raise Forbidden
        total += change
        if quantity < 0:
            held = sum(item.quantity for item in receipt.items if item.code == code)
            if held < -quantity:
                raise Forbidden
            total = -total
        if receipt.amount + total > SUM_LIMIT:
            raise Overflowed
        receipt.items.append(Item(code, article.name, article.tax, article.price, quantity, total))

    def correct(self, percent: int, absolute: int) -> None:
        """Discount or surcharge on the subtotal."""
        receipt = self.open_receipt()
        if receipt.paying:
            raise Forbidden
        change = _signed(receipt.amount * abs(percent), 10_000, percent) + absolute
        if receipt.amount + change < 0:
            raise Forbidden
        if change:
            receipt.corrections.append(change)

    def pay(self, form: str, amount: int | None) -> tuple[str, int]:
        """One payment; None is all the rest. Returns the reply letter and its sum."""
        receipt = self.open_receipt()
        if receipt.paid:
            raise Forbidden
        rest = receipt.amount - receipt.tendered
        if receipt.amount < 0:
            return "E", -receipt.amount
        given = rest if amount is None else amount
        if given > rest and (form != "cash" or receipt.refund):
            return "F", 0
        if receipt.refund and form == "cash" and min(given, rest) > self.memory.drawer:
            return "F", 0
        self.need_paper()
        receipt.paying = True
        receipt.tender[form] = receipt.tender.get(form, 0) + given
        if given < rest:
            return "D", rest - given
        receipt.change = given - rest
        return "R", receipt.change

    def close(self) -> None:
        receipt = self.open_receipt()
        if not receipt.paid:
            raise Forbidden
        self.need_paper()
        memory, day = self.memory, self.memory.day
        self._begin_day()
        sums = dict(receipt.tender)
        if receipt.change:
            sums["cash"] -= receipt.change
        turnover, forms = (day.returned, day.repaid) if receipt.refund else (day.sold, day.paid)
        for letter, value in by_tax(receipt).items():
            turnover[letter] = turnover.get(letter, 0) + value
        for form, value in sums.items():
            forms[form] = forms.get(form, 0) + value
        memory.drawer += -sums.get("cash", 0) if receipt.refund else sums.get("cash", 0)
        for item in receipt.items:
            article = memory.articles[str(item.code)]
            article.quantity += item.quantity
            article.turnover += item.total
        day.receipts += not receipt.refund
        day.returns += receipt.refund
        memory.receipts += 1
        memory.last_amount, memory.last_tender = receipt.amount, receipt.tendered
        memory.last_items = len(receipt.items)
        memory.receipt = None
        number = self._document("REFUND" if receipt.refund else "SALE", receipt.amount, sums)
        self.tape.print(paper.receipt(number, receipt, sums, self.now()))

    def cancel(self) -> None:
        receipt = self.open_receipt()
        if receipt.paid and receipt.tendered:
            raise Forbidden
        self.need_paper()
        self.memory.receipt = None
        self.memory.last_amount = self.memory.last_items = self.memory.last_tender = 0
        self.tape.print(["ЧЕК АНУЛЬОВАНО".center(paper.WIDTH), ""])

    def text(self, line: str) -> None:
        receipt = self.open_receipt()
        self.need_paper()
        if sum(map(len, receipt.texts)) + len(line) > self.dialect.text_total:
            raise Forbidden
        receipt.texts.append(line)

    # -- slips, cash, reports -------------------------------------------------------------------------------------

    def open_slip(self) -> None:
        if self.memory.receipt is not None or self.memory.slip is not None:
            raise Forbidden
        self.need_paper()
        self.memory.slip = []

    def slip_line(self, line: str) -> None:
        if self.memory.slip is None:
            raise Forbidden
        self.need_paper()
        self.memory.slip.append(line)

    def close_slip(self) -> None:
        lines = self.memory.slip
        if lines is None:
            raise Forbidden
        self.need_paper()
        self.memory.slip = None
        number = self._document("NONFISCAL", 0, {})
        title = "НЕФІСКАЛЬНИЙ ЧЕК".center(paper.WIDTH)
        self.tape.print([title, *lines, paper.marker(number, "NONFISCAL", 0, self.now()), ""])

    def move_cash(self, amount: int) -> bool:
        """Service cash-in or (negative) cash-out, kopecks. False when the drawer holds less."""
        if self.memory.receipt is not None or self.memory.slip is not None:
            raise Forbidden
        if amount < 0 and -amount > self.memory.drawer:
            return False
        self.need_paper()
        self._begin_day()
        self.memory.drawer += amount
        if amount > 0:
            self.memory.day.cash_in += amount
        else:
            self.memory.day.cash_out -= amount
        number = self._document("CASH_IN" if amount > 0 else "CASH_OUT", abs(amount), {})
        self.tape.print(paper.cash(number, amount, self.memory.drawer, self.now()))
        return True

    def x_report(self) -> None:
        self._may_report()
        lines = paper.report("X-ЗВІТ", self.memory.z_number + 1, self.memory.day, self.memory.drawer, self.now())
        self.tape.print([*lines, ""])

    def z_report(self) -> Day:
        """Close the day; returns its registers."""
        self._may_report()
        if self.memory.fm_full or self.memory.hardware:
            raise Forbidden
        memory, day = self.memory, self.memory.day
        memory.z_number += 1
        memory.z_list.append(
            {"number": memory.z_number, "at": self.now().isoformat(), "sold": day.sold, "returned": day.returned}
        )
        lines = paper.report("Z-ЗВІТ", memory.z_number, day, memory.drawer, self.now())
        memory.day = Day()
        memory.clock_set = False
        for article in memory.articles.values():
            article.quantity = article.turnover = 0
        amount = sum(day.sold.values())
        number = self._document("Z", amount, {})
        self.tape.print([*lines, paper.marker(number, "Z", amount, self.now(), day.paid), ""])
        return day

    def _may_report(self) -> None:
        if self.memory.receipt is not None or self.memory.slip is not None:
            raise Forbidden
        self.need_paper()

    def _document(self, kind: str, amount: int, sums: dict[str, int]) -> int:
        memory = self.memory
        memory.last_document += 1
        memory.day.documents += kind != "Z"
        if self.dialect.modem and not memory.link:
            memory.waiting_since = memory.waiting_since or self.now().isoformat()
        memory.journal.append(
            {
                "number": memory.last_document,
                "kind": kind,
                "amount": amount,
                "sums": sums,
                "at": self.now().isoformat(timespec="seconds"),
            }
        )
        return memory.last_document

    # -- articles and clock ---------------------------------------------------------------------------------------

    def program(self, code: int, fresh: Article) -> bool:
        """False: the place is beyond the table, or its article has turnover and would change name or tax."""
        if not 1 <= code <= self.dialect.code_limit:
            return False
        old = self.memory.articles.get(str(code))
        if old is None and len(self.memory.articles) >= self.capacity:
            return False
        if old is not None and (old.quantity or old.turnover):
            if (old.name, old.tax) != (fresh.name, fresh.tax):
                return False
            fresh.quantity, fresh.turnover = old.quantity, old.turnover
        self.memory.articles[str(code)] = fresh
        return True

    def delete(self, code: str) -> bool:
        if self.memory.receipt is not None:
            raise Forbidden
        doomed = list(self.memory.articles) if code == "A" else [code]
        for name in doomed:
            article = self.memory.articles.get(name)
            if article is None or article.quantity or article.turnover:
                return False
        for name in doomed:
            del self.memory.articles[name]
        return True

    def set_clock(self, moment: datetime) -> None:
        """Only with the day closed and never before the last fiscal record (§5, 61)."""
        memory = self.memory
        if memory.day.first or memory.receipt is not None:
            raise Forbidden
        if memory.clock_set and self.dialect.clock_once:
            raise Forbidden
        if memory.z_list and moment < datetime.fromisoformat(memory.z_list[-1]["at"]).replace(microsecond=0):
            raise Forbidden
        memory.clock_offset += (moment - self.now()).total_seconds()
        memory.clock_set = True


def _halves_up(product: int, divisor: int) -> int:
    return (2 * product + divisor) // (2 * divisor)


def _signed(product: int, divisor: int, sign: int) -> int:
    return _halves_up(product, divisor) * (1 if sign >= 0 else -1)


def by_tax(receipt: Receipt) -> dict[str, int]:
    """Sums of a receipt by tax letter, corrections spread in proportion."""
    sums: dict[str, int] = {}
    for item in receipt.items:
        sums[item.tax] = sums.get(item.tax, 0) + item.total
    goods = sum(sums.values())
    spread = sum(receipt.corrections)
    if spread and goods:
        left = spread
        for letter in sorted(sums, key=LETTERS.index):
            part = _signed(abs(spread) * sums[letter], goods, spread)
            sums[letter] += part
            left -= part
        sums[max(sums, key=lambda letter: sums[letter])] += left
    return sums
