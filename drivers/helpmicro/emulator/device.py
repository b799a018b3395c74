"""The device's own rules (helpmicro.md §3-4, §7; emulators.md §2): what it registers, and what it refuses and why.

Decisions where the page is silent: F, R and IO need a cashier registered since Z, and what the service account or a
white-listed address posts is booked on the cashier who registered last; F, R and IO take a receipt number, a cashier's
registration and Z only an id and a DI; a non-fiscal receipt (P) is printed and not in the journal; cash in and out work
under the 72 hours' block, which names F and R; an open cover, for which the device has no word of its own, is 88 of the
"no paper" group; VD, whose content is not known, is a forbidden request.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from datetime import date, datetime, timedelta
from typing import Any

from drivers.emulation import paper
from drivers.emulation.books import Books
from drivers.emulation.memory import Tape
from drivers.helpmicro.emulator import codes
from drivers.helpmicro.emulator.codes import Failed
from drivers.helpmicro.emulator.documents import (
    Draft,
    Line,
    barcode,
    comment,
    integer,
    known,
    receipt,
    scaled,
    shown,
)
from drivers.helpmicro.emulator.memory import CASH, FORMS, LETTERS, Article, Memory

SERVICE = "service"
UNSENT_LIMIT = 3
REGISTER_LIMIT = 999_999_999_999


class Device:
    """Acts on the memory; every method either does all or raises Failed and does nothing.

    `holding`: the paper is running out right now, so that what is printed waits."""

    def __init__(
        self, memory: Memory, tape: Tape, wall: Callable[[], datetime], *, capacity: int, midnight: bool, old: bool
    ) -> None:
        self.memory = memory
        self.tape = tape
        self.capacity = capacity
        self.display = ["", ""]
        self.holding = False
        self.drawer_opened = 0
        self._wall = wall
        self._midnight = midnight
        self._old = old

    @property
    def books(self) -> Books:
        return self.memory.books

    def now(self) -> datetime:
        return self.books.now(self._wall)

    def unix(self) -> int:
        return int((self._wall() + timedelta(seconds=self.books.clock_offset)).timestamp())

    def unix_of(self, iso: str) -> int:
        """A time of the books, which is Kyiv wall time, as the device tells times."""
        return self.unix() - round((self.now() - datetime.fromisoformat(iso)).total_seconds()) if iso else 0

    # -- paper ----------------------------------------------------------------------------------------------------

    def print(self, lines: Sequence[str]) -> None:
        self.memory.printed_lines += len(lines)
        if self.holding:
            self.memory.unprinted += lines
        else:
            self.tape.print(lines)

    def finish_printing(self) -> None:
        """Print what is pending, unless there is still no paper."""
        if self.memory.unprinted and self.books.paper and not self.books.cover:
            self.tape.print(self.memory.unprinted)
            self.memory.unprinted = []
            for entry in self.memory.objects:
                entry.pop("pending", None)

    # -- guards ---------------------------------------------------------------------------------------------------

    def troubles(self) -> list[str]:
        """What keeps the device from selling, as /cgi/state tells it."""
        books, at = self.books, self.now()
        found = [
            (codes.NO_PAPER, not books.paper),
            (codes.COVER, books.cover),
            (codes.FISCAL_LINK, books.hardware),
            (codes.FISCAL_FULL, books.fm_full),
            (codes.WRONG_DATE, books.clock_behind(at)),
            (codes.SHIFT_END, self.shift_ended(at)),
            (codes.NOT_TRANSMITTED, self.silent_too_long(at)),
        ]
        return [code for code, there in found if there]

    def shift_ended(self, at: datetime) -> bool:
        books = self.books
        if books.shift_expired(at):
            return True
        first = books.day.first
        return self._midnight and bool(first) and datetime.fromisoformat(first).date() != at.date()

    def silent_too_long(self, at: datetime) -> bool:
        return self.books.overdue(at) or self.memory.unsent_z >= UNSENT_LIMIT

    def need_paper(self, line: int = 0) -> None:
        if not self.books.paper or self.books.cover:
            raise Failed(codes.NO_PAPER if not self.books.paper else codes.COVER, line)

    def _need_module(self) -> None:
        if self.books.hardware:
            raise Failed(codes.FISCAL_LINK)
        if self.books.fm_full:
            raise Failed(codes.FISCAL_FULL)
        if not self.memory.fiscalised or not self.books.personalised:
            raise Failed(codes.FISCAL_STATE)
        if self.books.clock_behind(self.now()):
            raise Failed(codes.WRONG_DATE)

    def _need_settlement(self, *, blocked_by_silence: bool) -> None:
        if not self.memory.printer_mode:
            raise Failed(codes.PRINTER_MODE)
        self._need_module()
        if self.shift_ended(self.now()):
            raise Failed(codes.SHIFT_END)
        if blocked_by_silence and self.silent_too_long(self.now()):
            raise Failed(codes.NOT_TRANSMITTED)
        if len(self.memory.objects) >= self.capacity:
            raise Failed(codes.JOURNAL_FULL)

    def _cashier(self, user: str) -> int:
        """Whose document it is."""
        cashiers = self.memory.cashiers
        if user == SERVICE:
            if not cashiers:
                raise Failed(codes.CASHIER)
            return cashiers[-1]
        if int(user) not in cashiers:
            raise Failed(codes.CASHIER)
        return int(user)

    # -- documents ------------------------------------------------------------------------------------------------

    def post(self, kind: str, lines: list[tuple[str, Line]], user: str) -> dict[str, Any]:
        """Register a document; returns its journal object, or an empty error list for what has none."""
        if kind in ("F", "R"):
            return self._receipt(kind, lines, user)
        if kind == "IO":
            return self._cash(lines, user)
        if kind == "L":
            return self._copy(lines) if lines else self._registration(user)
        if kind == "P":
            return self._slip(lines)
        raise Failed(codes.FORBIDDEN)

    def _receipt(self, kind: str, lines: list[tuple[str, Line]], user: str) -> dict[str, Any]:
        self._need_settlement(blocked_by_silence=True)
        operator = self._cashier(user)
        if not lines:
            raise Failed(codes.EMPTY)
        self.need_paper(1)
        memory, refund = self.memory, kind == "R"
        draft = Draft(refund, len(memory.rates), self._old, self._sold_as)
        receipt(draft, lines)
        if refund and draft.paid.get(CASH, 0) > self.books.drawer:
            raise Failed(codes.NO_CASH)
        by_tax: dict[str, int] = {}
        for item in draft.items:
            letter = LETTERS[item.tax - 1]
            by_tax[letter] = by_tax.get(letter, 0) + item.total
        turnover = self.books.day.returned if refund else self.books.day.sold
        if sum(turnover.values()) + draft.total > REGISTER_LIMIT:
            raise Failed(codes.DAY_FULL)
        by_form = {FORMS[row]: value for row, value in draft.paid.items() if value}
        at = self.now()
        memory.last_no += 1
        self.books.receipt(memory.last_no, by_tax, by_form, at, refund=refund)
        for item in draft.items:
            memory.articles[str(item.code)] = Article(item.name, item.tax)
        memory.last_receipt = {
            "NRcpt": memory.last_no, "Total": shown(draft.total), "GMTTime": self.unix(), "NOper": operator,
            "UI": memory.last_id + 1,
        }  # fmt: skip
        texts = [memory.header[0].center(paper.WIDTH), paper.row(f"ЧЕК №{memory.last_no}", f"КАСИР {operator:02d}")]
        texts += [paper.row(left, right) if right else left for left, right in draft.texts]
        texts.append(paper.row("СУМА", paper.hryvnias(draft.total)))
        if draft.change:
            texts.append(paper.row("РЕШТА", paper.hryvnias(draft.change)))
        texts.append(("ВИДАТКОВИЙ ЧЕК" if refund else "ФІСКАЛЬНИЙ ЧЕК").center(paper.WIDTH))
        texts += [paper.marker(memory.last_no, "REFUND" if refund else "SALE", draft.total, at, by_form), ""]
        return self._keep(kind, draft.lines, operator, texts)

    def _sold_as(self, code: int) -> tuple[str, int] | None:
        article = self.memory.articles.get(str(code))
        return None if article is None else (article.name, article.tax)

    def _keep(self, kind: str, content: Any, operator: int, texts: list[str]) -> dict[str, Any]:
        """Put a document that was booked into the journal and on paper."""
        memory = self.memory
        memory.last_id += 1
        memory.last_di += 1
        entry: dict[str, Any] = {
            "id": memory.last_id, "no": memory.last_no, "oper_id": operator, "datetime": self.unix(),
            "DI": memory.last_di,
        }  # fmt: skip
        if self.holding:
            entry["pending"] = 1
        entry[kind] = content
        memory.objects.append(entry)
        if kind != "L":
            memory.printed[str(memory.last_no)] = texts
        self.print(texts)
        self.transmit()
        return dict(entry)

    def _cash(self, lines: list[tuple[str, Line]], user: str) -> dict[str, Any]:
        self._need_settlement(blocked_by_silence=False)
        operator = self._cashier(user)
        self.need_paper(1)
        amount, content, texts = 0, [], []
        for place, (name, fields) in enumerate(lines, 1):
            try:
                if name in ("C", "N"):
                    texts.append(comment(fields))
                    content.append({name: dict(fields)})
                    continue
                if name != "IO" or amount:
                    raise Failed(codes.FORBIDDEN)
                known(fields, "sum", "no")
                integer(fields.get("no", CASH), CASH, CASH, codes.PAY_TYPE)
                amount = scaled(fields.get("sum"), 100, codes.SUM)
                if not amount or abs(amount) > REGISTER_LIMIT:
                    raise Failed(codes.SUM)
                if -amount > self.books.drawer:
                    raise Failed(codes.NO_CASH)
                content.append({"IO": {"no": CASH, "name": "ГОТІВКА", "sum": shown(amount)}})
            except Failed as failure:
                raise Failed(failure.code, place) from None
        if not amount:
            raise Failed(codes.EMPTY)
        at = self.now()
        self.memory.last_no += 1
        self.books.move_cash(self.memory.last_no, amount, at)
        slip = paper.cash(self.memory.last_no, amount, self.books.drawer, at)
        return self._keep("IO", content, operator, texts + slip)

    def _registration(self, user: str) -> dict[str, Any]:
        if user == SERVICE:
            raise Failed(codes.NO_RIGHTS)
        if int(user) in self.memory.cashiers:
            raise Failed(codes.ALREADY_REGISTERED)
        self.need_paper()
        self.memory.cashiers.append(int(user))
        return self._keep("L", [], int(user), [paper.row("РЕЄСТРАЦІЯ КАСИРА", f"{int(user):02d}"), ""])

    def _copy(self, lines: list[tuple[str, Line]]) -> dict[str, Any]:
        [(name, fields), *more] = lines
        if name != "L" or more:
            raise Failed(codes.FORBIDDEN, 1)
        try:
            known(fields, "no")
            number = integer(fields.get("no"), 1, 10**9, codes.NO_COPY)
            texts = self.memory.printed.get(str(number))
            if texts is None:
                raise Failed(codes.NO_COPY)
        except Failed as failure:
            raise Failed(failure.code, 1) from None
        self.need_paper(1)
        # A copy's marker line would make one document two for whoever counts them on the tape.
        self.print(["КОПІЯ".center(paper.WIDTH), *(line for line in texts if not line.startswith("#DOC")), ""])
        return {"err": []}

    def _slip(self, lines: list[tuple[str, Line]]) -> dict[str, Any]:
        if not lines:
            raise Failed(codes.EMPTY)
        self.need_paper(1)
        texts = []
        for place, (name, fields) in enumerate(lines, 1):
            try:
                if name not in ("N", "BC"):
                    raise Failed(codes.FORBIDDEN)
                texts.append(comment(fields) if name == "N" else barcode(fields))
            except Failed as failure:
                raise Failed(failure.code, place) from None
        self.print([*texts, "СЛУЖБОВИЙ ЧЕК".center(paper.WIDTH), ""])
        return {"err": []}

    # -- reports and procedures -----------------------------------------------------------------------------------

    def x_report(self) -> None:
        self.need_paper()
        books = self.books
        self.print([*paper.report("X-ЗВІТ", books.z_number + 1, books.day, books.drawer, self.now()), ""])

    def z_report(self) -> None:
        self._need_module()
        self.need_paper()
        memory, books, at = self.memory, self.books, self.now()
        day = books.close_day(at)
        memory.last_id += 1
        memory.last_di += 1
        memory.last_no = 0
        memory.unsent_z += 1
        memory.objects, memory.printed, memory.cashiers, memory.articles = [], {}, [], {}
        lines = paper.report("Z-ЗВІТ", books.z_number, day, books.drawer, at)
        self.print([*lines, paper.marker(books.z_number, "Z", sum(day.sold.values()), at, day.paid), ""])
        self.transmit()
        if self.holding:
            raise Failed(codes.NO_PAPER)

    def other_report(self, title: str) -> None:
        self.need_paper()
        books = self.books
        lines = [title.center(paper.WIDTH)]
        lines += [
            paper.row(f"{code} {entry.name}", LETTERS[entry.tax - 1]) for code, entry in self.memory.articles.items()
        ]
        self.print([*lines, paper.row("ГОТІВКА В КАСІ", paper.hryvnias(books.drawer)), ""])

    def clear_journal(self) -> None:
        """Only what a Z has closed may go, and a Z clears it by itself."""
        if self.memory.objects:
            raise Failed(codes.NO_Z)

    def period_report(self, chosen: Callable[[int, date], bool], *, full: bool) -> None:
        self.need_paper()
        lines, total = ["ЗВІТ ФІСКАЛЬНОЇ ПАМ'ЯТІ".center(paper.WIDTH)], 0
        for record in self.books.z_list:
            if chosen(record["number"], datetime.fromisoformat(record["at"]).date()):
                sold = sum(record["sold"].values())
                total += sold
                if full:
                    lines.append(paper.row(f"Z {record['number']:04d} {record['at'][:10]}", paper.hryvnias(sold)))
        self.print([*lines, paper.row("УСЬОГО", paper.hryvnias(total)), ""])

    def set_clock(self, moment: datetime) -> None:
        if self.books.day.first:
            raise Failed(codes.CLOCK_FORBIDDEN)
        if self.books.clock_behind(moment):
            raise Failed(codes.WRONG_DATE)
        self.books.clock_offset += (moment - self.now()).total_seconds()

    def transmit(self) -> None:
        """What the modem does by itself whenever the line is up."""
        self.books.transmit(self.now())
        if self.books.link:
            self.memory.unsent_z = 0
