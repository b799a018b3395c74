"""*Знайти реєстратор* (cashier-flow.md XI.2): every port, who answers there, and in hex what came back otherwise.

Ports are asked side by side and shown as they answer; identification only, no fiscal command.
"""

from __future__ import annotations

import asyncio
from collections.abc import Mapping, Sequence
from typing import ClassVar

from textual import on
from textual.app import ComposeResult
from textual.binding import Binding, BindingType
from textual.containers import Horizontal
from textual.widgets import Label, Static

from drivers.discovery import Finding
from kiosk.i18n import _
from kiosk.screens.asking import permit
from kiosk.screens.screen import KioskScreen, acting
from kiosk.technician.finding import Finder, Found, Offer, probe
from kiosk.till.errors import N_, Refusal
from kiosk.till.rights import Right
from kiosk.widgets.notice import Notice
from kiosk.widgets.palette import Lamp
from kiosk.widgets.rows import Cells, Column, PageKeys, Rows
from kiosk.widgets.touch import Touch

WORDS: Mapping[Offer, tuple[Lamp, str, str]] = {
    Offer.OURS: (Lamp.GREEN, N_("connected"), N_("This registrar works here already.")),
    Offer.IN_USE: (Lamp.GREEN, N_("at work"), N_("The till works with the registrar on this port and keeps it.")),
    Offer.MOVED: (Lamp.AMBER, N_("moved"), N_("It is this till's registrar on another port: connect it (F6).")),
    Offer.NEW: (Lamp.AMBER, N_("new"), N_("It can be connected (F6); the owner must approve.")),
    Offer.TAKEN: (Lamp.AMBER, N_("other"), N_("Another registrar works for this enterprise here.")),
    Offer.FOREIGN: (Lamp.RED, N_("foreign"), N_("It belongs to a taxpayer who is no enterprise of this shop.")),
    Offer.NOBODY: (Lamp.OFF, N_("nobody"), N_("No registrar answers. Check power, cable and the device's PC mode.")),
}
"""Lamp, word and sentence of each offer."""
USABLE = (Offer.MOVED, Offer.NEW)


def cells(row: Found | str) -> Cells:
    """A port that is being asked, or what was found on it."""
    if isinstance(row, str):
        return Cells((row, "…", _("asking …")))
    lamp, word, _sentence = WORDS[row.offer]
    info = row.finding.info if row.finding is not None else None
    if info is not None:
        who = f"{info.model} {info.serial}"
    elif row.binding is not None:
        who = f"{row.binding.model} {row.binding.serial}"
    else:
        who = ""
    return Cells((row.port, _(word), who.strip()), lamp, 1)


def details(row: Found | str | None) -> Sequence[str]:
    """What is known about a port, a line each."""
    if row is None or isinstance(row, str) or row.finding is None:
        return ()
    return _identity(row.finding) if row.finding.info is not None else _attempts(row.finding)


def _identity(finding: Finding) -> Sequence[str]:
    info = finding.info
    assert info is not None
    rates = "  ".join(f"{letter} {rate}" for letter, rate in info.tax_rates.items())
    return (
        f"{_('Family')}: {info.family} · {_('Firmware')}: {info.firmware or '-'}",
        f"{_('Factory No.')}: {info.serial or '-'} · {_('Fiscal No.')}: {info.fiscal_number or '-'}",
        f"{_('Tax number')}: {info.tax_number or '-'} · {_('fiscalised') if info.fiscalised else _('not fiscalised')}",
        f"{_('Taxes')}: {rates or '-'}",
        finding.url,
    )


def _attempts(finding: Finding) -> Sequence[str]:
    """Answers first: silence tells less."""
    rows = sorted(finding.attempts, key=lambda attempt: not attempt.answered)
    return [
        f"{attempt.url.partition('+')[0]} {attempt.url.partition('?')[2]} {attempt.ended}: "
        f"> {attempt.asked[:24]} < {attempt.answered or '-'}"
        for attempt in rows
    ]


