"""The excise window (cashier-flow.md IV.1): how many stamps the receipt has, which, and a scan in a loop until all are.

Every scan is a stamp here; one that is refused is told in the red bar and loses nothing.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import ClassVar

from textual import on
from textual.app import ComposeResult
from textual.binding import Binding, BindingType
from textual.containers import Horizontal, Vertical
from textual.widgets import Label

from kiosk.i18n import _, explain
from kiosk.screens.asking import permit
from kiosk.screens.screen import Dialog, acting
from kiosk.till import stamps
from kiosk.till.basket import Basket
from kiosk.till.errors import N_, TillError
from kiosk.till.rights import Right
from kiosk.widgets.entry_line import EntryLine
from kiosk.widgets.notice import Notice
from kiosk.widgets.palette import Lamp
from kiosk.widgets.rows import Cells, Column, PageKeys, Rows
from kiosk.widgets.scan import Scanned
from kiosk.widgets.touch import Touch

LATIN = 2
"""Layer of the letter pad."""
WHY = (N_("An old stamp without a barcode"), N_("The barcode of the stamp is damaged"))


@dataclass(frozen=True)
class Row:
    """A line's head (`stamp` "") or one of its stamps."""

    line: int
    text: str
    count: str = ""
    stamp: str = ""


class StampsDialog(Dialog[bool]):
    """Answers True when no line lacks a stamp; by then the till has kept each one."""

    CSS_PATH = "stamps.tcss"
    TITLE = N_("Excise stamps")
    BINDINGS: ClassVar[list[BindingType]] = [
        Binding("up", "move(-1)", N_("Up"), show=False, tooltip=N_("The row above")),
        Binding("down", "move(1)", N_("Down"), show=False, tooltip=N_("The row below")),
        Binding(
            "f8", "without", N_("No barcode"), show=False, tooltip=N_("A stamp without a barcode: a senior answers")
        ),
        Binding("delete", "remove", N_("Remove"), show=False, tooltip=N_("Take the stamp under the cursor off")),
    ]

    def __init__(self, *, basket: Basket) -> None:
        super().__init__()
        self._basket = basket

    def body(self) -> ComposeResult:
        with Vertical(id="card"):
            yield Label(_(self.TITLE or ""), id="title", classes="title", markup=False)
            yield EntryLine(_("Stamp"), id="entry")
            with Horizontal(id="list"):
                yield Rows([Column(""), Column("", 6, "right")], _cells, id="rows")
                yield PageKeys("#rows")
            yield Notice(id="note")
            with Horizontal(classes="row answers"):
                yield Touch(_("Back"), id="no")
                yield Touch(_("Remove Del"), id="remove")
                yield Touch(_("F8 No barcode"), id="without")
                yield Touch(_("Keyboard"), id="letters")
                yield Touch(_("Done"), id="yes", classes="-main")

    def on_mount(self) -> None:
        super().on_mount()
        for touch in self.query(Touch):
            touch.can_focus = False
        self._rows.can_focus = False
        self.query_one("#entry", EntryLine).focus()
        # The list knows its height only after the first layout.
        self.call_after_refresh(self._show, self._basket)
        self._ask()

    @property
    def _rows(self) -> Rows[Row]:
        return self.query_one("#rows", Rows)

    def _show(self, basket: Basket) -> None:
        self._basket = basket
        rows = []
        have = sum(len(line.excise) for line in basket.lines)
        need = sum(stamps.needed(line) for line in basket.lines)
        self.query_one("#title", Label).update(f"{_(self.TITLE or '')} {have}/{need}")
        for index, line in enumerate(basket.lines):
            if stamps.needed(line) or line.excise or line.stampless:
                rows.append(Row(index, line.good.name, f"{len(line.excise)}/{stamps.needed(line)}"))
                rows += [Row(index, f"   {number}", stamp=number) for number in line.excise]
                if line.stampless:
                    rows.append(Row(index, "   " + _("without a number: {count}").format(count=line.stampless)))
        cursor = max((place for place, row in enumerate(rows) if row.line == basket.current), default=0)
        self._rows.fill(rows, cursor)

    def _ask(self) -> None:
        note = self.query_one("#note", Notice)
        index = stamps.wanting(self._basket)
        if index is not None:
            note.say(Lamp.AMBER, _("Scan the linear barcode of the stamp"), self._basket.lines[index].good.name)
        elif stamps.missing(self._basket):
            note.say(Lamp.RED, _("There are more stamps than goods"), _("Take a stamp off: Del"))
        else:
            note.say(Lamp.GREEN, _("Every bottle has its stamp"))

    # -- acting ---------------------------------------------------------------------------------------------------

    async def take_scan(self, text: str) -> None:
        """One stamp; the last one that was missing closes the window."""
        try:
            entered = await self.work(self.till.sale.stamp, text, quiet=True)
        except TillError as error:
            self.query_one("#note", Notice).say(Lamp.RED, *explain(error))
            self.app.bell()
            return
        self._show(entered.basket)
        if stamps.missing(entered.basket):
            self._ask()
        else:
            self.dismiss(True)

    @on(EntryLine.Submitted)
    def _submitted(self, message: EntryLine.Submitted) -> None:
        message.stop()
        self.query_one("#entry", EntryLine).put("")
        if message.text.strip():
            self.on_scanned(Scanned(message.text))
        else:
            self._finish()

    def _finish(self) -> None:
        if stamps.missing(self._basket):
            self._ask()
            self.app.bell()
        elif not self.in_action:
            self.dismiss(True)

    @acting
    async def action_remove(self) -> None:
        row = self._rows.current
        if row is None or not row.stamp:
            self.app.bell()
            return
        sale = self.till.sale
        await self.work(sale.choose, row.line, quiet=True)
        self._show(await self.work(sale.unstamp, row.stamp, quiet=True))
        self._ask()

    @acting
    async def action_without(self) -> None:
        """F8: one piece whose stamp cannot be scanned."""
        given = await permit(
            self, Right.STAMPLESS, _("Sale of a bottle without its stamp's number"), [_(one) for one in WHY]
        )
        if given is None:
            return
        sale = self.till.sale
        basket = await self.work(sale.without_stamp, reason=given.reason or WHY[0], approval=given.approval)
        self._show(basket)
        if stamps.missing(basket):
            self._ask()
        else:
            self.dismiss(True)

    def action_move(self, by: int) -> None:
        self._rows.action_move(by)

    @acting
    async def _type(self) -> None:
        typed = await self.ask("keyboard", title=_("Number of the excise stamp"), layer=LATIN)
        if typed:
            await self.take_scan(typed)

    def action_back(self) -> None:
        if not self.in_action:
            self.dismiss(False)

    @on(Rows.Chosen)
    def _chosen(self, message: Rows.Chosen) -> None:
        message.stop()

    @on(Touch.Pressed)
    def _pressed(self, message: Touch.Pressed) -> None:
        message.stop()
        key = message.touch.id
        if key == "no":
            self.action_back()
        elif key == "remove":
            self.action_remove()
        elif key == "without":
            self.action_without()
        elif key == "letters":
            self._type()
        else:
            self._finish()


def _cells(row: Row) -> Cells:
    whole = row.count.partition("/")[0] == row.count.partition("/")[2]
    lamp = Lamp.OFF if not row.count else Lamp.GREEN if whole else Lamp.AMBER
    return Cells((row.text, row.count), lamp, 1)
