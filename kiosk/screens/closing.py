"""*Закриття зміни* (cashier-flow.md VII.2), one wizard: problems → count → comparison → cash-out → Z → summary.

Nothing is sent before the cash-out and the Z, and each of these is confirmed by itself. Esc goes one step back.
"""

from __future__ import annotations

from enum import IntEnum
from typing import ClassVar

from textual import on
from textual.app import ComposeResult
from textual.binding import Binding, BindingType
from textual.containers import Horizontal, Vertical
from textual.events import Key
from textual.widgets import Label

from kiosk.i18n import _, fill, moment, money, sum_of
from kiosk.ledger.records import Binding as Registration
from kiosk.ledger.records import DocumentState, Shift
from kiosk.screens.asking import not_printed, permit, registrar, tell
from kiosk.screens.screen import KioskScreen, acting
from kiosk.screens.x_report import row_cells, row_columns
from kiosk.till.closing import DENOMINATIONS, Closed, Comparison, Problem
from kiosk.till.errors import N_
from kiosk.till.money import read_money
from kiosk.till.reports import Row
from kiosk.till.rights import Right
from kiosk.till.shift import Age
from kiosk.widgets.keypad import CLEAR, DELETE, ENTER, Keypad, edit
from kiosk.widgets.notice import Notice
from kiosk.widgets.palette import Lamp
from kiosk.widgets.rows import Cells, Column, PageKeys, Rows
from kiosk.widgets.touch import Touch

SKIPS = (
    N_("The cash was counted by another person"),
    N_("The shop is closing in a hurry: count in the morning"),
    N_("The terminal has no report now"),
)
"""Why steps 3 or 4 are left out."""
MOST_DIGITS = 6


class Step(IntEnum):
    """Where the wizard stands."""

    PROBLEMS = 1
    COUNT = 2
    COMPARE = 3
    CASH_OUT = 4
    Z = 5
    SUMMARY = 6


TITLES = {
    Step.PROBLEMS: N_("What must be finished first"),
    Step.COUNT: N_("Count the cash"),
    Step.COMPARE: N_("Registrar, terminal, program"),
    Step.CASH_OUT: N_("Cash-out"),
    Step.Z: N_("Z report"),
    Step.SUMMARY: N_("The shift is closed"),
}


def _problem(problem: Problem) -> Cells:
    lamp = Lamp.PURPLE if problem.action == "unknown" else Lamp.AMBER
    return Cells((fill(problem.message, problem.values), ""), lamp)


def _fact(fact: tuple[str, str, Lamp]) -> Cells:
    return Cells((fact[0], fact[1]), fact[2])


