"""*Службове внесення* and *Службова видача* (cashier-flow.md III, VII): a sum, who may, the document's number."""

from __future__ import annotations

from typing import ClassVar

from textual import on
from textual.app import ComposeResult
from textual.binding import Binding, BindingType
from textual.containers import Horizontal, Vertical
from textual.widgets import Input, Label

from drivers.errors import Fault
from kiosk.i18n import _, explain, money, sum_of
from kiosk.ledger.records import Binding as Registration
from kiosk.screens.asking import permit, registrar, tell
from kiosk.screens.screen import KioskScreen, acting
from kiosk.till.cash import DEBT_REASON, REASONS_IN, debt_refusal
from kiosk.till.errors import N_, TillError
from kiosk.till.money import read_money
from kiosk.till.rights import Right
from kiosk.widgets.keypad import ENTER, Keypad, edit
from kiosk.widgets.notice import Notice
from kiosk.widgets.palette import Lamp
from kiosk.widgets.touch import Touch

LENGTH = 12
REASONS_OUT = (
    N_("Revenue to the safe or the bank"),
    N_("Exchange of large notes"),
    N_("Wrong cash-in is taken back"),
)


class CashScreen(KioskScreen[bool]):
    """Answers True when money was registered. `value` kopecks are filled in."""

    CSS_PATH = "cash.tcss"
    BINDINGS: ClassVar[list[BindingType]] = [
        Binding("f5", "look", N_("Refresh"), tooltip=N_("Ask the registrar for its cash")),
        Binding("f6", "register", N_("Register"), tooltip=N_("Register the movement of cash")),
        Binding("f7", "all", N_("All"), tooltip=N_("The whole cash of the registrar")),
        Binding("f8", "reason", N_("Reason"), tooltip=N_("What the money that is put in is for")),
        Binding("escape", "back", N_("Back"), tooltip=N_("Back; sends nothing")),
    ]

    def __init__(self, *, out: bool = False, value: int = 0, binding: Registration | None = None) -> None:
        super().__init__()
        self.title = _("Service cash-out") if out else _("Service cash-in")
        self._out = out
        self._value = value
        self._binding = binding
        self._available: int | None = None
        self._reason = REASONS_IN[0]

    @property
    def name_on_screen(self) -> str:
        return self.title or ""

    def body(self) -> ComposeResult:
        with Horizontal(id="cash"):
            with Vertical(id="form"):
                yield Label(self.title or "", classes="title", markup=False)
                yield Label("", id="held", classes="quiet", markup=False)
                yield Input(money(self._value).replace("\u00a0", "") if self._value else "", id="sum",
                            max_length=LENGTH, select_on_focus=True)  # fmt: skip
                yield Notice(id="note")
                yield Touch(_("Register"), id="go", classes="-main")
            with Vertical(id="pad"):
                yield Keypad()

    def on_mount(self) -> None:
        super().on_mount()
        field = self.query_one("#sum", Input)
        field.cursor_blink = False
        field.focus()
        self.query_one("#go", Touch).can_focus = False
        self._begin()

    def check_action(self, action: str, parameters: tuple[object, ...]) -> bool | None:
        if action == "all":
            return self._out
        if action == "reason":
            return not self._out
        return super().check_action(action, parameters)

    @acting
    async def _begin(self) -> None:
        self._binding = self._binding or await registrar(self)
        if self._binding is None:
            self.dismiss(False)
            return
        await self._look()

    async def _look(self) -> None:
        """The registrar's cash; a silent registrar is told in the place of the figure."""
        if self._binding is None:
            return
        try:
            self._available = await self.work(self.till.cash.available, self._binding)
        except Fault as fault:
            self._available = None
            self.query_one("#note", Notice).say(Lamp.RED, *explain(fault))
        place = self.till.workplace
        enterprise = await self.work(place.enterprise_name, self._binding.enterprise_id)
        held = "-" if self._available is None else sum_of(self._available)
        lines = [enterprise, _("Cash in the registrar") + f": {held}"]
        if self._out:
            limit = place.settings.policy.cash_out_limit
            lines.append(_("Up to {limit} without a senior").format(limit=sum_of(limit)))
        else:
            lines.append(_("Reason") + f": {_(self._reason)}")
        self.query_one("#held", Label).update("\n".join(lines))

    @acting
    async def action_look(self) -> None:
        self.query_one("#note", Notice).clear()
        await self._look()

    def action_all(self) -> None:
        if self._available:
            self.query_one("#sum", Input).value = money(self._available).replace("\u00a0", "")

    @acting
    async def action_reason(self) -> None:
        """F8: a buyer's debt or advance is in the list to be refused with the way to go (IV-21)."""
        reasons = (*REASONS_IN, DEBT_REASON)
        current = reasons.index(self._reason) if self._reason in reasons else 0
        rows = [(_(reason), "") for reason in reasons]
        index = await self.ask("choose", title=_("What is the money for?"), rows=rows, current=current)
        if index is None:
            return
        if reasons[index] == DEBT_REASON:
            self._refuse(debt_refusal())
            return
        self._reason = reasons[index]
        await self._look()

    # -- typing ---------------------------------------------------------------------------------------------------

    @on(Keypad.Typed)
    def _typed(self, message: Keypad.Typed) -> None:
        message.stop()
        if message.key == ENTER:
            self.action_register()
            return
        field = self.query_one("#sum", Input)
        begin = "" if field.selection.start != field.selection.end else field.value
        field.value = edit(begin, message.key)[:LENGTH]
        field.cursor_position = len(field.value)

    @on(Input.Changed)
    def _changed(self, message: Input.Changed) -> None:
        message.stop()
        self.query_one("#note", Notice).clear()

    @on(Input.Submitted)
    def _submitted(self, message: Input.Submitted) -> None:
        message.stop()
        self.action_register()

    @on(Touch.Pressed, "#go")
    def _pressed(self, message: Touch.Pressed) -> None:
        message.stop()
        self.action_register()

    # -- acting ---------------------------------------------------------------------------------------------------

    @acting
    async def action_register(self) -> None:
        """Ask once more, get help above the limit, register, show the number."""
        if self._binding is None:
            return
        try:
            amount = read_money(self.query_one("#sum", Input).value)
        except TillError as error:
            self._refuse(error)
            return
        note, approval = "", None
        if self._out:
            limit = self.till.workplace.settings.policy.cash_out_limit
            above = amount > limit
            what = _("Cash-out of {sum}, above {limit}").format(sum=sum_of(amount), limit=sum_of(limit))
            given = await permit(self, Right.CASH_OUT_ANY, what, [_(one) for one in REASONS_OUT], needed=above)
            if given is None:
                return
            approval, note = given.approval, given.reason
        question = _("Take {sum} out of the drawer?") if self._out else _("Put {sum} into the drawer?")
        text = question.format(sum=sum_of(amount))
        if not await self.ask("confirm", title=self.title, text=text, yes=_("Register"), fiscal=True):
            return
        try:
            if self._out:
                document = await self.work(self.till.cash.take_out, self._binding, amount, note=note, approval=approval)
            else:
                document = await self.work(self.till.cash.put_in, self._binding, amount, note=self._reason)
        except TillError as error:
            if error.code != "CASH_SHORT":
                raise
            self._refuse(error)
            return
        await tell(self, document, done=_("The slip stays at the till."))
        if document.done:
            self.dismiss(True)
        else:
            await self._look()

    def _refuse(self, error: TillError) -> None:
        self.query_one("#note", Notice).say(Lamp.RED, *explain(error))
        self.app.bell()

    def action_back(self) -> None:
        if not self.in_action:
            self.dismiss(False)
