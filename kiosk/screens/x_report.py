"""*X-звіт* (cashier-flow.md VII.2): the registrar's day beside the program's, line by line. It changes nothing."""

from __future__ import annotations

from typing import ClassVar

from textual.app import ComposeResult
from textual.binding import Binding, BindingType
from textual.containers import Horizontal
from textual.widgets import Label

from kiosk.i18n import _, clock, money, sum_of
from kiosk.ledger.records import Binding as Registration
from kiosk.screens.asking import FORMS, registrar
from kiosk.screens.screen import KioskScreen, acting
from kiosk.till.errors import N_
from kiosk.till.reports import Row, XReport
from kiosk.widgets.notice import Notice
from kiosk.widgets.palette import Lamp
from kiosk.widgets.rows import Cells, Column, PageKeys, Rows


def row_cells(row: Row) -> Cells:
    """One figure: name, registrar, program, difference. A difference is amber and says its sign."""

    def shown(value: int | None) -> str:
        return "-" if value is None else str(value) if row.counts else money(value)

    difference = row.difference
    gap = "" if not difference else f"{'+' if difference > 0 else ''}{shown(difference)}"
    suffix = _(FORMS[row.key]) if row.key in FORMS else row.key if len(row.key) <= 4 else ""
    name = f"{_(row.name)} {suffix}".strip()
    lamp = Lamp.AMBER if difference else Lamp.OFF
    return Cells((name, shown(row.registrar), shown(row.till), gap), lamp)


def row_columns() -> list[Column]:
    """Columns of `row_cells`."""
    return [
        Column(_("Figure")),
        Column(_("Device"), 11, "right"),
        Column(_("Program"), 11, "right"),
        Column(_("Differs"), 10, "right"),
    ]


class XReportScreen(KioskScreen[None]):
    """Shows the figures at once; F6 prints them on the registrar as often as wanted."""

    CSS_PATH = "x_report.tcss"
    TITLE = N_("X report")
    BINDINGS: ClassVar[list[BindingType]] = [
        Binding("f5", "look", N_("Refresh"), tooltip=N_("Read the registrar again")),
        Binding("f6", "print", N_("Print X"), tooltip=N_("Print the X report; it closes nothing")),
        Binding("escape", "back", N_("Back"), tooltip=N_("Back to the screen before")),
    ]

    def __init__(self, *, binding: Registration | None = None) -> None:
        super().__init__()
        self._binding = binding
        self.report: XReport | None = None

    def body(self) -> ComposeResult:
        yield Label(self.name_on_screen, id="title", classes="title", markup=False)
        with Horizontal(id="list"):
            yield Rows(row_columns(), row_cells, empty=_("reading the registrar …"), id="rows")
            yield PageKeys("#rows")
        yield Notice(id="note")

    def on_mount(self) -> None:
        super().on_mount()
        self.query_one("#rows", Rows).focus()
        self.action_look()

    @acting
    async def action_look(self) -> None:
        await self._read(paper=False)

    @acting
    async def action_print(self) -> None:
        await self._read(paper=True)

    async def _read(self, *, paper: bool) -> None:
        self._binding = self._binding or await registrar(self)
        if self._binding is None:
            self.dismiss(None)
            return
        report = await self.work(self.till.reports.x, self._binding, paper=paper)
        self.report = report
        self.query_one("#rows", Rows).fill(report.rows)
        last = report.totals.z_number
        number = " · " + _("after Z No. {number}").format(number=last) if last else ""
        now = clock(self.till.workplace.clock.now())
        self.query_one("#title", Label).update(f"{self.name_on_screen} · {now}{number}")
        note = self.query_one("#note", Notice)
        nonfiscal = ""
        if report.sums.nonfiscal_cash:
            nonfiscal = _("Besides, {sum} of non-fiscal cash lie in the drawer.").format(
                sum=sum_of(report.sums.nonfiscal_cash)
            )
        if report.agrees:
            note.say(Lamp.GREEN, _("Registrar and program agree"), nonfiscal)
        else:
            advice = _("Nothing is lost: look at the unknown outcomes (F11), then call the manager.")
            note.say(Lamp.AMBER, _("Registrar and program differ"), nonfiscal or advice)

    def action_back(self) -> None:
        if not self.in_action:
            self.dismiss(None)
