"""*Що отримала податкова* (cashier-flow.md X.6): every exchange in order, a search over the raw bytes, the proof.

What a post may see is decided by `kiosk.evidence.page`. Long work runs beside the till's thread: selling on another
screen would not wait for it, Esc stops it, and nothing here needs a network.
"""

from __future__ import annotations

import asyncio
import threading
from collections.abc import Callable
from dataclasses import replace
from typing import ClassVar, TypeVar

from textual import on
from textual.app import ComposeResult
from textual.binding import Binding, BindingType
from textual.containers import Horizontal
from textual.widgets import Label

from drivers.clock import kyiv
from kiosk.evidence.absence import Absence
from kiosk.evidence.book import Channel, EvidenceError
from kiosk.evidence.page import Filter, Page, Row, Sight, open_page
from kiosk.evidence.reading import Outcome
from kiosk.i18n import _
from kiosk.screens.screen import KioskScreen, acting
from kiosk.till.errors import N_, Refusal
from kiosk.widgets.entry_line import EntryLine
from kiosk.widgets.notice import Notice
from kiosk.widgets.palette import Lamp
from kiosk.widgets.rows import Cells, Column, PageKeys, Rows

T = TypeVar("T")
CHANNELS = (
    (Channel.REGISTRAR, N_("Registrars and the fiscal server")),
    (Channel.AUTHORITY, N_("The key's authority: time stamps")),
    (Channel.BANK, N_("Bank terminals")),
    (Channel.PRINTER, N_("Printers: non-fiscal slips")),
    (Channel.BACKUP, N_("Backups")),
    (Channel.RECEIPT, N_("Electronic receipts to buyers")),
)
OUTCOMES = {
    Outcome.ANSWERED: (N_("answered"), Lamp.OFF),
    Outcome.REFUSED: (N_("refused"), Lamp.RED),
    Outcome.SILENT: (N_("no answer"), Lamp.AMBER),
}
TICK = 0.25
"""Seconds between two looks at how far the work is."""


