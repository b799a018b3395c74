"""*Відновлення з копії* at the first start, or when the ledger cannot be opened: place → code → copy → books.

Nothing is replaced before the copy was unpacked and checked whole. Afterwards the till opens with the books of the copy
and sells only when its registrars were compared with them (`kiosk.screens.backup`, F7).
"""

from __future__ import annotations

import asyncio
from pathlib import Path
from typing import ClassVar

from textual.app import ComposeResult
from textual.binding import Binding, BindingType
from textual.widgets import Label

from drivers.clock import SystemClock
from kiosk.backup import command, identity, targets
from kiosk.backup.errors import BackupError
from kiosk.backup.gather import Source
from kiosk.i18n import _, moment
from kiosk.screens.backup import media, words
from kiosk.screens.screen import KioskScreen, acting
from kiosk.till.errors import N_
from kiosk.widgets.notice import Notice
from kiosk.widgets.palette import Lamp

STEPS = {"fetch": N_("fetching the copy"), "unpack": N_("unpacking and checking")}


class RestoreScreen(KioskScreen[None]):
    """Asks one thing after another; Esc leaves with nothing changed."""

    CSS_PATH = "backup.tcss"
    STATUS = False
    TITLE = N_("Restore from a copy")
    BINDINGS: ClassVar[list[BindingType]] = [
        Binding("f5", "begin", N_("Begin"), tooltip=N_("Choose where the copies are")),
        Binding("escape", "back", N_("Back"), tooltip=N_("Back to the login; changes nothing")),
    ]

    def body(self) -> ComposeResult:
        yield Label(self.name_on_screen, id="title", classes="title", markup=False)
        yield Notice(id="note")

    def on_mount(self) -> None:
        super().on_mount()
        self.query_one("#note", Notice).styles.height = 6
        self._say(
            Lamp.OFF, _("Have the recovery code and the disk with the copies at hand"),
            _("F5 begins. For a cloud: «kiosk backup target add», then come back."),
        )  # fmt: skip
        self.action_begin()

    def _say(self, lamp: Lamp, text: str, advice: str = "") -> None:
        self.query_one("#note", Notice).say(lamp, text, advice)

    @acting
    async def action_begin(self) -> None:
        """From the place to the restored books."""
        source = command.source_with(self.kiosk.settings, self.kiosk.settings_file)
        clock = SystemClock()
        known = [chosen.name for chosen in targets.choices(source.place.folder)]
        where = await self.ask(
            "text", title=self.name_on_screen, text=_("Where the copies are: a disk's path, or a chosen target"),
            offers=[*known, *media()],
        )  # fmt: skip
        if not where:
            return
        folder = None if where in known else Path(where)
        code = await self.ask("text", title=self.name_on_screen, text=_("Recovery code"))
        if not code:
            return
        try:
            self._say(Lamp.OFF, _("Reading the list of copies …"))
            target = command.restore_target(source.place, folder, where)
            secret, beside = await asyncio.to_thread(command.ask_code, target, source.place, clock, code)
            found = await asyncio.to_thread(targets.stored, target, secret.shop)
            rows = [(moment(copy.at), copy.name) for copy in found]
            index = await self.ask("choose", title=_("Which copy?"), rows=rows) if rows else None
            if index is None:
                self._say(Lamp.AMBER, words("NO_COPY") if not rows else _("Nothing was changed"))
                return
            await self._replace(source, clock, target, secret, beside, found[index])
        except BackupError as error:
            self._say(Lamp.RED, say(error), _("Nothing was changed. F5 begins again."))

    async def _replace(
        self, source: Source, clock: SystemClock, target: targets.Target, secret: identity.Secret,
        beside: dict[str, bytes], chosen: targets.Stored,
    ) -> None:  # fmt: skip
        """The till lets go of its ledger; the copy takes its place; the till opens again, with whatever is there."""
        kiosk = self.kiosk
        till, kiosk.till, kiosk.keeper = kiosk.till, None, None
        if till is not None:
            await kiosk.work(till.close)

        def progress(step: str, done: int, total: int) -> None:
            percent = f", {100 * done // total} %" if total else ""
            self.app.call_from_thread(self._say, Lamp.OFF, f"{_(STEPS.get(step, step))}{percent}")

        def work() -> None:
            command.begin(source, clock, target, secret, beside, chosen, progress=progress)

        try:
            await asyncio.to_thread(work)
        finally:
            kiosk.open_again()
            await kiosk.ready.wait()
        await self.ask(
            "message", title=self.name_on_screen, text=_("The books of {at} are restored").format(at=moment(chosen.at)),
            advice=_("Log in, then F11, «Copies of the data», F7: the registrar is compared, and the till may sell."),
        )  # fmt: skip
        kiosk.go("login")

    def action_back(self) -> None:
        if not self.in_action:
            self.kiosk.go("login")


def say(error: BackupError) -> str:
    """A failure of a restore for a person."""
    sentences = {
        "BAD_CODE": N_("The recovery code is wrong"),
        "LOCKED": N_("Too many wrong codes: wait and try again"),
        "FOREIGN": N_("The copies there belong to another shop"),
        "NEWER": N_("The copy was made by a newer program: update this one"),
        "FUTURE": N_("The copy is of the future: set this machine's clock"),
        "FORGED": N_("This copy was not made by this shop"),
    }
    return _(sentences[error.code]) if error.code in sentences else words(error.code, error.what)
