"""The device's own rules (ikc.md §4-6, §8; emulators.md §2): what it refuses and with which RESULT.

Decisions where the dossier is silent: a comment without a receipt opens a sale; a payout line without a receipt opens a
payout; opening needs a logged-in cashier (16), finishing or cancelling does not; an article's price belongs to its
description ("exchange of price: article code must change") and articles that came with a sale are forgotten at Z; a
void may not take more than its tax group holds; comments may follow a payment; a shift begins when its first receipt
was opened, once that receipt is fiscal; an open receipt may be finished after 24 hours; a given sum with bit 31 that
does not cover the rest is refused (24) rather than filled up.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from datetime import datetime

from drivers.emulation import paper
from drivers.emulation.books import Books, half_up
from drivers.emulation.memory import Tape
from drivers.ikc.emulator.fields import FORM, NUMBER, PASSWORD, TAX, Refused
from drivers.ikc.emulator.memory import (
    CASH,
    FORM_TITLES,
    FORMS,
    LETTERS,
    UNTAXED,
    Article,
    Item,
    Memory,
    Receipt,
)

SUM_LIMIT = 0x7FFF_FFFF
REGISTER_LIMIT = 0xFFFF_FFFF
LINES_LIMIT = 255
"""What the line count of command 43 can tell."""
COPIES = 50


class Printer:
    """Acts on the memory; every method either does all or raises and does nothing.

    `holding`: the paper is running out right now, so that what is printed waits."""

    def __init__(
        self,
        memory: Memory,
        tape: Tape,
        wall: Callable[[], datetime],
        *,
        capacity: int,
        jumper: bool,
        firmware: str,
    ) -> None:
        self.memory = memory
        self.tape = tape
        self.capacity = capacity
        self.jumper = jumper
        self.firmware = firmware
        self.cashier: str | None = None
        self.display = ["", ""]
        self.holding = False
        self.drawer_opened = 0
        self._wall = wall

    @property
    def books(self) -> Books:
        return self.memory.books

    def now(self) -> datetime:
        return self.books.now(self._wall)

    @property
    def shift_open(self) -> bool:
        return bool(self.books.day.first) or self.memory.receipt is not None

    # -- paper ----------------------------------------------------------------------------------------------------

    def print(self, lines: Sequence[str]) -> None:
        if self.holding:
            self.memory.unprinted += lines
        else:
            self.tape.print(lines)

    def finish_printing(self) -> None:
        """Complete an interrupted printout; nothing happens while its cause is there."""
        books = self.books
        ready = books.paper and not books.cover and not books.hardware and not books.fm_full
        if self.memory.unprinted and ready:
            self.tape.print(self.memory.unprinted)
            self.memory.unprinted = []

    # -- guards ---------------------------------------------------------------------------------------------------

    def need_password(self, number: int, password: int) -> None:
        if self.memory.passwords[number] != password:
            raise Refused(PASSWORD)

    def need_no_receipt(self) -> None:
        if self.memory.receipt is not None or self.memory.report is not None:
            raise Refused(44)

    def need_closed_shift(self) -> None:
        self.need_no_receipt()
        if self.shift_open:
            raise Refused(41)

    def need_settlement(self) -> None:
        """A settlement may begin."""
        if self.books.overdue(self.now()):
            raise Refused(47)
        if not self.memory.fiscalised:
            raise Refused(42)
        if not self.books.personalised:
            raise Refused(10)
        if self.cashier is None:
            raise Refused(16)

    def receipt(self) -> Receipt:
        if self.memory.receipt is None:
            raise Refused(39)
        return self.memory.receipt

    # -- receipts -------------------------------------------------------------------------------------------------

    def _open(self, *, refund: bool) -> Receipt:
        """The receipt of this kind, a fresh one if none is open; the caller keeps it once its line is accepted."""
        if self.memory.report is not None:
            raise Refused(44)
        receipt = self.memory.receipt
        if receipt is None:
            self.need_settlement()
            receipt = Receipt(refund, self.now().isoformat())
            receipt.printed += [self.memory.header[0].center(paper.WIDTH), f"КАСИР {self.cashier}"]
            if refund:
                receipt.printed.append("ВИДАТКОВИЙ ЧЕК".center(paper.WIDTH))
        elif receipt.refund != refund:
            raise Refused(37 if receipt.refund else 38)
        if receipt.lines >= LINES_LIMIT:
            raise Refused(31)
        return receipt

    def _keep(self, receipt: Receipt, lines: list[str]) -> None:
        if self.memory.receipt is None:
            self.memory.receipt = receipt
            lines = receipt.printed + lines
            receipt.printed = []
        receipt.lines += 1
        self._add(receipt, lines)

    def _add(self, receipt: Receipt, lines: list[str]) -> None:
        receipt.printed += lines
        self.print(lines)

    def line(self, code: str, article: Article, quantity: int, *, refund: bool, void: bool) -> tuple[int, int]:
        """One line; thousandths. Returns its cost, negative for a void, and the sum of the receipt."""
        receipt = self._open(refund=refund)
        if receipt.paying:
            raise Refused(46)
        tax = article.tax
        if not 0 <= tax <= UNTAXED or (tax != UNTAXED and tax >= len(self.memory.rates)):
            raise Refused(TAX)
        if quantity <= 0:
            raise Refused(NUMBER)
        held = self._article(code, article)
        cost = half_up(article.price * quantity, 1000)
        if cost > SUM_LIMIT or receipt.amount + cost > SUM_LIMIT:
            raise Refused(32)
        if void and cost > receipt.taxes[tax]:
            raise Refused(27)
        self.memory.articles[code] = held
        total = -cost if void else cost
        receipt.items.append(Item(code, tax, -quantity if void else quantity, total))
        receipt.taxes[tax] += total
        receipt.voids += void
        receipt.void_sum += cost if void else 0
        count = f"  {quantity // 1000}.{quantity % 1000:03d} x {paper.hryvnias(article.price)}"
        name = ["СТОРНО", held.name] if void else [held.name]
        self._keep(receipt, [*name, paper.row(count, f"{paper.hryvnias(total)} {LETTERS[tax]}")])
        return total, receipt.amount

    def _article(self, code: str, fresh: Article) -> Article:
        """The record that this line will use. Raises Refused when it may not be what the line says."""
        old = self.memory.articles.get(code)
        if old is None:
            if len(self.memory.articles) >= self.capacity:
                raise Refused(40)
            return fresh
        if (old.name, old.price, old.tax) == (fresh.name, fresh.price, fresh.tax):
            return old
        self.need_unlocked(code)
        fresh.programmed = old.programmed
        return fresh

    def need_unlocked(self, code: str) -> None:
        receipt, article = self.memory.receipt, self.memory.articles.get(code)
        held = receipt is not None and any(item.code == code for item in receipt.items)
        if held or (article is not None and article.touched):
            raise Refused(28)

    def comment(self, text: str, *, payout: bool) -> None:
        if payout and (receipt := self.memory.receipt) is not None:
            raise Refused(37 if receipt.refund else 38)
        refund = payout or (self.memory.receipt is not None and self.memory.receipt.refund)
        self._keep(self._open(refund=refund), [text])

    def code(self, text: str) -> None:
        """A bar code or a QR code in the receipt."""
        self._add(self.receipt(), [text])

    def change(self, kind: int, value: int, decimals: int, text: str) -> tuple[int, int]:
        """A discount (negative `value`) or a surcharge: of the last item or the subtotal, in 1/10**decimals of the
        whole or in kopecks. Returns the change and the sum of the receipt."""
        receipt = self.receipt()
        if receipt.paying:
            raise Refused(46)
        if kind > 3:
            raise Refused(NUMBER)
        last = receipt.items[-1] if receipt.items else None
        if last is None or receipt.amount == 0 or (kind < 2 and last.total <= 0):
            raise Refused(45)
        base = last.total if kind < 2 else receipt.amount
        size = abs(value) if kind % 2 else half_up(base * abs(value), 10**decimals)
        step = -size if value < 0 else size
        if base + step < 0 or (kind < 2 and receipt.taxes[last.tax] + step < 0):
            raise Refused(27)
        if receipt.amount + step > SUM_LIMIT:
            raise Refused(32)
        if kind < 2:
            last.total += step
            receipt.taxes[last.tax] += step
        else:
            self._spread(receipt, step)
        receipt.surcharge += size if step > 0 else 0
        receipt.discount += size if step < 0 else 0
        title = text or ("НАЦІНКА" if step > 0 else "ЗНИЖКА")
        self._add(receipt, [paper.row(title, paper.hryvnias(step))])
        return step, receipt.amount

    @staticmethod
    def _spread(receipt: Receipt, step: int) -> None:
        """A change of the subtotal goes to the tax groups by their shares; the largest takes the odd kopeck."""
        whole = receipt.amount
        shares = [half_up(abs(step) * value, whole) for value in receipt.taxes]
        largest = receipt.taxes.index(max(receipt.taxes))
        shares[largest] += abs(step) - sum(shares)
        for group, share in enumerate(shares):
            receipt.taxes[group] += share if step > 0 else -share

    def pay(self, form: int, amount: int, text: str, *, closing: bool, service: bool) -> tuple[int, int | None]:
        """One payment. Returns what is still due (negative: change) and, once the receipt is fiscal, its packet."""
        receipt = self.receipt()
        if form >= len(FORMS):
            raise Refused(FORM)
        rest = receipt.rest
        if closing and amount == 0:
            amount = rest
        elif closing and amount < rest:
            raise Refused(FORM)
        elif amount == 0 and rest:
            raise Refused(NUMBER)
        if amount > rest and (form != CASH or receipt.refund):
            raise Refused(43)
        kept = min(amount, rest)
        if receipt.refund and not service and form == CASH and receipt.payments[CASH] + kept > self.books.drawer:
            raise Refused(35)
        done = amount >= rest
        if done and not service:
            self._need_room(receipt, form, kept)
        lines = [] if receipt.paying else [paper.row("СУМА", paper.hryvnias(receipt.amount))]
        receipt.paying = True
        receipt.payments[form] += kept
        lines.append(paper.row(FORM_TITLES[form], paper.hryvnias(amount)))
        lines += text.split("\n") if text else []
        if not done:
            self._add(receipt, lines)
            return rest - amount, None
        if amount > rest:
            lines.append(paper.row("РЕШТА", paper.hryvnias(amount - rest)))
        return rest - amount, self._finish(receipt, lines, service=service)

    def _need_room(self, receipt: Receipt, form: int, kept: int) -> None:
        day = self.books.day
        turnover, forms = (day.returned, day.repaid) if receipt.refund else (day.sold, day.paid)
        for letter, value in zip(LETTERS, receipt.taxes, strict=True):
            if turnover.get(letter, 0) + value > REGISTER_LIMIT:
                raise Refused(33)
        if forms.get(FORMS[form], 0) + receipt.payments[form] + kept > REGISTER_LIMIT:
            raise Refused(34)

    def _finish(self, receipt: Receipt, lines: list[str], *, service: bool) -> int:
        memory, at = self.memory, self.now()
        memory.packet += 1
        number, kind = memory.packet, "REFUND" if receipt.refund else "SALE"
        by_form = {name: value for name, value in zip(FORMS, receipt.payments, strict=True) if value}
        if service:
            self.books.note(number, "NONFISCAL", 0, {}, at)
            lines += ["СЛУЖБОВИЙ ЧЕК".center(paper.WIDTH), paper.marker(number, "NONFISCAL", 0, at), ""]
        else:
            by_tax = {letter: value for letter, value in zip(LETTERS, receipt.taxes, strict=True) if value}
            self.books.begin(datetime.fromisoformat(receipt.opened))
            self.books.receipt(number, by_tax, by_form, at, refund=receipt.refund)
            self._book_details(receipt)
            lines += [memory.messages[place] for place in sorted(memory.messages)]
            lines += ["ФІСКАЛЬНИЙ ЧЕК".center(paper.WIDTH), paper.row(f"ПАКЕТ {number}", f"ЗН {self.books.serial}")]
            lines += [paper.marker(number, kind, receipt.amount, at, by_form), ""]
        memory.receipt = None
        self.print(lines)
        self.written(receipt.printed + lines)
        return number

    def _book_details(self, receipt: Receipt) -> None:
        memory, day = self.memory, self.books.day
        side = memory.payouts if receipt.refund else memory.sales
        side.surcharge += receipt.surcharge
        side.discount += receipt.discount
        side.voids += receipt.voids
        side.void_sum += receipt.void_sum
        kind, number = (2, day.returns) if receipt.refund else (1, day.receipts)
        memory.found[f"{self.books.z_number + 1}:{kind}:{number}"] = memory.packet
        for item in receipt.items:
            article = memory.articles[item.code]
            article.touched = True
            article.quantity += -item.quantity if receipt.refund else item.quantity
            article.returned += item.total if receipt.refund else 0
            article.sold += 0 if receipt.refund else item.total

    def written(self, lines: list[str]) -> None:
        """The newest packet of the journal can be printed again."""
        memory = self.memory
        memory.copies[str(memory.packet)] = lines
        while len(memory.copies) > COPIES:
            del memory.copies[next(iter(memory.copies))]
        self.transmit()

    def cancel(self) -> None:
        receipt = self.receipt()
        side = self.memory.payouts if receipt.refund else self.memory.sales
        side.cancelled += 1
        side.cancelled_sum += receipt.amount
        self.memory.receipt = None
        self.print(["ЧЕК АНУЛЬОВАНО".center(paper.WIDTH), "НЕДІЙСНИЙ ЧЕК".center(paper.WIDTH), ""])

    # -- articles, clock, tables ----------------------------------------------------------------------------------

    def program(self, code: str, fresh: Article) -> None:
        if not 0 <= fresh.tax <= UNTAXED or (fresh.tax != UNTAXED and fresh.tax >= len(self.memory.rates)):
            raise Refused(TAX)
        fresh.programmed = True
        held = self._article(code, fresh)
        held.programmed = True
        self.memory.articles[code] = held

    def set_clock(self, moment: datetime) -> None:
        if self.books.clock_behind(moment):
            raise Refused(36)
        self.books.clock_offset += (moment - self.now()).total_seconds()

    def set_message(self, number: int, text: str) -> None:
        if number > 7:
            raise Refused(NUMBER)
        if text:
            self.memory.messages[str(number)] = text
        else:
            self.memory.messages.pop(str(number), None)

    def login(self, number: int, password: int, name: str | None) -> None:
        """`name` None logs out."""
        if number > 7:
            raise Refused(NUMBER)
        self.need_password(number, password)
        if self.memory.receipt is not None and self.cashier is not None:
            raise Refused(44)
        self.cashier = name

    def set_password(self, number: int, old: int, new: int) -> None:
        if number >= len(self.memory.passwords):
            raise Refused(NUMBER)
        self.need_no_receipt()
        self.need_password(number, old)
        self.memory.passwords[number] = new

    def show(self, line: int, text: str) -> None:
        if line > 1:
            raise Refused(NUMBER)
        self.display[line] = text

    # -- transmission ---------------------------------------------------------------------------------------------

    def transmit(self) -> None:
        """What the modem does whenever it can: sign what was written, send what was signed."""
        self.books.transmit(self.now())
        self.memory.signed = self.memory.packet
        if self.books.link:
            self.memory.sent = self.memory.packet
