"""*Перевірка перед зміною*: opens by itself at login when no shift is open; F5 repeats (cashier-flow.md II).

Every line: icon and word, what was found, and under the list the threshold and what to do about the current line.
"""

from __future__ import annotations

from typing import ClassVar

from textual import on
from textual.app import ComposeResult
from textual.binding import Binding, BindingType
from textual.containers import Horizontal
from textual.widgets import Label

from kiosk.i18n import _, fill, ngettext
from kiosk.ledger.records import Binding as Registration
from kiosk.screens import exists
from kiosk.screens.screen import KioskScreen, acting
from kiosk.till.checklist import Checks
from kiosk.till.errors import N_
from kiosk.till.judge import CheckLine, Colour
from kiosk.widgets.banner import Banner
from kiosk.widgets.palette import ICON, Lamp
from kiosk.widgets.rows import Cells, Column, PageKeys, Rows

LAMPS = {Colour.GREEN: Lamp.GREEN, Colour.AMBER: Lamp.AMBER, Colour.RED: Lamp.RED}
WORDS = {Colour.GREEN: N_("fine"), Colour.AMBER: N_("note"), Colour.RED: N_("trouble")}
STOPS = N_("stops")
"""The word of a red line that forbids opening the shift."""

SOFTWARE = {"link": "internet", "flags": "server"}
"""Where a field of the status bar leads on a software registrar, which has neither a cable nor flags."""


def word(line: CheckLine) -> str:
    """The word beside the colour."""
    return _(STOPS if line.blocks else WORDS[line.colour])


def cells(line: CheckLine) -> Cells:
    """One line as it stands in the list."""
    lamp = LAMPS[line.colour]
    return Cells((f"{ICON[lamp]} {word(line)}", _(line.title), fill(line.value, line.values)), lamp, 0)