class EvidenceScreen(KioskScreen[None]):
    """The list with its search line; Enter on a row opens it."""

    CSS_PATH = "evidence.tcss"
    TITLE = N_("What the tax service received")
    BINDINGS: ClassVar[list[BindingType]] = [
        Binding("f2", "channel", N_("Where to"), tooltip=N_("Choose who the bytes went to")),
        Binding("f3", "narrow", N_("Filter"), tooltip=N_("By day, by document, refused or unanswered only")),
        Binding("f5", "look", N_("Refresh"), tooltip=N_("Read what has come since")),
        Binding("f6", "proof", N_("Proof"), tooltip=N_("Write the signed proof with the absence report")),
        Binding(
            "f7", "absence", N_("Absence"), tooltip=N_("Seek every private value of the base in all that was sent")
        ),
        Binding("f8", "chain", N_("Check"), tooltip=N_("Check the hash chain of every record")),
        Binding("escape", "back", N_("Back"), tooltip=N_("Stop what runs, or back to the screen before")),
    ]

    def __init__(self) -> None:
        super().__init__()
        self._page: Page | None = None
        self._filter = Filter()
        self._whole = True
        self._stop = threading.Event()
        self._far = (0, 0)
        self.report: Absence | None = None

    def body(self) -> ComposeResult:
        yield Label(self.name_on_screen, id="title", classes="title", markup=False)
        yield EntryLine(_("Search"), id="query")
        with Horizontal(id="list"):
            columns = [
                Column(_("Time"), 14), Column(_("What")), Column(_("Document"), 11), Column(_("Sent"), 6, "right"),
                Column(_("Got"), 6, "right"), Column(_("Outcome"), 14),
            ]  # fmt: skip
            yield Rows(columns, self._cells, empty=_("Nothing to show"), id="rows")
            yield PageKeys("#rows")
        yield Notice(id="note")

    def on_mount(self) -> None:
        super().on_mount()
        self.query_one("#query", EntryLine).focus()
        self.set_interval(TICK, self._tell_progress)
        self.action_look()

    def on_unmount(self) -> None:
        self._stop.set()
        if self._page is not None and not self.in_action:
            self._page.close()

    # -- what runs beside ------------------------------------------------------------------------------------------

    async def _beside(self, work: Callable[[], T]) -> T:
        """Run on a thread of its own; what the evidence refuses is told as the till's refusals are."""
        self._stop.clear()
        self._far = (0, 0)
        try:
            return await asyncio.to_thread(work)
        except EvidenceError as error:
            raise Refusal(
                "EVIDENCE", N_("The evidence says no: {what}"), N_("Nothing was changed and nothing was sent."),
                what=str(error),
            ) from error  # fmt: skip
        finally:
            self._far = (0, 0)
            if not self.is_running and self._page is not None:
                self._page.close()

    def _on(self, done: int, of: int) -> bool:
        """Called by the work on its thread: how far it is, and whether to go on."""
        self._far = (done, of)
        return not self._stop.is_set()

    def _tell_progress(self) -> None:
        done, of = self._far
        if done:
            text = _("{done} of {of}") if of else "{done}"
            self.query_one("#note", Notice).say(Lamp.OFF, text.format(done=done, of=of), _("Esc stops it."))

    # -- the list --------------------------------------------------------------------------------------------------

    @acting
    async def action_look(self) -> None:
        await self._fill()

    async def _fill(self) -> None:
        if self._page is None:
            self._page = await self._beside(lambda: open_page(self.till.workplace))
            self.query_one("#query", EntryLine).display = self._page.sight is not Sight.TECHNICAL
        page, wanted = self._page, self._filter
        whole = await self._beside(lambda: page.catch_up(self._on))
        listing = await self._beside(lambda: page.listing(wanted, self._on))
        rows = self.query_one("#rows", Rows)
        rows.fill(listing.numbers, 0)
        channel = next(name for kind, name in CHANNELS if kind == wanted.channel)
        self.query_one("#title", Label).update(f"{self.name_on_screen} · {_(channel)} · {len(listing.numbers)}")
        self._say_filter(whole and listing.whole)

    def _say_filter(self, whole: bool) -> None:
        wanted, said = self._filter, []
        if wanted.day is not None:
            said.append(_("today"))
        if wanted.documents:
            said.append(_("fiscal documents only"))
        if wanted.outcome is not None:
            said.append(_(OUTCOMES[wanted.outcome][0]))
        if wanted.text:
            said.append(f"“{wanted.text}”")
        note = self.query_one("#note", Notice)
        if not whole:
            note.say(Lamp.AMBER, _("There is more than is shown here"), _("Search for something longer, or refresh."))
        elif said:
            note.say(Lamp.OFF, _("Shown: {what}").format(what=", ".join(said)), "")
        elif self._page is not None and self._page.sight is Sight.OWN:
            note.say(Lamp.OFF, _("Your own receipts"), "")
        elif self._page is not None and self._page.sight is Sight.TECHNICAL:
            note.say(Lamp.OFF, _("Technical view: no sums, no contents"), "")
        else:
            note.say(Lamp.OFF, _("Search: any text, or bytes as hex: 50 4B"), "")

    def _cells(self, number: int) -> Cells:
        try:
            assert self._page is not None
            row: Row = self._page.row(number)
        except EvidenceError as error:
            return Cells((str(number), str(error), "", "", "", _("damaged")), Lamp.RED)
        text, lamp = OUTCOMES[row.outcome]
        what = row.name or row.source
        return Cells(
            (f"{kyiv(row.at):%d.%m %H:%M:%S}", what, row.document, str(row.sent), str(row.received), _(text)), lamp, 5
        )

    @on(Rows.Chosen)
    def _chosen(self, message: Rows.Chosen) -> None:
        message.stop()
        self._open(int(message.rows.rows[message.index]))

    @acting
    async def _open(self, number: int) -> None:
        page = self._page
        assert page is not None
        lines = await self._beside(lambda: page.detail(number))
        await self.ask("evidence_item", lines=lines, number=number)

    @on(EntryLine.Submitted)
    def _submitted(self, message: EntryLine.Submitted) -> None:
        """Enter: search for what was typed; the same again opens the row."""
        message.stop()
        rows = self.query_one("#rows", Rows)
        if message.text.strip() == self._filter.text and rows.current is not None:
            self._open(int(rows.current))
        else:
            self._search(message.text.strip())

    def on_key(self, event: object) -> None:
        """The arrows walk through the list while the search line has the focus."""
        key = getattr(event, "key", "")
        moves = {"up": ("move", -1), "down": ("move", 1), "pageup": ("page", -1), "pagedown": ("page", 1)}
        if key in moves and self.focused is self.query_one("#query"):
            action, by = moves[key]
            rows = self.query_one("#rows", Rows)
            (rows.action_move if action == "move" else rows.action_page)(by)

    @acting
    async def _search(self, text: str) -> None:
        self._filter = replace(self._filter, text=text)
        try:
            await self._fill()
        except Refusal:
            self._filter = replace(self._filter, text="")
            self.query_one("#query", EntryLine).put("")
            raise

    async def take_scan(self, text: str) -> None:
        """A scanned receipt or good is what is sought."""
        self.query_one("#query", EntryLine).put(text)
        self._filter = replace(self._filter, text=text)
        await self._fill()

    @acting
    async def action_channel(self) -> None:
        kinds = [kind for kind, _name in CHANNELS]
        index = await self.ask(
            "choose",
            title=_("Who the bytes went to"),
            rows=[(_(name), "") for _kind, name in CHANNELS],
            current=kinds.index(Channel(self._filter.channel)),
        )
        if index is not None:
            self._filter = replace(self._filter, channel=kinds[index])
            await self._fill()

    @acting
    async def action_narrow(self) -> None:
        now = self.till.workplace.clock.now()
        plain = replace(self._filter, day=None, outcome=None, documents=False)
        offers = (
            (N_("Everything"), plain),
            (N_("Today"), replace(plain, day=now)),
            (N_("Fiscal documents only"), replace(plain, documents=True)),
            (N_("Refused"), replace(plain, outcome=Outcome.REFUSED)),
            (N_("Without an answer"), replace(plain, outcome=Outcome.SILENT)),
        )
        index = await self.ask("choose", title=_("What to show"), rows=[(_(name), "") for name, _filter in offers])
        if index is not None:
            self._filter = offers[index][1]
            await self._fill()

    # -- the proof -------------------------------------------------------------------------------------------------

    @acting
    async def action_chain(self) -> None:
        page = self._page
        assert page is not None
        count, found = await self._beside(lambda: page.check(lambda done: self._on(done, 0)))
        note = self.query_one("#note", Notice)
        if found:
            places = ", ".join(str(flaw.seq) for flaw in found[:5])
            self.till.workplace.audit("evidence_flaw", {"records": places, "count": len(found)}, allowed=False)
            note.say(Lamp.RED, _("{count} records do not fit the chain").format(count=len(found)),
                     _("Records: {places}. Somebody or the disk changed the file.").format(places=places))  # fmt: skip
        elif self._stop.is_set():
            note.say(Lamp.AMBER, _("The check was stopped"), "")
        else:
            note.say(Lamp.GREEN, _("{count} records, the chain holds").format(count=count), "")

    @acting
    async def action_absence(self) -> None:
        await self._seek()
        if self.report is not None:
            await self.ask("evidence_item", lines=report_lines(self.report), number=0)

    async def _seek(self) -> None:
        page = self._page
        assert page is not None
        self.report = await self._beside(lambda: page.absence(self._on))
        note = self.query_one("#note", Notice)
        if not self.report.complete:
            note.say(Lamp.AMBER, _("The search was stopped: this is not the whole"), "")
        elif self.report.clean:
            sought = sum(self.report.sought.values())
            note.say(
                Lamp.GREEN, _("{count} private values were sought: the tax service has none").format(count=sought), ""
            )
        else:
            note.say(Lamp.RED, _("Private values were sent: look at the report (F7)"), "")

    @acting
    async def action_proof(self) -> None:
        page = self._page
        assert page is not None
        await self._seek()
        report = self.report
        if report is None or not report.complete:
            return
        now = self.till.workplace.clock.now()
        folder = self.till.workplace.settings.folder / "proofs"
        target = folder / f"kasa-proof-{now:%Y%m%d-%H%M%S}.zip"

        def write() -> str | None:
            folder.mkdir(parents=True, exist_ok=True)
            return page.export(report, target, self._on)

        mark = await self._beside(write)
        if mark is None:
            self.query_one("#note", Notice).say(Lamp.AMBER, _("The proof was not written"), "")
            return
        await self.work(self.till.workplace.audit, "evidence_export", {"file": target.name, "key": mark})
        await self.ask(
            "message",
            title=_("The proof is written"),
            text=_("{file}\nKey: {key}").format(file=target, key=mark),
            advice=_("Whoever doubts it checks it with: kiosk evidence verify FILE"),
        )

    def action_back(self) -> None:
        if self.in_action:
            self._stop.set()
        else:
            self.dismiss(None)


