"""*Відкриття зміни* (cashier-flow.md III): who, on which registrar, how much cash was counted, how much is the float.

A hardware registrar opens its day with the service cash-in of the float; with a float of 0 the first receipt opens it.
A software registrar is opened by a document of its own, with an unlocked key, and the cash-in follows. Esc sends
nothing.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import ClassVar

from textual import on
from textual.app import ComposeResult
from textual.binding import Binding, BindingType
from textual.containers import Horizontal, Vertical
from textual.widgets import Input, Label

from drivers.document import DocumentKind
from drivers.errors import Code
from kiosk.i18n import _, explain, money, sum_of
from kiosk.ledger.records import Binding as Registration
from kiosk.ledger.records import DocumentState, FiscalDocument
from kiosk.screens.asking import tell
from kiosk.screens.dialogs.unlock import described
from kiosk.screens.screen import KioskScreen, acting
from kiosk.till.checklist import Checks
from kiosk.till.errors import N_, TillError
from kiosk.till.keys import KeyView
from kiosk.till.money import read_money
from kiosk.till.shift import Opened
from kiosk.widgets.banner import Banner
from kiosk.widgets.keypad import ENTER, Keypad, edit
from kiosk.widgets.palette import Lamp

REASONS = (
    N_("Cash was taken to the bank or the safe"),
    N_("Change was brought in"),
    N_("The last count was wrong"),
    N_("Shortage, the manager knows"),
    N_("Surplus, the manager knows"),
)
"""Why the counted cash differs from what was left at the last close."""
LENGTH = 12
ROOMY = 76
"""Columns from which the key's owner is named beside the pad."""


