"""The password of a software registrar's key (cashier-flow.md I): whose key it is, until when, and the field.

The password goes to the till in one call and nowhere else: the field is masked and emptied at once, whatever the
answer. Opening a container takes 1–5 s on a weak box; it runs on the till thread and the dialog says so.
"""

from __future__ import annotations

from typing import ClassVar

from textual import on
from textual.app import ComposeResult
from textual.binding import Binding, BindingType
from textual.containers import Horizontal, Vertical
from textual.widgets import Input, Label

from drivers.registrar import FaultInfo
from kiosk.i18n import _, explain, moment
from kiosk.ledger.records import Binding as Registration
from kiosk.screens.screen import EXPECTED, Dialog, acting
from kiosk.till.errors import N_
from kiosk.till.keys import KeyView, slot_of
from kiosk.widgets.banner import Banner
from kiosk.widgets.letter_pad import LetterPad
from kiosk.widgets.palette import Lamp
from kiosk.widgets.touch import Touch

LONGEST = 128
SMALL = tuple("abcdefghijklmnopqrstuvwxyz-._@!?")
CAPITALS = tuple("ABCDEFGHIJKLMNOPQRSTUVWXYZ+=/*#$")
SIGNS = tuple("1234567890%&()[]{}<>\"';:,\\|~^`№ ")
UKRAINIAN = tuple("абвгдеєжзиіїйклмнопрстуфхцчшщьюя")
UKRAINIAN_CAPITALS = tuple("АБВГДЕЄЖЗИІЇЙКЛМНОПРСТУФХЦЧШЩЬЮЯ")
LAYERS = (("abc", SMALL), ("ABC", CAPITALS), ("123", SIGNS), ("абв", UKRAINIAN), ("АБВ", UKRAINIAN_CAPITALS))


def described(view: KeyView, *, short: bool = False) -> str:
    """One line about a key: whose (not in the `short` one), its state in a word, until when it signs."""
    parts = [] if short else [view.owner or view.slot]
    parts.append(_("unlocked") if view.unlocked else _("locked"))
    if view.until is not None:
        parts.append(_("until {at}").format(at=moment(view.until)[:10]))
    if view.registered is False:
        parts.append(_("not registered for this registrar"))
    return " · ".join(parts)


class UnlockDialog(Dialog[bool]):
    """Answers True when the key is unlocked. `slot` is another key of the folder than the registrar's own."""

    CSS_PATH = "unlock.tcss"
    TITLE = N_("Unlocking the key")
    BINDINGS: ClassVar[list[BindingType]] = [
        Binding("enter", "unlock", N_("Unlock"), show=False, tooltip=N_("Unlock the key with what is typed")),
        Binding("f2", "pad", N_("Letters"), show=False, tooltip=N_("Show or hide the keyboard for fingers")),
    ]

    def __init__(self, *, binding: Registration, slot: str = "") -> None:
        super().__init__()
        self._binding = binding
        self._slot = slot or slot_of(binding)

    def body(self) -> ComposeResult:
        with Vertical(id="card"):
            yield Label(f"{self.name_on_screen} · {self._slot}", classes="title", markup=False)
            yield Label("", id="whose", classes="quiet", markup=False)
            yield Input(password=True, placeholder=_("The key's password"), id="secret", max_length=LONGEST)
            yield Banner(id="wrong")
            yield LetterPad(layers=LAYERS, id="letters")
            with Horizontal(classes="row", id="answers"):
                yield Touch(_("Back"), id="no")
                yield Touch(_("Letters"), id="pad")
                yield Touch("", id="layer")
                yield Touch("<-", id="rub")
                yield Touch(_("Unlock"), id="yes", classes="-main")

    def on_mount(self) -> None:
        super().on_mount()
        for touch in self.query(Touch):
            touch.can_focus = False
        field = self.query_one("#secret", Input)
        field.cursor_blink = False
        field.focus()
        self._show_pad(False)
        self._read()

    @acting
    async def _read(self) -> None:
        view = await self.work(self.till.keys.view, self._binding, self._slot)
        if view is None:
            return
        self.query_one("#whose", Label).update(described(view))
        if view.fault is not None:
            self._tell(view.fault)

    @acting
    async def action_unlock(self) -> None:
        field = self.query_one("#secret", Input)
        password, field.value = field.value, ""
        if not password:
            return
        self.query_one("#wrong", Banner).say(Lamp.AMBER, _("opening the key …"), "")
        try:
            await self.work(self.till.keys.unlock, self._binding, password, slot=self._slot)
        except EXPECTED as error:
            self._tell(error)
            return
        finally:
            del password
        if self._slot == slot_of(self._binding):
            # What was open when the till stopped can be asked for only now.
            found = await self.work(self.till.fiscal.recover)
            self.kiosk.recovered = (*self.kiosk.recovered, *found)
        self.dismiss(True)

    def _tell(self, error: BaseException | FaultInfo) -> None:
        text = ". ".join(part.partition("\n")[0] for part in explain(error) if part)
        self.query_one("#wrong", Banner).say(Lamp.RED, text, "")
        self.app.bell()

    # -- fingers --------------------------------------------------------------------------------------------------

    def _show_pad(self, shown: bool) -> None:
        self.query_one("#card").set_class(shown, "-letters")
        self.query_one("#layer", Touch).label = self.query_one(LetterPad).next_layer

    def action_pad(self) -> None:
        self._show_pad(not self.query_one("#card").has_class("-letters"))

    @on(LetterPad.Typed)
    def _letter(self, message: LetterPad.Typed) -> None:
        message.stop()
        field = self.query_one("#secret", Input)
        field.value = (field.value + message.character)[:LONGEST]
        field.cursor_position = len(field.value)

    @on(Input.Submitted)
    def _submitted(self, message: Input.Submitted) -> None:
        message.stop()
        self.action_unlock()

    @on(Touch.Pressed)
    def _pressed(self, message: Touch.Pressed) -> None:
        message.stop()
        key = message.touch.id
        field = self.query_one("#secret", Input)
        if key == "no":
            self.action_back()
        elif key == "pad":
            self.action_pad()
        elif key == "layer":
            self.query_one(LetterPad).turn()
            self._show_pad(True)
        elif key == "rub":
            field.value = field.value[:-1]
            field.cursor_position = len(field.value)
        else:
            self.action_unlock()

    def action_back(self) -> None:
        if not self.in_action:
            self.query_one("#secret", Input).value = ""
            self.dismiss(False)