def report_lines(report: Absence) -> list[str]:
    """The absence report as people read it."""
    lines = [_("{count} exchanges were searched in every form of their bytes").format(count=report.exchanges), ""]
    for kind, count in sorted(report.sought.items()):
        found = sum(1 for hit in report.hits if hit.kind == kind)
        lines.append(
            _("{kind}: {count} values sought, {found} found").format(kind=_kind(kind), count=count, found=found)
        )
    for kind, count in sorted(report.short.items()):
        lines.append(_("{kind}: {count} values are too short to tell").format(kind=_kind(kind), count=count))
    for hit in report.hits:
        lines += [
            "",
            _("FOUND: {text} ({kind}), {count} times").format(text=hit.text, kind=_kind(hit.kind), count=hit.count),
            "  " + _("exchanges {numbers}").format(numbers=", ".join(map(str, hit.exchanges))),
            "  " + _("sent to: {channels}").format(
                channels=", ".join(_(name) for kind, name in CHANNELS if kind in hit.channels)
            ),
        ]  # fmt: skip
        if hit.known:
            lines.append("  " + _("the same words are the name of goods or staff, which receipts carry by law"))
    return lines


_KINDS = {
    "customer": N_("customers"),
    "customer card": N_("customers' cards"),
    "staff": N_("badges and PINs of the staff"),
    "note": N_("notes and reasons"),
    "non-fiscal line": N_("goods sold without a receipt"),
    "phone": N_("phones"),
    "e-mail": N_("e-mails"),
    "purchase price": N_("purchase prices"),
    "debt": N_("debts"),
}


def _kind(kind: str) -> str:
    return _(_KINDS[kind]) if kind in _KINDS else kind