class ClosingScreen(KioskScreen[bool]):
    """Answers True when the shift was closed."""

    CSS_PATH = "closing.tcss"
    TITLE = N_("Closing the shift")
    BINDINGS: ClassVar[list[BindingType]] = [
        Binding("f5", "refresh", N_("Refresh"), tooltip=N_("Read the registrar and the program again")),
        Binding("f6", "next", N_("Next"), tooltip=N_("The next step; before the Z it asks once more")),
        Binding("f7", "terminal", N_("Terminal"), tooltip=N_("Type the card total of the terminal's own report")),
        Binding("f8", "skip", N_("Skip"), tooltip=N_("Leave this step out; a reason is asked")),
        Binding("f2", "amount", N_("Sum"), tooltip=N_("Another sum of the cash-out")),
        Binding("enter", "enter", N_("Next"), show=False, priority=True, tooltip=N_("The next note of the count")),
        Binding("escape", "back", N_("Back"), tooltip=N_("One step back; sends nothing")),
    ]

    def __init__(self, *, binding: Registration | None = None) -> None:
        super().__init__()
        self._binding = binding
        self._shift: Shift | None = None
        self._over = False
        self.step = Step.PROBLEMS
        self._problems: list[Problem] = []
        self._pieces: dict[int, str] = dict.fromkeys(DENOMINATIONS, "")
        self._counted: int | None = None
        self._terminal: int | None = None
        self.comparison: Comparison | None = None
        self._amount = 0
        self._reasons: list[str] = []
        self.closed: Closed | None = None

    def body(self) -> ComposeResult:
        yield Label("", id="title", classes="title", markup=False)
        with Horizontal(id="work"):
            with Vertical(id="left"):
                with Horizontal(classes="list", id="problems-list"):
                    yield Rows([Column(""), Column("")], _problem, tall=True, id="problems",
                               empty=_("Nothing stands in the way"))  # fmt: skip
                    yield PageKeys("#problems")
                with Horizontal(classes="list", id="count-list"):
                    yield Rows([Column(_("Note or coin")), Column(_("Pieces"), 6, "right"),
                                Column(_("Sum"), 10, "right")], self._piece, id="count")  # fmt: skip
                with Horizontal(classes="list", id="figures-list"):
                    yield Rows(row_columns(), row_cells, id="figures", empty=_("reading the registrar …"))
                    yield PageKeys("#figures")
                with Horizontal(classes="list", id="facts-list"):
                    yield Rows([Column(""), Column("", 24, "right")], _fact, id="facts")
            with Vertical(id="pad"):
                yield Keypad()
        yield Notice(id="note")
        yield Touch(_("Next"), id="go", classes="-main")

    def on_mount(self) -> None:
        super().on_mount()
        self.query_one("#go", Touch).can_focus = False
        self._begin()

    @acting
    async def _begin(self) -> None:
        self._binding = self._binding or await registrar(self)
        if self._binding is None:
            self.dismiss(False)
            return
        self._shift = await self.work(self.till.shifts.current, self._binding)
        if self._shift is None:
            await self.ask("message", title=_("Closing the shift"), text=_("The shift is not open"), lamp=Lamp.AMBER)
            self.dismiss(False)
            return
        self._over = await self.work(self.till.shifts.warning, self._shift) is Age.OVER
        await self._enter(Step.PROBLEMS)
        if not self._problems:
            await self._enter(Step.COUNT)

    # -- steps ----------------------------------------------------------------------------------------------------

    async def _enter(self, step: Step) -> None:
        """Show a step with what it needs to know."""
        binding = self._binding
        if binding is None:
            return
        self.step = step
        note = self.query_one("#note", Notice)
        note.clear()
        self.query_one("#title", Label).update(f"{self.name_on_screen} · {int(step)}/6 · {_(TITLES[step])}")
        shown = {Step.PROBLEMS: "problems", Step.COUNT: "count", Step.COMPARE: "figures"}.get(step, "facts")
        for name in ("problems", "count", "figures", "facts"):
            self.query_one(f"#{name}-list").display = name == shown
        self.query_one("#pad").display = step is Step.COUNT
        self.query_one(f"#{shown}", Rows).focus()
        self.query_one("#go", Touch).label = self._go_label()
        if step is Step.PROBLEMS:
            self._problems = list(await self.work(self.till.closing.problems, binding))
            self.query_one("#problems", Rows).fill(self._problems)
            if self._over:
                note.say(Lamp.RED, _("The shift has lasted over 24 hours: nothing but the Z is possible"), self._days())
            elif self._problems:
                note.say(Lamp.AMBER, _("Finish these, then close the shift"), _("Enter opens the place that helps."))
        elif step is Step.COUNT:
            self.query_one("#count", Rows).fill(DENOMINATIONS)
            self._show_count()
        elif step is Step.COMPARE:
            await self._compare()
        elif step is Step.CASH_OUT:
            await self._propose()
        elif step is Step.Z:
            self._before_z()
        elif step is Step.SUMMARY:
            self._summary()
            # A copy of the closed day begins at once (X.7); it keeps nobody waiting.
            self.run_worker(self.kiosk.back_up, group="copy")  # type: ignore[arg-type]
        self.show_keys()

    def _go_label(self) -> str:
        return {Step.Z: _("Make the Z report"), Step.SUMMARY: _("Finish")}.get(self.step, _("Next"))

    def _days(self) -> str:
        """Which days a late Z covers (VII-5)."""
        if self._shift is None:
            return ""
        opened = self._shift.device_opened_at or self._shift.opened_at
        return _("The Z will cover everything since {since}. The basket is kept.").format(since=moment(opened))

    def check_action(self, action: str, parameters: tuple[object, ...]) -> bool | None:
        if action == "enter":
            return self.step is Step.COUNT
        if action == "terminal":
            return self.step is Step.COMPARE
        if action == "skip":
            return self.step in (Step.COUNT, Step.COMPARE, Step.CASH_OUT)
        if action == "amount":
            return self.step is Step.CASH_OUT
        if action == "refresh":
            return self.step in (Step.PROBLEMS, Step.COMPARE, Step.CASH_OUT)
        return super().check_action(action, parameters)

    @acting
    async def action_refresh(self) -> None:
        await self._enter(self.step)

    @acting
    async def action_next(self) -> None:
        await self._next()

    async def _next(self) -> None:
        if self.step is Step.PROBLEMS:
            self._problems = list(await self.work(self.till.closing.problems, self._binding))
            if self._problems and not (self._over and all(one.action in ("parked", "sale") for one in self._problems)):
                await self._enter(Step.PROBLEMS)
                self.app.bell()
                return
            await self._enter(Step.COUNT)
        elif self.step is Step.COUNT:
            pieces = {value: int(text) for value, text in self._pieces.items() if text}
            self._counted = await self.work(self.till.closing.counted, pieces)
            await self._enter(Step.COMPARE)
        elif self.step is Step.COMPARE:
            await self._leave_comparison()
        elif self.step is Step.CASH_OUT:
            await self._cash_out()
        elif self.step is Step.Z:
            await self._z()
        else:
            self._finish()

    async def _leave_comparison(self) -> None:
        """A difference needs its reason; it goes with the Z."""
        if self.comparison is not None and not self.comparison.agrees:
            reason = await self.ask(
                "text",
                title=_("The figures differ"),
                text=_("What is the reason?"),
                offers=[_(N_("Shortage, the manager knows")), _(N_("Surplus, the manager knows"))],
            )
            if reason is None:
                return
            self._reasons = [reason]
        await self._enter(Step.Z if self._over else Step.CASH_OUT)

    @acting
    async def action_skip(self) -> None:
        """Steps 2 to 4 may be left out with a reason (VII.2)."""
        index = await self.ask("choose", title=_("Why is it skipped?"), rows=[(_(reason), "") for reason in SKIPS])
        if index is None:
            return
        self._reasons.append(f"{_(TITLES[self.step])}: {_(SKIPS[index])}")
        if self.step is Step.COUNT:
            self._counted = None
            await self._enter(Step.CASH_OUT if not self._over else Step.Z)
        elif self.step is Step.COMPARE:
            await self._enter(Step.CASH_OUT if not self._over else Step.Z)
        else:
            await self._enter(Step.Z)

    @acting
    async def action_back(self) -> None:
        """One step back; from the first one (or after the Z) away."""
        if self.step is Step.SUMMARY:
            self._finish()
        elif self.step is Step.PROBLEMS or (self.step is Step.COUNT and not self._problems):
            self.dismiss(False)
        else:
            await self._enter(Step(self.step - 1))

    # -- 1 problems -----------------------------------------------------------------------------------------------

    @on(Rows.Chosen, "#problems")
    def _help(self, message: Rows.Chosen) -> None:
        message.stop()
        self._solve(self._problems[message.index])

    @acting
    async def _solve(self, problem: Problem) -> None:
        if problem.action == "unknown":
            await self.ask("unknown")
            await self._enter(Step.PROBLEMS)
        else:
            text = _("Go back to the sale: pay the basket, or clear it (Ctrl+Del); parked ones are recalled with F4.")
            await self.ask("message", title=fill(problem.message, problem.values), text=text, lamp=Lamp.AMBER)

    # -- 2 count --------------------------------------------------------------------------------------------------

    def _piece(self, value: int) -> Cells:
        text = self._pieces[value]
        total = value * int(text or 0)
        name = (str(value // 100) if value >= 100 else f"0,{value:02d}") + " " + _("UAH")
        return Cells((name, text or "0", money(total) if total else ""))

    @property
    def counted_now(self) -> int:
        """What is typed so far, kopecks."""
        return sum(value * int(text or 0) for value, text in self._pieces.items())

    def _show_count(self) -> None:
        text = _("Counted: {sum}").format(sum=sum_of(self.counted_now))
        self.query_one("#note", Notice).say(Lamp.OFF, text, _("Digits: how many of this note; Enter: the next one"))

    def _type(self, key: str) -> None:
        rows = self.query_one("#count", Rows)
        value = DENOMINATIONS[rows.cursor]
        if key == ENTER:
            if rows.cursor + 1 < len(DENOMINATIONS):
                rows.action_move(1)
            else:
                self.action_next()
            return
        if key == ",":
            return
        self._pieces[value] = edit(self._pieces[value], key)[:MOST_DIGITS].lstrip("0")
        rows.touch_row(rows.cursor)
        self._show_count()

    @on(Keypad.Typed)
    def _typed(self, message: Keypad.Typed) -> None:
        message.stop()
        if self.step is Step.COUNT:
            self._type(message.key)

    @on(Rows.Chosen, "#count")
    def _count_chosen(self, message: Rows.Chosen) -> None:
        """A second tap on a note leaves the cursor there."""
        message.stop()

    def action_enter(self) -> None:
        self._type(ENTER)

    def on_key(self, event: Key) -> None:
        """Digits of the keyboard while the count is shown."""
        if self.step is not Step.COUNT or self.in_action:
            return
        if event.character is not None and event.character.isdigit() and event.character.isascii():
            event.stop()
            self._type(event.character)
        elif event.key in ("backspace", "delete"):
            event.stop()
            self._type(DELETE if event.key == "backspace" else CLEAR)

    # -- 3 comparison ---------------------------------------------------------------------------------------------

    async def _compare(self) -> None:
        if self._binding is None or self._counted is None:
            return
        self.comparison = await self.work(
            self.till.closing.compare, self._binding, counted=self._counted, terminal=self._terminal
        )
        found = self.comparison
        triangle = [
            Row(N_("Cash counted"), "counted", found.counted, found.expected),
            Row(N_("Cards of the terminal"), "terminal", found.card_terminal, found.card_till),
        ]
        self.query_one("#figures", Rows).fill([*triangle, *found.rows])
        note = self.query_one("#note", Notice)
        asked = "" if self._terminal is not None else _("F7: card total from the terminal's report.")
        if found.agrees:
            note.say(Lamp.GREEN, _("Everything agrees"), asked)
        elif found.cash_difference:
            short = found.cash_difference < 0
            text = _("Shortage in the drawer: {sum}") if short else _("Surplus in the drawer: {sum}")
            advice = _("The first cause is cash and card mixed up: look at receipts of this sum.")
            note.say(Lamp.AMBER, text.format(sum=sum_of(abs(found.cash_difference))), advice)
        elif found.card_difference:
            text = _("Cards differ by {sum}").format(sum=sum_of(abs(found.card_difference)))
            note.say(Lamp.AMBER, text, _("Look for a terminal slip without a receipt, or a receipt without a slip."))
        else:
            note.say(Lamp.AMBER, _("Registrar and program differ"), _("A reason will be asked; it goes to the owner."))

    @acting
    async def action_terminal(self) -> None:
        value = await self.ask(
            "number",
            title=_("Card total of the terminal"),
            text=_("From the terminal's own report: sales less returns"),
            value="" if self._terminal is None else money(self._terminal).replace("\u00a0", ""),
            check=lambda text: read_money(text, zero=True),
        )
        if value is not None:
            self._terminal = read_money(value, zero=True)
            await self._compare()

    # -- 4 cash-out -----------------------------------------------------------------------------------------------

    async def _propose(self) -> None:
        if self._binding is None:
            return
        held = await self.work(self.till.cash.available, self._binding)
        self._amount = await self.work(self.till.closing.proposed_cash_out, self._binding)
        self._show_amount(held)

    def _show_amount(self, held: int) -> None:
        self._held = held
        facts = [
            (_("Cash in the registrar"), sum_of(held), Lamp.OFF),
            (_("Cash-out now"), sum_of(self._amount), Lamp.GREEN),
            (_("Stays in the drawer as change"), sum_of(held - self._amount), Lamp.OFF),
        ]
        self.query_one("#facts", Rows).fill(facts)
        self.query_one("#note", Notice).say(Lamp.OFF, _("F2 changes the sum; 0 takes nothing out"))

    @acting
    async def action_amount(self) -> None:
        value = await self.ask(
            "number",
            title=_("Cash-out"),
            text=_("At most {sum}").format(sum=sum_of(self._held)),
            value=money(self._amount).replace("\u00a0", ""),
            check=lambda text: read_money(text, zero=True),
        )
        if value is None:
            return
        wanted = read_money(value, zero=True)
        if wanted > self._held:
            text = _("The registrar holds {sum}").format(sum=sum_of(self._held))
            self.query_one("#note", Notice).say(Lamp.RED, text)
            self.app.bell()
            return
        self._amount = wanted
        self._show_amount(self._held)

    async def _cash_out(self) -> None:
        if self._binding is None:
            return
        if self._amount:
            limit = self.till.workplace.settings.policy.cash_out_limit
            what = _("Cash-out of {sum}, above {limit}").format(sum=sum_of(self._amount), limit=sum_of(limit))
            given = await permit(self, Right.CASH_OUT_ANY, what, needed=self._amount > limit)
            if given is None:
                return
            text = _("Take {sum} out of the drawer?").format(sum=sum_of(self._amount))
            if not await self.ask("confirm", title=_("Cash-out"), text=text, fiscal=True):
                return
            document = await self.work(self.till.closing.cash_out, self._binding, self._amount, approval=given.approval)
            await tell(self, document, done=_("The slip stays at the till."))
            if not document.done:
                await self._enter(Step.PROBLEMS if document.state is DocumentState.UNKNOWN else Step.CASH_OUT)
                return
        await self._enter(Step.Z)

    # -- 5 Z ------------------------------------------------------------------------------------------------------

    def _before_z(self) -> None:
        shift = self._shift
        if shift is None:
            return
        opened = shift.device_opened_at or shift.opened_at
        facts = [
            (_("Shift opened"), moment(opened), Lamp.OFF),
            (_("Counted cash"), "-" if self._counted is None else sum_of(self._counted), Lamp.OFF),
            *(((_("Reason"), reason, Lamp.AMBER)) for reason in self._reasons),
        ]
        self.query_one("#facts", Rows).fill(facts)
        text = _("The Z report closes the day; it cannot be corrected or undone")
        late = self._days() if self._over else _("Look that there is paper for a long report.")
        self.query_one("#note", Notice).say(Lamp.AMBER, text, late)

    async def _z(self) -> None:
        shift, user = self._shift, self.till.workplace.user
        if self._binding is None or shift is None or user is None:
            return
        foreign = shift.opened_by != user.id
        what = _("Closing a shift that another cashier opened")
        given = await permit(self, Right.Z_REPORT_ANY, what, needed=foreign)
        if given is None:
            return
        text = _("Make the Z report and close the shift?")
        if not await self.ask("confirm", title=_("Z report"), text=text, yes=_("Close the shift"), fiscal=True):
            return
        closed = await self.work(
            self.till.closing.z,
            self._binding,
            counted=self._counted,
            terminal=self._terminal,
            reason="; ".join(self._reasons),
            approval=given.approval,
        )
        if closed.document.done:
            self.closed = closed
            await self._enter(Step.SUMMARY)
            return
        await tell(self, closed.document)
        # Nothing is assumed: the wizard begins again with what is true now.
        self._shift = await self.work(self.till.shifts.current, self._binding)
        if self._shift is None:
            self._finish()
        else:
            await self._enter(Step.PROBLEMS if closed.document.state is DocumentState.UNKNOWN else Step.Z)

    # -- 6 summary ------------------------------------------------------------------------------------------------

    def _summary(self) -> None:
        closed = self.closed
        if closed is None:
            return
        sums = closed.sums
        sold, returned = sum(sums.sales_by_form.values()), sum(sums.refunds_by_form.values())
        facts = [
            (_("Z report No."), str(closed.shift.z_number or "-"), Lamp.GREEN),
            (_("Receipts, returns"), f"{sums.receipts} / {sums.refunds}", Lamp.OFF),
            (_("Sales"), sum_of(sold), Lamp.OFF),
            (_("Returns"), sum_of(returned), Lamp.OFF),
            (_("Cash rounding"), sum_of(sums.rounding), Lamp.OFF),
            (_("Cash-in, cash-out"), f"{money(sums.cash_in)} / {money(sums.cash_out)}", Lamp.OFF),
            (_("Left in the registrar"), sum_of(closed.shift.cash_left), Lamp.OFF),
        ]
        if self.comparison is not None and not self.comparison.agrees:
            facts.append((_("Difference of the count"), sum_of(self.comparison.cash_difference), Lamp.AMBER))
        self.query_one("#facts", Rows).fill(facts)
        note = self.query_one("#note", Notice)
        if closed.document.state is DocumentState.NOT_PRINTED:
            note.say(Lamp.AMBER, _("The Z was counted and the shift is closed"), not_printed())
        else:
            note.say(Lamp.GREEN, _("The shift is closed"), _("Put the Z report with the day's papers."))

    def _finish(self) -> None:
        """Away from the sale: the next shift begins with the checklist."""
        self.dismiss(True)
        self.kiosk.begin_work()

    @on(Touch.Pressed, "#go")
    def _pressed(self, message: Touch.Pressed) -> None:
        message.stop()
        self.action_next()

    @on(Rows.Chosen, "#facts")
    @on(Rows.Chosen, "#figures")
    def _plain(self, message: Rows.Chosen) -> None:
        message.stop()
        if self.step is Step.SUMMARY:
            self.action_next()
