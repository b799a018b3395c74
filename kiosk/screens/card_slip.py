"""Card data typed from the slip of the terminal, each field checked by its form (cashier-flow.md IV.2, IV-10)."""

from __future__ import annotations

from typing import ClassVar

from textual import on
from textual.app import ComposeResult
from textual.binding import Binding, BindingType
from textual.containers import Grid, Horizontal, Vertical
from textual.widgets import Input, Label

from drivers.document import CardSlip
from kiosk.i18n import _, explain, money
from kiosk.screens.screen import Dialog, acting
from kiosk.till.errors import N_, Refusal
from kiosk.till.payment import SYSTEMS, read_slip
from kiosk.widgets.keypad import ENTER, Keypad, edit
from kiosk.widgets.notice import Notice
from kiosk.widgets.palette import Lamp
from kiosk.widgets.touch import Touch

FIELDS = (
    ("rrn", N_("RRN"), 12),
    ("auth_code", N_("Authorisation"), 6),
    ("last_digits", N_("Card, last 4"), 4),
    ("terminal", N_("Terminal"), 8),
)


class CardSlipDialog(Dialog[CardSlip]):
    """Answers the checked slip. The terminal and payment system of the last slip are offered again."""

    CSS_PATH = "card_slip.tcss"
    BINDINGS: ClassVar[list[BindingType]] = [
        Binding("f2", "system", N_("System"), tooltip=N_("The next payment system")),
        Binding("up", "step(-1)", N_("Up"), show=False, tooltip=N_("The field above")),
        Binding("down", "step(1)", N_("Down"), show=False, tooltip=N_("The field below")),
        Binding("ctrl+enter,ctrl+j", "accept", N_("Accept"), tooltip=N_("Accept the slip's data")),
    ]
    last: ClassVar[tuple[str, str]] = ("", "")
    """Terminal id and payment system of the slip before: one terminal stands at a till."""

    def __init__(self, *, due: int) -> None:
        super().__init__()
        self._due = due
        self._terminal, self._system = self.last

    def body(self) -> ComposeResult:
        with Horizontal(id="slip"):
            with Vertical(id="fields"):
                yield Label(_("Slip of the terminal: {due}").format(due=money(self._due)), classes="title")
                for name, label, length in FIELDS:
                    with Horizontal(classes="field"):
                        yield Label(_(label), classes="quiet")
                        yield Input(self._terminal if name == "terminal" else "", id=name, max_length=length)
                with Grid(id="systems"):
                    for index, system in enumerate(SYSTEMS):
                        yield Touch(system, id=f"system{index}")
                yield Notice(id="wrong")
            with Vertical(id="pad"):
                yield Keypad()
                with Horizontal(classes="row"):
                    yield Touch(_("Back"), id="no")
                    yield Touch(_("Letters"), id="letters")
                    yield Touch(_("Accept"), id="yes", classes="-main")

    def on_mount(self) -> None:
        super().on_mount()
        for touch in self.query(Touch):
            touch.can_focus = False
        for field in self.query(Input):
            field.cursor_blink = False
        self._mark_system()
        self.query_one("#rrn", Input).focus()

    @property
    def _field(self) -> Input:
        """The field that takes the keys."""
        focused = self.focused
        return focused if isinstance(focused, Input) else self.query_one("#rrn", Input)

    def _mark_system(self) -> None:
        for index, system in enumerate(SYSTEMS):
            touch = self.query_one(f"#system{index}", Touch)
            touch.set_class(system == self._system, "-main")
            touch.refresh()

    def action_system(self) -> None:
        index = SYSTEMS.index(self._system) + 1 if self._system in SYSTEMS else 0
        self._choose(SYSTEMS[index % len(SYSTEMS)])

    def _choose(self, system: str) -> None:
        self._system = system
        self._mark_system()
        self.query_one("#wrong", Notice).clear()

    def action_step(self, by: int) -> None:
        names = [name for name, _label, _length in FIELDS]
        index = names.index(self._field.id or "rrn") + by
        if 0 <= index < len(names):
            self.query_one(f"#{names[index]}", Input).focus()

    @on(Input.Submitted)
    def _submitted(self, message: Input.Submitted) -> None:
        """Enter: the next field; after the last one the whole slip."""
        message.stop()
        self._next()

    def _next(self) -> None:
        names = [name for name, _label, _length in FIELDS]
        index = names.index(self._field.id or "rrn")
        empty = next((name for name in names[index + 1 :] if not self.query_one(f"#{name}", Input).value), None)
        if empty is not None:
            self.query_one(f"#{empty}", Input).focus()
        else:
            self.action_accept()

    @on(Input.Changed)
    def _changed(self, message: Input.Changed) -> None:
        message.stop()
        self.query_one("#wrong", Notice).clear()

    @on(Keypad.Typed)
    def _typed(self, message: Keypad.Typed) -> None:
        message.stop()
        if message.key == ENTER:
            self._next()
        elif message.key != ",":
            field = self._field
            field.value = edit(field.value, message.key)[: field.max_length]
            field.cursor_position = len(field.value)

    @on(Touch.Pressed)
    def _pressed(self, message: Touch.Pressed) -> None:
        message.stop()
        key = message.touch.id or ""
        if key.startswith("system"):
            self._choose(SYSTEMS[int(key.removeprefix("system"))])
        elif key == "letters":
            self._letters()
        elif key == "no":
            self.action_back()
        else:
            self.action_accept()

    @acting
    async def _letters(self) -> None:
        field = self._field
        label = next(label for name, label, _length in FIELDS if name == field.id)
        typed = await self.ask("keyboard", title=_(label), value=field.value, layer=2)
        if typed is not None:
            field.value = typed[: field.max_length]

    def action_accept(self) -> None:
        values = {name: self.query_one(f"#{name}", Input).value for name, _label, _length in FIELDS}
        try:
            slip = read_slip(payment_system=self._system, **values)
        except Refusal as refusal:
            self.query_one("#wrong", Notice).say(Lamp.RED, explain(refusal)[0])
            self.app.bell()
            wrong = str(refusal.values.get("field", ""))
            if wrong in values:
                self.query_one(f"#{wrong}", Input).focus()
            return
        type(self).last = (slip.terminal, slip.payment_system)
        self.dismiss(slip)
