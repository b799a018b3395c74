"""The device's own rules (maria.md §4, §5, §8; emulators.md §2): what it does and what it refuses, with which words.

Decisions where the dossier is silent: a receipt of returns alone gives its rest back in cash, COMP may name that cash
or 0; in a mixed receipt the returns are paid out in cash; rounding 0 is to the nearest, 1 down, 2 up; a Z number is the
number of the last Z, as the receipt number is that of the last receipt; a dropped DTR rolls an open receipt back.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from datetime import datetime, timedelta

from drivers.emulation import paper
from drivers.emulation.books import Books
from drivers.emulation.memory import Tape
from drivers.maria.emulator.memory import (
    BFIS,
    COMP,
    FISC,
    LETTERS,
    PREP,
    Article,
    Line,
    Memory,
    Receipt,
    Session,
    by_tax,
    embedded_tax,
    total,
)

LINES_LIMIT = 720
COPY_LIMIT = 300
SUM_LIMIT = 9_999_999_999
CLOCK_LIMIT = timedelta(minutes=90)
WORK = 1


class Refused(Exception):
    """Nothing was done; the words are sent instead of DONE (§5)."""

    def __init__(self, *words: str) -> None:
        super().__init__(*words)
        self.words = words


class Till:
    """Acts on memory and session; every method either does all or raises and does nothing."""

    def __init__(
        self,
        memory: Memory,
        tape: Tape,
        wall: Callable[[], datetime],
        *,
        model: str,
        forms: tuple[str, str, str],
        capacity: int,
        strict_key: bool,
        z_when_silent: bool,
    ) -> None:
        self.memory = memory
        self.session = Session()
        self.tape = tape
        self.model = model
        self.forms = forms
        self.strict_key = strict_key
        self.indicators = ["", "", ""]
        self._wall = wall
        self._capacity = capacity
        self._z_when_silent = z_when_silent

    @property
    def books(self) -> Books:
        return self.memory.books

    @property
    def training(self) -> bool:
        """Without a registration in the fiscal memory nothing is recorded."""
        return not self.books.personalised

    def now(self) -> datetime:
        return self.books.now(self._wall)

    # -- guards ---------------------------------------------------------------------------------------------------

    def need_paper(self) -> None:
        if self.books.cover:
            raise Refused("HARDPOINT")
        if not self.books.paper:
            raise Refused("HARDPAPER")

    def expect(self, bit: int) -> None:
        if not self.session.mask & bit:
            raise Refused("SOFTPROTOC")

    def need_memory(self) -> None:
        if self.books.hardware:
            raise Refused("HARDMEMORY")
        if self.books.fm_full:
            raise Refused("SOFTFMFULL")

    def need_shift(self) -> None:
        books, at = self.books, self.now()
        if books.clock_behind(at):
            raise Refused("HARDTIMER")
        if books.shift_expired(at):
            raise Refused("SOFT24HOUR", "SOFTNREP")

    def need_transmission(self) -> None:
        if self.model == "304" and self.books.overdue(self.now()):
            raise Refused("SOFTpOVER72H")

    # -- receipts -------------------------------------------------------------------------------------------------

    def prepare(self, department: str) -> None:
        self.expect(PREP)
        self.need_paper()
        self.need_memory()
        self.need_shift()
        self.need_transmission()
        self.session.receipt = Receipt(department)
        self.memory.unfinished = True

    def add(self, line: Line, sum_: int, *, back: bool) -> None:
        """A sale line or a return line; `sum_` is what the host counted before the discount."""
        self.expect(BFIS if back else FISC)
        self.need_paper()
        receipt = self.session.receipt
        if receipt is None:
            raise Refused("SOFTPROTOC")
        if not sum_ > 0 or line.total < 0:
            raise Refused("SOFTCHECK" if sum_ <= 0 else "SOFTBADDISC")
        if len(receipt.lines) >= LINES_LIMIT:
            raise Refused("SOFTOVART")
        self._need_article(receipt, line)
        lines = receipt.returned if back else receipt.sold
        if total(lines) + line.total > SUM_LIMIT:
            raise Refused("SOFTOVER")
        lines.append(line)

    def _need_article(self, receipt: Receipt, line: Line) -> None:
        fresh = line.article
        earlier = [other.article for other in receipt.lines if other.code == line.code]
        kept = self.memory.articles.get(line.code)
        if kept is not None and kept.sold:
            earlier.append(kept)
        if any((old.name, old.taxes, old.divisible) != (fresh.name, fresh.taxes, fresh.divisible) for old in earlier):
            raise Refused("SOFTDIFART")
        fresh_codes = {other.code for other in receipt.lines} | {line.code}
        if len(fresh_codes | self.memory.articles.keys()) > self._capacity:
            raise Refused("SOFTBADART")

    def complete(self, sold: int, returned: int, paid: tuple[int, int, int], cash: int) -> list[int]:
        """Close the receipt; `paid` are the three non-cash forms in the order of COMP. Returns its nine numbers."""
        self.expect(COMP)
        self.need_paper()
        self.need_memory()
        receipt = self.session.receipt
        if receipt is None:
            raise Refused("SOFTPROTOC")
        if (total(receipt.sold), total(receipt.returned)) != (sold, returned):
            raise Refused("SOFTNEED")
        net, bank = sold - returned, sum(paid)
        if bank > abs(net):
            raise Refused("SOFTCHECK")
        moved = abs(net) - bank  # cash that really stays or leaves
        if net >= 0 and cash < moved:
            raise Refused("SOFTNEED")
        if net < 0 and cash not in (0, moved):
            raise Refused("SOFTCHECK")
        if net < 0 and moved > self.books.drawer:
            raise Refused("SOFTNEED")
        forms = {name: sum_ for name, sum_ in zip(self.forms, paid, strict=True) if sum_}
        tax = (embedded_tax(receipt.sold, self.memory.schemes), embedded_tax(receipt.returned, self.memory.schemes))
        number = self.memory.receipt_number + (not self.training)
        if not self.training:
            self._book(receipt, forms, number)
        at = self.now()
        kind = "SALE" if receipt.sold or not receipt.returned else "REFUND"
        marks = {**forms, "cash": moved} if moved else forms
        lines = [
            *self.memory.header,
            *self.session.before,
            *self._printed(receipt, forms, cash if net >= 0 else moved, cash - moved if net >= 0 else 0, number),
            *self.session.after,
            *self.memory.footer,
            paper.marker(number, kind, abs(net), at, marks),
            "",
        ]
        self.memory.last_receipt, self.memory.last_lines, self.memory.copied = lines, len(receipt.lines), False
        self.memory.unfinished = False
        self.session.forget_document()
        self.tape.print(lines)
        return [number, sold, 0, tax[0], 0, returned, 0, tax[1], 0]

    def _book(self, receipt: Receipt, forms: Mapping[str, int], number: int) -> None:
        at = self.now()
        self.memory.receipt_number = number
        mixed = bool(receipt.sold) and bool(receipt.returned)
        for lines, back in ((receipt.sold, False), (receipt.returned, True)):
            if lines or (not back and not receipt.returned):
                bank = {} if mixed and back else forms
                by_form = {**bank, "cash": total(lines) - sum(bank.values())}
                by_form = {name: sum_ for name, sum_ in by_form.items() if sum_}
                self.books.receipt(number, by_tax(lines), by_form, at, refund=back)
        for line in receipt.lines:
            self.memory.articles[line.code] = Article(
                line.article.name, line.article.taxes, line.article.divisible, sold=True
            )

    def _printed(self, receipt: Receipt, forms: Mapping[str, int], cash: int, change: int, number: int) -> list[str]:
        lines = [
            ("ВИДАТКОВИЙ ЧЕК" if receipt.returned and not receipt.sold else "ФІСКАЛЬНИЙ ЧЕК").center(paper.WIDTH),
            paper.row(f"ЧЕК №{number}", f"КАСИР {self.session.cashier or ''}"),
            receipt.department,
        ]
        if self.session.return_of:
            lines.append(f"ПОВЕРНЕННЯ ПО ЧЕКУ {self.session.return_of}")
        for line in receipt.lines:
            lines.append(line.article.name)
            price = f"  {line.quantity // 1000}.{line.quantity % 1000:03d} x {paper.hryvnias(line.price)}"
            lines.append(paper.row(price, f"{paper.hryvnias(line.total)} {line.article.taxes}"))
        lines.append(paper.row("СУМА", paper.hryvnias(total(receipt.sold) - total(receipt.returned))))
        lines += [paper.row(paper.FORM_NAMES.get(form, form), paper.hryvnias(sum_)) for form, sum_ in forms.items()]
        lines.append(paper.row("ГОТІВКА", paper.hryvnias(cash)))
        return [*lines, paper.row("РЕШТА", paper.hryvnias(change))]

    def zero_receipt(self) -> None:
        self.prepare("")
        receipt = self.session.receipt
        if receipt is not None:
            number = self.memory.receipt_number + (not self.training)
            if not self.training:
                self._book(receipt, {}, number)
            marker = paper.marker(number, "SALE", 0, self.now())
            self.tape.print(["НУЛЬОВИЙ ЧЕК".center(paper.WIDTH), marker, ""])
        self.memory.unfinished = False
        self.session.forget_document()

    def roll_back(self) -> None:
        """Forget the open document; the paper says so. Harmless when there is none."""
        if self.session.receipt is not None or self.memory.unfinished:
            self.tape.print(["НЕДІЙСНИЙ ЧЕК".center(paper.WIDTH), ""])
        self.memory.unfinished = False
        self.session.forget_document()

    def copy(self) -> None:
        self.expect(PREP)
        memory = self.memory
        if not memory.last_receipt or memory.copied or memory.last_lines > COPY_LIMIT:
            raise Refused("SOFTCOPY")
        self.need_paper()
        memory.copied = True
        lines = [line for line in memory.last_receipt if not line.startswith("#")]
        self.tape.print(["КОПІЯ".center(paper.WIDTH), *lines])

    # -- service documents, cash, reports -------------------------------------------------------------------------

    def print_slip(self) -> None:
        lines = self.session.slip
        if lines is None:
            raise Refused("SOFTPROTOC")
        self.need_paper()
        self.memory.host_documents += 1
        number, at = self.memory.host_documents, self.now()
        if not self.training:
            self.books.note(number, "NONFISCAL", 0, {}, at)
        marker = paper.marker(number, "NONFISCAL", 0, at)
        self.tape.print(["СЛУЖБОВИЙ ЧЕК".center(paper.WIDTH), *lines, marker, ""])
        self.session.forget_document()

    def move_cash(self, amount: int, text: str) -> None:
        self.expect(PREP)
        self.need_paper()
        self.need_memory()
        self.need_shift()
        if amount < 0 and -amount > self.books.drawer:
            raise Refused("SOFTNEED")
        at = self.now()
        self.memory.device_documents += 1
        if not self.training:
            self.books.move_cash(self.memory.device_documents, amount, at)
        slip = paper.cash(self.memory.device_documents, amount, self.books.drawer, at)
        self.tape.print([text, *slip] if text else slip)

    def x_report(self) -> None:
        self._may_report(2, "SOFTSLZREP")
        books = self.books
        self.memory.device_documents += 1
        number = 0 if self.training else books.z_number + 1
        self.tape.print([*paper.report("X-ЗВІТ", number, books.day, books.drawer, self.now()), ""])

    def z_report(self) -> None:
        self._may_report(4, "SOFTSLNREP")
        self.need_memory()
        books, at = self.books, self.now()
        if books.clock_behind(at):
            raise Refused("HARDTIMER")
        if not self._z_when_silent:
            self.need_transmission()
        if self.training:
            self.tape.print([*paper.report("Z-ЗВІТ", 0, books.day, books.drawer, at), ""])
            return
        self.memory.previous = books.day
        day = books.close_day(at)
        self.memory.clock_set = False
        for article in self.memory.articles.values():
            article.sold = False
        lines = paper.report("Z-ЗВІТ", books.z_number, day, books.drawer, at)
        self.tape.print([*lines, paper.marker(books.z_number, "Z", sum(day.sold.values()), at, day.paid), ""])

    def _may_report(self, position: int, refusal: str) -> None:
        self.expect(PREP)
        if self.strict_key and self.memory.key != position:
            raise Refused(refusal)
        self.need_paper()

    def period_report(self, title: str, records: list[str]) -> None:
        self.expect(PREP)
        self.need_paper()
        self.memory.device_documents += 1
        self.tape.print([title, *records, ""])

    # -- clock ----------------------------------------------------------------------------------------------------

    def set_clock(self, moment: datetime) -> None:
        """Once after a Z, by no more than an hour and a half."""
        if self.books.day.first or self.memory.clock_set:
            raise Refused("SOFTNREP")
        if abs(moment - self.now()) > CLOCK_LIMIT or self.books.clock_behind(moment):
            raise Refused("SOFTPARAM")
        self.books.clock_offset += (moment - self.now()).total_seconds()
        self.memory.clock_set = True

    # -- articles and taxes ---------------------------------------------------------------------------------------

    def need_scheme(self, letter: str, kind: int | None = None, rate: int | None = None) -> None:
        """The tax is programmed, and as the host says."""
        scheme = self.memory.schemes[LETTERS.index(letter)] if letter in LETTERS else None
        if scheme is None or not int(scheme.since):
            raise Refused("SOFTCHECK")
        if (kind is not None and kind != scheme.kind) or (rate is not None and rate != scheme.rate):
            raise Refused("SOFTCHECK")
