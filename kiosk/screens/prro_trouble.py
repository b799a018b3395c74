"""*ПРРО не працює* (cashier-flow.md VIII.4): the decision tree with what was found, and the next step in one card.

title · registrar
question            | answer
card: what to do now, the server's own words
[F5 Check] [main action] [reserve]
"""

from __future__ import annotations

from typing import ClassVar

from textual import on
from textual.app import ComposeResult
from textual.binding import Binding, BindingType
from textual.containers import Horizontal
from textual.widgets import Label

from drivers.registrar import FaultInfo
from kiosk.i18n import _, explain, fill
from kiosk.ledger.records import Binding as Registrar
from kiosk.screens import exists
from kiosk.screens.offline_blocked import go_reserve
from kiosk.screens.screen import KioskScreen, acting
from kiosk.till.errors import N_
from kiosk.till.offline import reserves
from kiosk.till.trouble import Branch, Step, Verdict
from kiosk.widgets.banner import Banner
from kiosk.widgets.palette import Lamp
from kiosk.widgets.rows import Cells, Column, Rows
from kiosk.widgets.touch import Touch

LAMPS = {Verdict.FINE: Lamp.GREEN, Verdict.HERE: Lamp.RED, Verdict.MAYBE: Lamp.AMBER}
WORDS = {Verdict.FINE: N_("in order"), Verdict.HERE: N_("HERE"), Verdict.MAYBE: N_("try")}
TICK = 20.0
"""Seconds between two looks at the time that is left to midnight."""


def _cells(step: Step) -> Cells:
    return Cells((_(step.question), _(WORDS[step.verdict])), LAMPS[step.verdict], 1)


