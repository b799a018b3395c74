"""Help for one action: a senior's badge, or a name and PIN, with a reason from a list (cashier-flow.md I)."""

from __future__ import annotations

from collections.abc import Sequence

from textual import on
from textual.app import ComposeResult
from textual.containers import Horizontal, Vertical
from textual.widgets import Input, Label

from kiosk.i18n import ROLES, _, explain
from kiosk.ledger.records import User
from kiosk.screens.screen import EXPECTED, Dialog, acting
from kiosk.till.rights import Right
from kiosk.till.workplace import Approval
from kiosk.widgets.banner import Banner
from kiosk.widgets.keypad import ENTER, PIN, Keypad, edit
from kiosk.widgets.palette import Lamp
from kiosk.widgets.rows import Cells, Column, Rows
from kiosk.widgets.touch import Touch


class ApproveDialog(Dialog[tuple[Approval, str]]):
    """Answers (approval, reason). `what` is the act in translated words; `reasons` translated texts, empty: none asked.

    `own`: the person at the till repeats their own PIN (a right that needs a PIN).
    """

    CSS_PATH = "dialogs.tcss"

    def __init__(self, *, right: Right, what: str, reasons: Sequence[str] = (), own: bool = False) -> None:
        super().__init__()
        self._right = right
        self._what = what
        self._reasons = tuple(reasons)
        self._own = own

    def body(self) -> ComposeResult:
        with Horizontal(id="card", classes="-tall"):
            with Vertical(id="question"):
                yield Label(_("Your PIN again") if self._own else _("A senior's badge or PIN"), classes="title")
                yield Label(self._what, classes="quiet", markup=False)
                yield Input(password=True, id="entry", max_length=64)
                yield Banner(id="wrong")
                yield Rows(
                    [Column(""), Column("")], _person, tall=True, empty=_("nobody may confirm this"), id="people"
                )
                yield Touch(_("Back"), id="no")
            yield Keypad(PIN)

    def on_mount(self) -> None:
        entry = self.query_one("#entry", Input)
        entry.cursor_blink = False
        entry.focus()
        self.query_one("#people", Rows).can_focus = False
        self._fill()

    @acting
    async def _fill(self) -> None:
        helpers = await self.work(self.till.people.helpers, self._right)
        user = self.till.workplace.user
        if self._own and user is not None:
            helpers = [helper for helper in helpers if helper.id == user.id]
        self.query_one("#people", Rows).fill(helpers)

    async def take_scan(self, text: str) -> None:
        await self._approve(badge=text)

    @acting
    async def action_enter(self) -> None:
        entry = self.query_one("#entry", Input)
        typed, entry.value = entry.value.strip(), ""
        if typed:
            await self._approve(pin=typed)

    async def _approve(self, *, badge: str = "", pin: str = "") -> None:
        person = self.query_one("#people", Rows).current
        if not badge and not isinstance(person, User):
            self.app.bell()
            return
        number = person.id if isinstance(person, User) else 0
        try:
            approval = await self.work(self.till.people.approve, self._right, badge=badge, user_id=number, pin=pin)
        except EXPECTED as error:
            self.query_one("#wrong", Banner).say(Lamp.RED, ". ".join(part for part in explain(error) if part), "")
            self.app.bell()
            return
        reason = ""
        if self._reasons:
            index = await self.ask("choose", title=_("Reason"), rows=[(reason, "") for reason in self._reasons])
            if index is None:
                return
            reason = self._reasons[index]
        self.dismiss((approval, reason))

    @on(Input.Submitted)
    def _submitted(self, message: Input.Submitted) -> None:
        message.stop()
        self.action_enter()

    @on(Keypad.Typed)
    def _typed(self, message: Keypad.Typed) -> None:
        message.stop()
        entry = self.query_one("#entry", Input)
        if message.key == ENTER:
            self.action_enter()
        else:
            entry.value = edit(entry.value, message.key)
            entry.cursor_position = len(entry.value)

    @on(Rows.Chosen)
    def _chosen(self, message: Rows.Chosen) -> None:
        message.stop()
        self.query_one("#entry", Input).focus()

    @on(Touch.Pressed)
    def _no(self, message: Touch.Pressed) -> None:
        message.stop()
        self.action_back()

    def on_key(self, event: object) -> None:
        """Up and down choose the person while the entry keeps the focus."""
        key = getattr(event, "key", "")
        if key in ("up", "down"):
            self.query_one("#people", Rows).action_move(-1 if key == "up" else 1)


def _person(user: User) -> Cells:
    return Cells((user.name, _(ROLES[user.role.value])))