class FinderScreen(KioskScreen[None]):
    """A list of ports with the details of the one under the cursor."""

    CSS_PATH = "finder.tcss"
    TITLE = N_("Find registrars")
    BINDINGS: ClassVar[list[BindingType]] = [
        Binding("f3", "address", N_("Address"), tooltip=N_("Ask a network address too: host:port")),
        Binding("f5", "look", N_("Search"), tooltip=N_("Ask every port again")),
        Binding("f6", "use", N_("Connect"), tooltip=N_("Connect the registrar under the cursor to this till")),
        Binding("escape", "back", N_("Back"), tooltip=N_("Back to the screen before")),
    ]

    def __init__(self) -> None:
        super().__init__()
        self._addresses: list[str] = []
        self._found: list[Found | str] = []

    def body(self) -> ComposeResult:
        yield Label(self.name_on_screen, id="title", classes="title", markup=False)
        with Horizontal(id="list"):
            yield Rows([Column(_("Port")), Column(_("State"), 12), Column(_("Registrar"))], cells,
                       empty=_("no port to ask"), id="rows")  # fmt: skip
            yield PageKeys("#rows")
        yield Notice(id="note")
        yield Static("", id="detail", markup=False)
        with Horizontal(id="keys", classes="row"):
            yield Touch(_("Address"), id="address")
            yield Touch(_("Search"), id="look")
            yield Touch(_("Connect"), id="use", classes="-main")

    def on_mount(self) -> None:
        super().on_mount()
        for touch in self.query(Touch):
            touch.can_focus = False
        self.query_one("#rows", Rows).focus()
        self.action_look()

    @property
    def _finder(self) -> Finder:
        return Finder(self.till.workplace)

    @acting
    async def action_look(self) -> None:
        """Ask all ports at once; each row fills as its port answers."""
        self._found = list(await self.work(self._finder.places, self._addresses))
        self._show()
        await asyncio.gather(
            *(self._ask(index, port) for index, port in enumerate(self._found) if isinstance(port, str))
        )

    async def _ask(self, index: int, port: str) -> None:
        finding = await asyncio.to_thread(probe, port)
        self._found[index] = await self.work(self._finder.judge, finding)
        self._show()

    def _show(self) -> None:
        if not self.is_running:
            return
        self.query_one("#rows", Rows).fill(self._found)
        asked = sum(1 for row in self._found if isinstance(row, str))
        state = _("asking {count} ports …").format(count=asked) if asked else _("done")
        self.query_one("#title", Label).update(f"{self.name_on_screen} · {state}")
        self._detail()

    def _detail(self) -> None:
        current = self.query_one("#rows", Rows).current
        self.query_one("#detail", Static).update("\n".join(details(current)))
        note = self.query_one("#note", Notice)
        if isinstance(current, Found):
            lamp, word, sentence = WORDS[current.offer]
            note.say(lamp, _(word), _(sentence))
        else:
            note.say(Lamp.OFF, "", "")

    @on(Rows.Highlighted, "#rows")
    def _moved(self, message: Rows.Highlighted) -> None:
        message.stop()
        self._detail()

    @on(Rows.Chosen, "#rows")
    def _chosen(self, message: Rows.Chosen) -> None:
        message.stop()
        self.action_use()

    @acting
    async def action_address(self) -> None:
        address = await self.ask("text", title=_("Network address"), text=_("host:port, e.g. 10.0.0.7:9100"),
                                 check=check_address)  # fmt: skip
        if address is not None:
            self._addresses.append(address)
            self._found.append(address)
            self._show()
            await self._ask(len(self._found) - 1, address)

    @acting
    async def action_use(self) -> None:
        current = self.query_one("#rows", Rows).current
        if not isinstance(current, Found) or current.offer not in USABLE or current.finding is None:
            self.app.bell()
            return
        given = await permit(self, Right.REGISTRAR, _("Connect a registrar"))
        if given is None:
            return
        info = current.finding.info
        who = f"{info.model} {info.serial}" if info is not None else ""
        whose = current.enterprise.name if current.enterprise is not None else _("this till")
        text = _("Connect {registrar} to {whose}?").format(registrar=who, whose=whose)
        if not await self.ask("confirm", title=self.name_on_screen, text=text):
            return
        binding = await self.work(self._finder.use, current, given.approval)
        await self.ask("message", title=_("Connected"), text=f"{who}\n{binding.url}", lamp=Lamp.GREEN,
                       advice=_("Run the check before the shift (F5): it reads the registrar."))  # fmt: skip
        self._found[self._found.index(current)] = await self.work(self._finder.judge, current.finding)
        self._show()

    @on(Touch.Pressed)
    def _pressed(self, message: Touch.Pressed) -> None:
        message.stop()
        {"address": self.action_address, "look": self.action_look, "use": self.action_use}[message.touch.id or ""]()

    def action_back(self) -> None:
        if not self.in_action:
            self.dismiss(None)


def check_address(text: str) -> None:
    """Raises `Refusal` for what is no host:port."""
    host, colon, port = text.strip().rpartition(":")
    if not (host and colon and port.isascii() and port.isdigit() and 0 < int(port) < 65536) or " " in host:
        raise Refusal("BAD_ADDRESS", N_("Write the address as host:port"), N_("For example 10.0.0.7:9100."))