class PrroTroubleScreen(KioskScreen[str]):
    """Answers "keys" when the person wants the keys of the screen beneath instead."""

    CSS_PATH = "prro_trouble.tcss"
    VERTICAL_BREAKPOINTS = [(0, "-narrow"), (22, "-wide")]
    TITLE = N_("The software registrar does not work")
    BINDINGS: ClassVar[list[BindingType]] = [
        Binding("f1", "keys", N_("Keys"), tooltip=N_("The keys of the screen beneath")),
        Binding("f5", "check", N_("Check"), tooltip=N_("Ask for the line and look again")),
        Binding("f6", "main", N_("Do it"), tooltip=N_("The next step, as written on the green key")),
        Binding("f7", "failure", N_("Fail- ure"), tooltip=N_("Write the failure down, or that it is repaired")),
        Binding("f8", "notice", N_("2-ПРРО"), tooltip=N_("Data for the form 2-ПРРО")),
        Binding("f9", "reserve", N_("Reserve"), tooltip=N_("Go over to the reserve registrar")),
        Binding("ctrl+p", "print", N_("Print"), tooltip=N_("Print this page as a non-fiscal slip")),
        Binding("escape", "back", N_("Back"), tooltip=N_("Back; sends nothing")),
    ]

    def __init__(self) -> None:
        super().__init__()
        self._steps: tuple[Step, ...] = ()
        self._binding: Registrar | None = None
        self._reserve = False
        self._failed = False

    def body(self) -> ComposeResult:
        yield Label(self.name_on_screen, id="title", classes="title", markup=False)
        yield Rows([Column(""), Column("", 12)], _cells, id="steps")
        yield Banner(id="todo")
        with Horizontal(id="answers"):
            yield Touch(_("F5 Check"), id="check")
            yield Touch(_("Reserve registrar"), id="reserve")
            yield Touch("", id="main", classes="-main")

    def on_mount(self) -> None:
        super().on_mount()
        for touch in self.query(Touch):
            touch.can_focus = False
        self.query_one("#reserve").display = False
        self.query_one("#steps", Rows).focus()
        self._read()
        self.set_interval(TICK, self._read)

    @acting
    async def _read(self) -> None:
        await self._fill()

    async def _fill(self) -> None:
        place = self.till.workplace
        self._binding = binding = await self.work(place.main_binding, quiet=True)
        view = await self.work(self.till.status.view, quiet=True)
        self._steps = await self.work(self.till.trouble.tree, binding, view, quiet=True)
        self._reserve = bool(await self.work(reserves, place, binding, quiet=True))
        self._failed = await self.work(self.till.trouble.failed_at, binding, quiet=True) is not None
        rows = self.query_one("#steps", Rows)
        here = next((index for index, step in enumerate(self._steps) if step is self.here), 0)
        rows.fill(self._steps, here)
        rows.styles.height = len(self._steps)
        self.query_one("#title", Label).update(f"{self.name_on_screen} · {binding.fiscal_number or binding.serial}")
        self.query_one("#reserve").display = self._reserve
        self._show()

    @property
    def here(self) -> Step | None:
        """The step that is dealt with now: what is known to be wrong, else the first that can only be tried."""
        for verdict in (Verdict.HERE, Verdict.MAYBE):
            for step in self._steps:
                if step.verdict is verdict:
                    return step
        return None

    @property
    def current(self) -> Step | None:
        step = self.query_one("#steps", Rows).current
        return step if isinstance(step, Step) else None

    @on(Rows.Highlighted)
    def _moved(self, message: Rows.Highlighted) -> None:
        message.stop()
        self._show()

    @on(Rows.Chosen)
    def _chosen(self, message: Rows.Chosen) -> None:
        message.stop()

    def _show(self) -> None:
        step = self.current or self.here
        if step is None:
            return
        self.query_one("#todo", Banner).say(LAMPS[step.verdict], self._text(step), _(WORDS[step.verdict]))
        main = self.query_one("#main", Touch)
        main.label = f"F6 {_(self._main(step)[0])}" if self._main(step)[0] else ""
        main.display = bool(self._main(step)[0])
        self.show_keys()

    def _text(self, step: Step) -> str:
        lines = [fill(step.advice, step.values)]
        if step.code and step.verdict is not Verdict.FINE:
            what, advice = explain(FaultInfo(step.code, ""))
            lines.append(f"{what}. {advice}")
        if step.words:
            lines.append(_("The server's words: {words}").format(words=step.words))
        return "\n".join(lines)

    @staticmethod
    def _main(step: Step) -> tuple[str, str]:
        """Label (a message id) and screen of the step's own action; "" where there is none on this till."""
        if step.branch is Branch.SERVER and step.words:
            return N_("Card of the refusal"), "sync_rejected"
        if step.branch is Branch.KEY and step.verdict is Verdict.HERE and exists("rekey"):
            return N_("Replace the key"), "rekey"
        if step.branch is Branch.NOTICE:
            return N_("Data for 2-ПРРО"), "notice"
        return "", ""

    def check_action(self, action: str, parameters: tuple[object, ...]) -> bool | None:
        if action == "main":
            step = self.here if not self._steps else self.current or self.here
            return bool(step and self._main(step)[0])
        if action == "reserve":
            return self._reserve
        return super().check_action(action, parameters)

    # -- acting ---------------------------------------------------------------------------------------------------

    @acting
    async def action_check(self) -> None:
        if self._binding is not None:
            await self.work(self.till.offline.probe, self._binding)
        await self._fill()
        self.kiosk.look()

    @acting
    async def action_main(self) -> None:
        step = self.current or self.here
        if step is None:
            return
        _label, screen = self._main(step)
        if screen == "notice":
            await self._notice()
        elif screen:
            await self.ask(screen)
            await self._fill()

    @acting
    async def action_failure(self) -> None:
        """Write it down, or that it is repaired: both are asked first."""
        if self._binding is None:
            return
        if self._failed:
            text = _("Does the software registrar work again? Where 2-ПРРО was sent, «Відновлення роботи» must follow.")
            if await self.ask("confirm", title=_("Repaired"), text=text, lamp=Lamp.GREEN):
                await self.work(self.till.trouble.repaired, self._binding)
        else:
            text = _("Did a restart not help? The time of the failure is written down and the owner is told.")
            if await self.ask("confirm", title=_("Failure"), text=text, lamp=Lamp.RED):
                await self.work(self.till.trouble.write_down, self._binding)
        await self._fill()

    @acting
    async def action_notice(self) -> None:
        await self._notice()

    async def _notice(self) -> None:
        if self._binding is None:
            return
        rows = await self.work(self.till.trouble.notice, self._binding)
        await self.ask("message", title=rows[0], text="\n".join(rows[1:]), lamp=Lamp.AMBER)

    @acting
    async def action_print(self) -> None:
        if self._binding is None:
            return
        page = [self.name_on_screen, ""]
        for step in self._steps:
            page += [f"{_(step.question)} {_(WORDS[step.verdict])}", *self._text(step).split("\n"), ""]
        page += await self.work(self.till.trouble.notice, self._binding)
        await self.work(self.till.trouble.print, self._binding, page)

    @acting
    async def action_reserve(self) -> None:
        await go_reserve(self)

    def action_keys(self) -> None:
        if not self.in_action:
            self.dismiss("keys")

    def action_back(self) -> None:
        if not self.in_action:
            self.dismiss("")

    @on(Touch.Pressed)
    def _pressed(self, message: Touch.Pressed) -> None:
        message.stop()
        if message.touch.id == "check":
            self.action_check()
        elif message.touch.id == "reserve":
            self.action_reserve()
        else:
            self.action_main()
