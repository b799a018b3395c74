"""Login: the badge field is always focused; else a name from the list and a PIN on the pad (cashier-flow.md I).

It is the first thing that is painted, before the ledger is opened: names and keys come alive when the till is ready.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import ClassVar

from textual import on
from textual.app import ComposeResult
from textual.binding import Binding, BindingType
from textual.containers import Container, Horizontal, Vertical
from textual.widgets import Input, Label

from kiosk.i18n import ROLES, _, explain
from kiosk.ledger.records import User
from kiosk.screens.screen import EXPECTED, KioskScreen, acting
from kiosk.till.errors import N_
from kiosk.widgets.banner import Banner
from kiosk.widgets.keypad import ENTER, PIN, Keypad, edit
from kiosk.widgets.palette import Lamp
from kiosk.widgets.rows import Cells, Column, PageKeys, Rows

LONGEST = 64


class LoginScreen(KioskScreen[None]):
    """A scan is a badge. Typed digits are the PIN of the person under the cursor of the list."""

    STATUS = False
    KEYS = False
    TITLE = N_("Login")
    BINDINGS: ClassVar[list[BindingType]] = [
        Binding("up", "person(-1)", N_("Previous name"), show=False, priority=True),
        Binding("down", "person(1)", N_("Next name"), show=False, priority=True),
        Binding("escape", "clear", N_("Clear"), show=False, tooltip=N_("Clear what is typed")),
        Binding("f5", "again", N_("Repeat"), show=False, tooltip=N_("Try to open the till again")),
        Binding("f9", "restore", N_("Restore"), show=False, tooltip=N_("Restore the books from a copy")),
    ]

    def __init__(self) -> None:
        super().__init__()
        self._people: Sequence[User] = ()
        self._fresh = False
        self._hints: Mapping[str, str] = {}

    def body(self) -> ComposeResult:
        with Horizontal(id="login"):
            with Vertical(id="who"):
                yield Label(self.heading, classes="title", markup=False)
                yield Input(placeholder=_("Badge or PIN"), password=True, id="entry", max_length=LONGEST)
                yield Banner(id="note")
                with Horizontal(id="list"):
                    yield Rows(
                        [Column(""), Column("")], self._person, tall=True, empty=_("opening the till …"), id="people"
                    )
                    yield PageKeys("#people")
            with Container(id="pad"):
                yield Keypad(PIN)

    @property
    def heading(self) -> str:
        """The line at the top."""
        return f"{self.kiosk.settings.workplace} · {_('scan your badge')}"

    @property
    def entry(self) -> Input:
        return self.query_one("#entry", Input)

    def on_mount(self) -> None:
        self.entry.cursor_blink = False
        self.query_one("#people", Rows).can_focus = False
        self.query_one(PageKeys).display = False

    def on_screen_resume(self) -> None:
        """Shown for the first time, or again after somebody left."""
        self.entry.value = ""
        self.entry.focus()
        self.call_after_refresh(self._fill)

    @acting
    async def _fill(self) -> None:
        """Wait for the till, then list the people."""
        await self.kiosk.ready.wait()
        if self.kiosk.failed is not None:
            self._tell(*explain(self.kiosk.failed))
            return
        self._people = await self.work(self.till.people.names)
        if self.kiosk.settings.demo:
            from kiosk.ledger.demo import KEY_PASSWORD, PEOPLE

            self._hints = {name: f"PIN {pin}" for name, _role, _badge, pin in PEOPLE}
            if self.kiosk.settings.registrar.startswith("prro"):
                hint = _("demo: key password {password}").format(password=KEY_PASSWORD)
                self.query_one(".title", Label).update(f"{self.heading} · {hint}")
        self.list_people()
        # People without a PIN are not listed, so that an empty list alone says nothing.
        self._fresh = not await self.work(self.till.workplace.ledger.people.active)
        if self._fresh:
            note = _("Nobody is known here yet. F9 restores the books from a copy.")
            self.query_one("#note", Banner).say(Lamp.OFF, note, "")
        elif self.query_one("#note", Banner).lamp is Lamp.OFF:
            self.query_one("#note", Banner).clear()

    def _person(self, user: User) -> Cells:
        """A row of the list; in the demo with the PIN, so that a newcomer gets in."""
        return Cells((user.name, _(ROLES[user.role.value]), self._hints.get(user.name, "")))

    def list_people(self, cursor: int = 0) -> None:
        rows = self.query_one("#people", Rows)
        rows.fill(self._people, cursor)
        self.query_one(PageKeys).display = len(self._people) > rows.page

    # -- logging in -----------------------------------------------------------------------------------------------

    async def take_scan(self, text: str) -> None:
        """A badge (I-1)."""
        await self._login(badge=text)

    @acting
    async def action_enter(self) -> None:
        """What is typed: the PIN of the current name, or a badge's number read aloud."""
        typed = self.entry.value.strip()
        self.entry.value = ""
        if not typed:
            return
        if typed.isdigit() and 4 <= len(typed) <= 8:
            await self._login(pin=typed)
        else:
            await self._login(badge=typed)

    async def _login(self, *, badge: str = "", pin: str = "") -> None:
        await self.kiosk.ready.wait()
        if self.kiosk.failed is not None:
            self.app.bell()
            return
        person = self.query_one("#people", Rows).current
        try:
            if badge:
                user = await self.work(self.till.people.login_badge, badge)
            elif person is not None:
                user = await self.work(self.till.people.login_pin, person.id, pin)
            else:
                return
        except EXPECTED as error:
            self._tell(*explain(error))
            return
        await self.entered(user)

    async def entered(self, user: User) -> None:
        """Somebody is in: on to the checklist, or to the sale where a shift is open."""
        self.kiosk.begin_work()

    def _tell(self, what: str, advice: str) -> None:
        self.query_one("#note", Banner).say(Lamp.RED, f"{what}. {advice}".strip(), "")
        self.app.bell()

    # -- keys and fingers -----------------------------------------------------------------------------------------

    @on(Input.Submitted, "#entry")
    def _submitted(self, message: Input.Submitted) -> None:
        message.stop()
        self.action_enter()

    @on(Input.Changed, "#entry")
    def _changed(self, message: Input.Changed) -> None:
        message.stop()
        if message.value:
            self.query_one("#note", Banner).clear()

    @on(Keypad.Typed)
    def _typed(self, message: Keypad.Typed) -> None:
        message.stop()
        if message.key == ENTER:
            self.action_enter()
        else:
            self.entry.value = edit(self.entry.value, message.key)[:LONGEST]
            self.entry.cursor_position = len(self.entry.value)

    @on(Rows.Chosen, "#people")
    def _chosen(self, message: Rows.Chosen) -> None:
        message.stop()
        self.entry.focus()

    def on_descendant_blur(self) -> None:
        """The badge field is always focused."""
        if self.is_current:
            self.entry.focus()

    def action_person(self, by: int) -> None:
        self.query_one("#people", Rows).action_move(by)

    def action_clear(self) -> None:
        self.entry.value = ""
        self.query_one("#note", Banner).clear()

    def action_again(self) -> None:
        if self.kiosk.failed is not None and not self.in_action:
            self.query_one("#note", Banner).clear()
            self.kiosk.open_again()
            self._fill()

    def action_restore(self) -> None:
        """Only where there is nothing to lose: no people yet, or books that cannot be opened."""
        if self.kiosk.ready.is_set() and (self.kiosk.failed is not None or self._fresh) and not self.in_action:
            self.kiosk.go("restore")

    def action_lock(self) -> None:
        """Nobody is in: there is nothing to lock."""