class ChecklistScreen(KioskScreen[None]):
    """`look`: put on top of another screen to be read, Esc goes back; `line` is where the cursor begins."""

    CSS_PATH = "checklist.tcss"
    TITLE = N_("Check before the shift")
    BINDINGS: ClassVar[list[BindingType]] = [
        Binding("f2", "seals", N_("Seals"), tooltip=N_("Seals looked at: intact, broken, or not looked at")),
        Binding("f5", "check", N_("Check"), tooltip=N_("Run the check again")),
        Binding("f6", "next", N_("Open shift"), tooltip=N_("Open the shift, or continue the open one")),
        Binding("f8", "close_shift", N_("Close shift (Z)"), tooltip=N_("Close the shift with a Z report")),
        Binding("f11", "registrar", N_("Registrar"), tooltip=N_("Fiscal registrar: open, X, Z, cash, state")),
        Binding("enter", "press", N_("Tick"), show=False, tooltip=N_("Do what the current line offers")),
        Binding("escape", "back", N_("Back"), tooltip=N_("Back to the sale, or log out")),
    ]

    def __init__(self, *, look: bool = False, line: str = "") -> None:
        super().__init__()
        self._look = look
        self._line = line
        self._seals: bool | None = None
        self._binding: Registration | None = None
        self.checks: Checks | None = None

    def body(self) -> ComposeResult:
        yield Label(_(self.TITLE or ""), id="title", classes="title", markup=False)
        with Horizontal(id="list"):
            yield Rows([Column("", 12), Column("", 24), Column("")], cells, empty=_("checking …"), id="lines")
            yield PageKeys("#lines")
        yield Banner(id="advice")

    def on_mount(self) -> None:
        self.query_one("#lines", Rows).focus()
        self.action_check()

    # -- the check ------------------------------------------------------------------------------------------------

    @acting
    async def action_check(self) -> None:
        """Run all lines again."""
        await self._check()

    async def _check(self) -> None:
        if self._binding is None:
            bindings = await self.work(self.till.workplace.bindings)
            self._binding = bindings[0] if bindings else await self.work(self.till.workplace.main_binding)
            shift = await self.work(self.till.shifts.current, self._binding)
            # Seals looked at when the shift was opened need no second look within it.
            stored = [check for check in shift.checks if check["key"] == "seals"] if shift is not None else []
            self._seals = True if any(check["colour"] == "green" for check in stored) else None
        self.query_one("#title", Label).update(f"{_(self.TITLE or '')} · {_('checking …')}")
        checks = await self.work(self.till.checklist.run, self._binding, seals=self._seals)
        self.show_checks(checks)
        self.kiosk.poll_now()

    def show_checks(self, checks: Checks) -> None:
        """Put a finished check on the screen."""
        first = self.checks is None
        self.checks = checks
        rows = self.query_one("#lines", Rows)
        keys = [line.key for line in checks.lines]
        worst = next((index for index, line in enumerate(checks.lines) if line.blocks), None)
        if worst is None:
            # A locked key hides the most of the list: Enter unlocks it at once.
            worst = next((index for index, line in enumerate(checks.lines) if line.key == "key" and line.action), 0)
        line = self._line if self._line in keys else SOFTWARE.get(self._line, "")
        wanted = keys.index(line) if line in keys else worst
        rows.fill(checks.lines, wanted if first else None)
        self.query_one("#title", Label).update(f"{_(self.TITLE or '')} · {self._verdict(checks)}")
        self._advise()
        self.show_keys()

    def _verdict(self, checks: Checks) -> str:
        if checks.action == "z":
            return _("the shift must be closed (Z)")
        stops = sum(1 for line in checks.lines if line.blocks)
        if not stops:
            return _("the shift can be opened")
        return ngettext("{count} line stops the opening", "{count} lines stop the opening", stops).format(count=stops)

    def _advise(self) -> None:
        line = self.query_one("#lines", Rows).current
        banner = self.query_one("#advice", Banner)
        if not isinstance(line, CheckLine):
            banner.clear()
            return
        parts = [fill(line.advice, line.values)] if line.advice else []
        parts.append(f"{_('Needed')}: {fill(line.threshold, line.values)}.")
        banner.say(LAMPS[line.colour], " ".join(parts), word(line))

    @on(Rows.Highlighted, "#lines")
    def _moved(self, message: Rows.Highlighted) -> None:
        message.stop()
        self._advise()

    # -- what may be done -----------------------------------------------------------------------------------------

    def check_action(self, action: str, parameters: tuple[object, ...]) -> bool | None:
        """II-5: over 24 h nothing but the Z is offered. A shift opens only when nothing stops it."""
        if action in ("next", "close_shift", "seals", "registrar", "press"):
            if self._look and action != "seals":
                return False
            offered = self.checks.action if self.checks is not None else ""
            if action == "close_shift":
                return offered == "z"
            if offered == "z":
                return False
            if action == "next":
                return True if offered else None
            if action == "seals":
                return bool(self.checks and any(line.key == "seals" for line in self.checks.lines))
        return super().check_action(action, parameters)

    @acting
    async def action_seals(self) -> None:
        """The seals were looked at: intact → broken → not looked at (line 19)."""
        self._seals = {None: True, True: False, False: None}[self._seals]
        await self._check()

    @on(Rows.Chosen, "#lines")
    def _chosen(self, message: Rows.Chosen) -> None:
        message.stop()
        self.action_press()

    def action_press(self) -> None:
        """Enter or a second tap on a line: tick the seals, unlock the key; on the others show what to do."""
        line = self.query_one("#lines", Rows).current
        if isinstance(line, CheckLine) and line.key == "seals":
            self.action_seals()
        elif isinstance(line, CheckLine) and line.action == "unlock":
            self._unlock()
        elif isinstance(line, CheckLine) and line.action == "z" and not self._look:
            self.action_close_shift()

    @acting
    async def _unlock(self) -> None:
        if self._binding is not None and await self.ask("unlock", binding=self._binding):
            await self._check()

    def action_next(self) -> None:
        if self.checks is None or self._look:
            return
        if self.checks.action == "open":
            self._open_shift()
        elif self.checks.action == "continue":
            self.kiosk.go("sale" if exists("sale") else "checklist")

    @acting
    async def _open_shift(self) -> None:
        if await self.ask("opening", checks=self.checks):
            self.kiosk.begin_work()

    @acting
    async def action_close_shift(self) -> None:
        await self.ask("closing")
        await self._check()

    @acting
    async def action_registrar(self) -> None:
        await self.ask("registrar_menu")
        await self._check()

    def action_back(self) -> None:
        if self.in_action:
            return
        if self._look:
            self.dismiss(None)
        else:
            self.kiosk.log_out()
