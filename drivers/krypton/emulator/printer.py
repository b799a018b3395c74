"""The device's own rules (datecs-krypton.md §4-6, §8; emulators.md §2): what it refuses and with which code.

Decisions where the dossier is silent: one running number covers receipts, service receipts and cash movements, not Z;
an article that was sold since Z may be sent again unchanged, its name and tax may not change; 68 and 69 act on the last
line; goods end with 6D; cash movements are refused after 24 hours like sales ("only Z/X and reads work") but not after
72; cash is checked against the drawer at the payment of a return; an open receipt can be cancelled until 65.
"""

from __future__ import annotations

from collections.abc import Callable
from datetime import datetime

from drivers.emulation import paper
from drivers.emulation.books import Books, half_up
from drivers.emulation.memory import Tape
from drivers.krypton.emulator.memory import LETTERS, NO_RECEIPT, Article, Item, Memory, Receipt

SUM_LIMIT = 99_999_999_99
PAYMENTS_LIMIT = 10
LINES_LIMIT = 999


class Refused(Exception):
    """Nothing was done; `code` is EEEE of the reply (§4)."""

    def __init__(self, code: str) -> None:
        super().__init__(code)
        self.code = code


class Printer:
    """Acts on the memory; every method either does all or raises and does nothing."""

    def __init__(
        self,
        memory: Memory,
        tape: Tape,
        wall: Callable[[], datetime],
        *,
        capacity: int,
        model: str,
        next_number: bool,
        midnight: bool,
        z_when_silent: bool,
    ) -> None:
        self.memory = memory
        self.tape = tape
        self.capacity = capacity
        self.model = model
        self.next_number = next_number
        self.display = ["", ""]
        self._wall = wall
        self._midnight = midnight
        self._z_when_silent = z_when_silent

    @property
    def books(self) -> Books:
        return self.memory.books

    def now(self) -> datetime:
        return self.books.now(self._wall)

    # -- guards ---------------------------------------------------------------------------------------------------

    def need_paper(self) -> None:
        if not self.books.paper or self.books.cover:
            raise Refused("0101")

    def need(self, *states: int) -> None:
        if self.memory.state not in states:
            raise Refused("000B")

    def _need_memory(self) -> None:
        if self.books.hardware:
            raise Refused("0901")
        if self.books.fm_full:
            raise Refused("0005")

    def _need_shift(self) -> None:
        """Clock and shift allow one more operation."""
        books, at = self.books, self.now()
        if not books.personalised:
            raise Refused("0507")
        if books.clock_behind(at):
            raise Refused("0305")
        if books.shift_expired(at):
            raise Refused("0905")
        if self._midnight and books.day.first and datetime.fromisoformat(books.day.first).date() != at.date():
            raise Refused("0405")

    # -- receipts -------------------------------------------------------------------------------------------------

    def open(self, operator: int, till: int, *, refund: bool) -> None:
        self.need_paper()
        self.need(NO_RECEIPT)
        self._need_memory()
        self._need_shift()
        if self.books.overdue(self.now()):
            raise Refused("0F05")
        self.memory.receipt = Receipt(refund, operator, till)

    def receipt(self, *, paying: bool | None = None) -> Receipt:
        """The open receipt, in or before its payment when that matters."""
        receipt = self.memory.receipt
        if receipt is None or (paying is not None and receipt.paying != paying):
            raise Refused("000B")
        return receipt

    def sell(self, code: str, quantity: int, price: int) -> tuple[int, int]:
        """One line; thousandths and kopecks. Returns the sums of the line and of the receipt."""
        self.need_paper()
        receipt = self.receipt(paying=False)
        article = self.memory.articles.get(code)
        if article is None:
            raise Refused("020A")
        if self.memory.rates[article.tax] < 0:
            raise Refused("050A")
        if quantity <= 0:
            raise Refused("0F0B")
        if price <= 0:
            raise Refused("100B")
        if len(receipt.items) >= LINES_LIMIT:
            raise Refused("120B")
        total = half_up(price * quantity, 1000)
        if receipt.amount + total > SUM_LIMIT:
            raise Refused("0C0B")
        receipt.items.append(Item(code, article.name, article.tax, price, quantity, total))
        return total, receipt.amount

    def change_line(self, *, percent: int = 0, amount: int = 0) -> tuple[int, int]:
        """Discount or surcharge on the last line: hundredths of a percent or kopecks, signed."""
        self.need_paper()
        receipt = self.receipt(paying=False)
        if not receipt.items:
            raise Refused("000B")
        item = receipt.items[-1]
        step = half_up(item.total * abs(percent), 10_000)
        change = amount + (step if percent >= 0 else -step)
        if item.total + change < 0:
            raise Refused("0B0B")
        if receipt.amount + change > SUM_LIMIT:
            raise Refused("0C0B")
        item.total += change
        return item.total, receipt.amount

    def total(self) -> int:
        self.need_paper()
        receipt = self.receipt()
        receipt.paying = True
        return receipt.amount

    def pay(self, number: int, amount: int) -> int:
        """One payment; returns what is still due, or the change."""
        self.need_paper()
        receipt = self.receipt(paying=True)
        if receipt.paid or len(receipt.tender) >= PAYMENTS_LIMIT:
            raise Refused("000B")
        form = self.memory.forms[number]
        if not form.mask & (2 if receipt.refund else 1):
            raise Refused("090B")
        rest = receipt.amount - receipt.tendered
        if amount == 0 and rest:
            raise Refused("0204")
        if amount > rest and (receipt.refund or not form.mask & 0x80):
            raise Refused("0A0B")
        if amount > SUM_LIMIT:
            raise Refused("0D0B")
        if receipt.refund and form.kind == "cash":
            repaid = sum(sum_ for other, sum_ in receipt.tender if self.memory.forms[other].kind == "cash")
            if repaid + amount > self.books.drawer:
                raise Refused("080B")
        receipt.tender.append([number, amount])
        receipt.change = max(0, amount - rest)
        return abs(rest - amount)

    def close(self) -> int:
        self.need_paper()
        receipt = self.receipt(paying=True)
        if not receipt.paid:
            raise Refused("000B")
        self._need_memory()
        memory, at = self.memory, self.now()
        by_form: dict[str, int] = {}
        for number, amount in receipt.tender:
            kind = memory.forms[number].kind
            by_form[kind] = by_form.get(kind, 0) + amount
        if receipt.change:
            by_form[memory.forms[receipt.tender[-1][0]].kind] -= receipt.change
        by_tax: dict[str, int] = {}
        for item in receipt.items:
            by_tax[LETTERS[item.tax]] = by_tax.get(LETTERS[item.tax], 0) + item.total
            memory.articles[item.code].quantity += item.quantity
        memory.last_number += 1
        memory.sale_receipts += not receipt.refund
        memory.return_receipts += receipt.refund
        self.books.receipt(memory.last_number, by_tax, by_form, at, refund=receipt.refund)
        memory.receipt = None
        self.tape.print(self._printed(receipt, by_form, at))
        return memory.last_number

    def _printed(self, receipt: Receipt, by_form: dict[str, int], at: datetime) -> list[str]:
        number = self.memory.last_number
        title = "ВИДАТКОВИЙ ЧЕК" if receipt.refund else "ФІСКАЛЬНИЙ ЧЕК"
        lines = [title.center(paper.WIDTH), paper.row(f"ЧЕК №{number}", f"ОПЕРАТОР {receipt.operator:02d}")]
        for item in receipt.items:
            lines.append(item.name)
            price = f"  {item.quantity // 1000}.{item.quantity % 1000:03d} x {paper.hryvnias(item.price)}"
            lines.append(paper.row(price, f"{paper.hryvnias(item.total)} {LETTERS[item.tax]}"))
        lines += [*receipt.texts, paper.row("СУМА", paper.hryvnias(receipt.amount))]
        for form, amount in receipt.tender:
            lines.append(paper.row(self.memory.forms[form].name, paper.hryvnias(amount)))
        lines.append(paper.row("РЕШТА", paper.hryvnias(receipt.change)))
        kind = "REFUND" if receipt.refund else "SALE"
        return [*lines, paper.marker(number, kind, receipt.amount, at, by_form), ""]

    def cancel(self) -> None:
        self.receipt()
        self.need_paper()
        self.drop_receipt()

    def drop_receipt(self) -> None:
        if self.memory.receipt is not None:
            self.memory.receipt = None
            self.tape.print(["ЧЕК АНУЛЬОВАНО".center(paper.WIDTH), "НЕДІЙСНИЙ ЧЕК".center(paper.WIDTH), ""])

    def text(self, line: str) -> None:
        self.need_paper()
        if self.memory.slip is not None:
            self.memory.slip.append(line)
        else:
            self.receipt().texts.append(line)

    # -- service receipts, cash, reports --------------------------------------------------------------------------

    def open_slip(self) -> None:
        self.need_paper()
        self.need(NO_RECEIPT)
        self.memory.slip = []

    def slip(self) -> list[str]:
        if self.memory.slip is None:
            raise Refused("000B")
        self.need_paper()
        return self.memory.slip

    def close_slip(self) -> int:
        lines = self.slip()
        memory, at = self.memory, self.now()
        memory.slip = None
        memory.last_number += 1
        self.books.note(memory.last_number, "NONFISCAL", 0, {}, at)
        title = "СЛУЖБОВИЙ ЧЕК".center(paper.WIDTH)
        self.tape.print([title, *lines, paper.marker(memory.last_number, "NONFISCAL", 0, at), ""])
        return memory.last_number

    def move_cash(self, amount: int) -> None:
        self.need_paper()
        self.need(NO_RECEIPT)
        self._need_memory()
        self._need_shift()
        if amount < 0 and -amount > self.books.drawer:
            raise Refused("080B")
        self.memory.last_number += 1
        self.books.move_cash(self.memory.last_number, amount, self.now())
        self.tape.print(paper.cash(self.memory.last_number, amount, self.books.drawer, self.now()))

    def x_report(self) -> None:
        self.need_paper()
        self.need(NO_RECEIPT)
        books = self.books
        self.tape.print([*paper.report("X-ЗВІТ", books.z_number + 1, books.day, books.drawer, self.now()), ""])

    def z_report(self) -> None:
        self.need_paper()
        self.need(NO_RECEIPT)
        self._need_memory()
        books, at = self.books, self.now()
        if books.clock_behind(at):
            raise Refused("0305")
        if books.overdue(at) and not self._z_when_silent:
            raise Refused("0F05")
        day = books.close_day(at)
        for article in self.memory.articles.values():
            article.quantity = 0
        self.memory.sale_receipts = self.memory.return_receipts = 0
        lines = paper.report("Z-ЗВІТ", books.z_number, day, books.drawer, at)
        self.tape.print([*lines, paper.marker(books.z_number, "Z", sum(day.sold.values()), at, day.paid), ""])

    # -- articles and clock ---------------------------------------------------------------------------------------

    def program(self, code: str, fresh: Article) -> None:
        old = self.memory.articles.get(code)
        if self.memory.rates[fresh.tax] < 0:
            raise Refused("050A")
        if old is None:
            if len(self.memory.articles) >= self.capacity:
                raise Refused("000A")
            fresh.index = len(self.memory.articles) + 1
        else:
            held = self.memory.receipt is not None and any(item.code == code for item in self.memory.receipt.items)
            if (old.quantity or held) and (old.name, old.tax) != (fresh.name, fresh.tax):
                raise Refused("040A")
            fresh.index, fresh.quantity = old.index, old.quantity
        self.memory.articles[code] = fresh

    def set_clock(self, moment: datetime) -> None:
        self.need(NO_RECEIPT)
        books = self.books
        if books.day.first:
            raise Refused("0107")
        if books.clock_behind(moment):
            raise Refused("0305")
        if books.journal and moment < datetime.fromisoformat(books.journal[-1]["at"]).replace(second=0):
            raise Refused("0E05")
        books.clock_offset += (moment - self.now()).total_seconds()