class OpeningScreen(KioskScreen[bool]):
    """Answers True when a shift was opened. `checks` are stored with the shift."""

    CSS_PATH = "opening.tcss"
    TITLE = N_("Opening the shift")
    BINDINGS: ClassVar[list[BindingType]] = [
        Binding("f5", "check", N_("Check"), tooltip=N_("Run the check before the shift")),
        Binding("f6", "open", N_("Open"), tooltip=N_("Open the shift and register the float")),
        Binding("f7", "enterprise", N_("Enterprise"), tooltip=N_("Choose the enterprise whose shift is opened")),
        Binding("tab", "other_field", N_("Next field"), show=False, tooltip=N_("Counted cash, float, counted cash")),
        Binding("enter", "open", N_("Open"), show=False, tooltip=N_("Next field; in the last one: open the shift")),
        Binding("escape", "back", N_("Cancel"), tooltip=N_("Back; sends nothing")),
    ]

    def __init__(self, *, checks: Checks | None = None) -> None:
        super().__init__()
        self._checks = checks
        self._registrars: Sequence[Registration] = ()
        self._names: dict[int, str] = {}
        self._binding: Registration | None = checks.binding if checks is not None else None
        self._left = 0
        self._float_typed = False
        self._held = 0
        self._key: KeyView | None = None

    def body(self) -> ComposeResult:
        with Horizontal(id="opening"):
            with Vertical(id="form"):
                yield Label(_(self.TITLE or ""), classes="title", markup=False)
                yield Label("", id="who", classes="quiet", markup=False)
                yield Label("", id="key", classes="quiet", markup=False)
                yield Banner(id="note")
                yield Label(_("Counted cash in the drawer"), markup=False)
                yield Input("0,00", id="counted", max_length=LENGTH, select_on_focus=True)
                yield Label(_("Float to the registrar"), markup=False)
                yield Input("0,00", id="float", max_length=LENGTH, select_on_focus=True)
            with Vertical(id="pad"):
                yield Keypad()

    def on_mount(self) -> None:
        for field in self.query(Input):
            field.cursor_blink = False
        self.query_one("#counted", Input).focus()
        self._read()

    @acting
    async def _read(self) -> None:
        """Registrars, names and what was left at the last close."""
        place = self.till.workplace
        self._registrars = await self.work(place.bindings)
        for binding in self._registrars:
            self._names[binding.id] = await self.work(place.enterprise_name, binding.enterprise_id)
        if self._binding is not None:
            # The check may have met the unit for the first time: take what is known of it now.
            self._binding = await self.work(self.till.workplace.ledger.shop.binding, self._binding.id)
        else:
            if len(self._registrars) > 1 and not await self._choose():
                self.dismiss(False)
                return
            self._binding = self._binding or await self.work(place.main_binding)
        await self._show()

    async def _show(self) -> None:
        binding = self._binding
        if binding is None:
            return
        self._left = await self.work(self.till.shifts.left_at_close, binding)
        self._held = await self.work(self.till.shifts.held, binding)
        self._key = await self.work(self.till.keys.view, binding)
        user = self.till.workplace.user
        number = binding.fiscal_number or binding.serial or "-"
        kind = _("PRRO") if binding.url.startswith("prro") else _("RRO")
        lines = [self._names.get(binding.id, ""), f"{kind} {number} · {user.name if user else ''}"]
        if self._key is None:
            left = _("Left at the last close: {left}, in the registrar: {held}")
        else:
            # A software registrar holds nothing between its shifts, and the key needs the room.
            left = _("Left at the last close: {left}")
        lines.append(left.format(left=sum_of(self._left), held=sum_of(self._held)))
        key = f"{_('Key')}: {described(self._key, short=self.app.size.width < ROOMY)}" if self._key is not None else ""
        self.query_one("#key", Label).update(key)
        self.query_one("#key").display = bool(key)
        self.query_one("#who", Label).update("\n".join(lines))
        self.query_one("#counted", Input).value = money(self._left).replace("\u00a0", "")
        self.show_keys()

    async def _choose(self) -> bool:
        rows = [(self._names[one.id], f"{one.model} {one.fiscal_number or one.serial}") for one in self._registrars]
        index = await self.ask("choose", title=_("Which enterprise?"), rows=rows)
        if index is None:
            return False
        self._binding = self._registrars[index]
        return True

    # -- typing ---------------------------------------------------------------------------------------------------

    @property
    def _field(self) -> Input:
        focused = self.focused
        return focused if isinstance(focused, Input) else self.query_one("#counted", Input)

    @on(Keypad.Typed)
    def _typed(self, message: Keypad.Typed) -> None:
        message.stop()
        field = self._field
        if message.key == ENTER:
            self._enter(field)
            return
        begin = "" if field.selection.start != field.selection.end else field.value
        field.value = edit(begin, message.key)[:LENGTH]
        field.cursor_position = len(field.value)

    @on(Input.Changed)
    def _changed(self, message: Input.Changed) -> None:
        message.stop()
        counted, float_ = self.query_one("#counted", Input), self.query_one("#float", Input)
        if message.input is counted and not self._float_typed:
            float_.value = self._proposed(counted.value)
        elif message.input is float_ and float_.has_focus and float_.value != counted.value:
            self._float_typed = True
        self._note("")

    def _proposed(self, counted: str) -> str:
        """The float for what was typed as counted: what the registrar holds already is not entered twice."""
        if not self._held:
            return counted
        try:
            return money(max(0, read_money(counted, zero=True) - self._held)).replace("\u00a0", "")
        except TillError:
            return counted

    def _note(self, text: str) -> None:
        """An error takes the place of the heading's lines: there is no room for both on a small screen."""
        self.query_one("#note", Banner).say(Lamp.RED, text, "")
        self.query_one("#who").display = not text
        self.query_one("#key").display = not text and self._key is not None

    @on(Input.Submitted)
    def _submitted(self, message: Input.Submitted) -> None:
        message.stop()
        self._enter(message.input)

    def _enter(self, field: Input) -> None:
        if field.id == "counted":
            self.query_one("#float", Input).focus()
        else:
            self.action_open()

    def action_other_field(self) -> None:
        other = "#counted" if self._field.id == "float" else "#float"
        self.query_one(other, Input).focus()

    # -- acting ---------------------------------------------------------------------------------------------------

    def check_action(self, action: str, parameters: tuple[object, ...]) -> bool | None:
        if action == "enterprise":
            return len(self._registrars) > 1
        return super().check_action(action, parameters)

    @acting
    async def action_open(self) -> None:
        """Open → service cash-in; both outcomes are shown before the screen goes."""
        binding = self._binding
        if binding is None:
            return
        try:
            counted = read_money(self.query_one("#counted", Input).value, zero=True)
            float_ = read_money(self.query_one("#float", Input).value, zero=True)
        except TillError as error:
            self._note(". ".join(part for part in explain(error) if part))
            self.app.bell()
            return
        reason = ""
        if counted != self._left:
            index = await self.ask(
                "choose",
                title=_("The cash differs: why?"),
                text=_("Counted {counted}, left at the last close {left}").format(
                    counted=sum_of(counted), left=sum_of(self._left)
                ),
                rows=[(_(reason), "") for reason in REASONS],
            )
            if index is None:
                return
            reason = REASONS[index]
        if not await self._unlocked(binding):
            return
        checks = self._checks.stored() if self._checks is not None else ()
        opened = await self.work(
            self.till.shifts.open, binding, counted=counted, float_=float_, reason=reason, checks=checks
        )
        if _open_elsewhere(opened):
            # The registrar has an open shift that the books do not know: a restored backup, or a new box.
            title, yes = _("The shift is open already"), _("Go on with it")
            text = _(
                "The fiscal server has an open shift that this till does not know. Its Z will close the whole of it."
            )
            if await self.ask("confirm", title=title, text=text, yes=yes, no=_("Back"), lamp=Lamp.AMBER):
                await self.work(self.till.shifts.adopt, binding)
                self.dismiss(True)
            return
        await self._told_outcome(opened)
        if opened.opening is not None:
            # A software registrar's shift is open although its float was refused: the till offers it again. An opening
            # that was unknown may have been found out meanwhile.
            if await self.work(self.till.shifts.current, binding) is not None:
                self.dismiss(True)
        elif opened.cash_in is None or opened.cash_in.state is not DocumentState.REJECTED:
            self.dismiss(True)

    async def _unlocked(self, binding: Registration) -> bool:
        """The key, where the registrar has one, is asked for before anything is sent."""
        self._key = await self.work(self.till.keys.view, binding)
        if self._key is None or self._key.unlocked:
            return True
        return bool(await self.ask("unlock", binding=binding))

    async def _told_outcome(self, opened: Opened) -> None:
        """What came of it: numbers, or what is unknown."""
        document, opening = opened.cash_in, opened.opening
        if opening is not None and not await self._told_opening(opening, document):
            return
        if document is None:
            await self.ask(
                "message",
                title=_("The shift is open"),
                text=_("The registrar's day opens with the first receipt"),
                lamp=Lamp.GREEN,
            )
        elif document.done and document.result is not None and opening is not None:
            await self.ask(
                "message",
                title=_("The shift is open"),
                text=_("Opening: document No. {opening}. Service cash-in {sum}: document No. {number}").format(
                    opening=number_of(opening), sum=sum_of(document.document.amount), number=number_of(document)
                ),
                lamp=Lamp.GREEN,
            )
        elif document.done and document.result is not None:
            assert document.kind is DocumentKind.CASH_IN
            await self.ask(
                "message",
                title=_("The shift is open"),
                text=_("Service cash-in {sum}, document No. {number}").format(
                    sum=sum_of(document.document.amount), number=document.result.number or "-"
                ),
                advice=_("Hand out nothing: the slip stays at the till."),
                lamp=Lamp.GREEN,
            )
        elif document.result is not None and document.result.fault is not None:
            await self.ask("message", error=document.result.fault, title=_("The float was not registered"))

    async def _told_opening(self, opening: FiscalDocument, cash_in: FiscalDocument | None) -> bool:
        """An opening that was refused or is not known, or has no float after it; False when all is told by this."""
        if not opening.done:
            await tell(self, opening)
            return False
        if cash_in is not None:
            return True
        await self.ask(
            "message",
            title=_("The shift is open"),
            text=_("Opening: document No. {opening}").format(opening=number_of(opening)),
            lamp=Lamp.GREEN,
        )
        return False

    @acting
    async def action_enterprise(self) -> None:
        if await self._choose():
            await self._show()

    @acting
    async def action_check(self) -> None:
        await self.ask("checklist", look=True)

    def action_back(self) -> None:
        if not self.in_action:
            self.dismiss(False)


def number_of(document: FiscalDocument) -> str:
    """The document's own number, as the registrar or its server gave it."""
    return (document.result.number if document.result is not None else "") or "-"


def _open_elsewhere(opened: Opened) -> bool:
    """Whether the opening was refused because a shift is open already."""
    result = opened.opening.result if opened.opening is not None and not opened.opening.done else None
    return result is not None and result.fault is not None and result.fault.code == Code.SHIFT_OPEN
