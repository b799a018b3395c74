"""*Копії даних* (cashier-flow.md X.7): where copies go, how they stand, and the way back after a restore.

The owner's wizard for a target asks in plain words, tries the target and says what it cannot give. Copies
themselves are made by a process of their own (`kiosk.backup.keeper`); this screen starts them and shows how far they
are.
"""

from __future__ import annotations

import asyncio
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import ClassVar

from textual import on
from textual.app import ComposeResult
from textual.binding import Binding, BindingType
from textual.containers import Horizontal
from textual.widgets import Label, Static

from kiosk.backup import command, gap, identity, permit
from kiosk.backup.errors import BackupError
from kiosk.backup.keeper import Keeper, View
from kiosk.backup.schedule import TargetState
from kiosk.backup.targets import Chosen, Posture
from kiosk.i18n import _, moment, sum_of
from kiosk.screens.screen import KioskScreen, acting
from kiosk.till.errors import N_, Refusal
from kiosk.till.rights import Right
from kiosk.widgets.notice import Notice
from kiosk.widgets.palette import Lamp
from kiosk.widgets.rows import Cells, Column, PageKeys, Rows
from kiosk.widgets.touch import Touch

REFRESH = 2.0
"""Seconds between two looks at a run under way."""
WORDS: Mapping[str, str] = {
    "TARGET_GONE": N_("The target does not answer: is the stick plugged in, is there internet?"),
    "TARGET_FULL": N_("The target is full: free it or choose another"),
    "NO_ROOM": N_("There is too little room on this machine's disk"),
    "NO_TARGET": N_("No target is chosen: a copy on the same disk is no copy"),
    "NOT_SET_UP": N_("Copies are not set up yet"),
    "TORN": N_("A database is damaged and cannot be copied: call the technician"),
    "DAMAGED": N_("The copy on the target is damaged"),
    "ABSENT": N_("The copy is not on the target"),
    "NO_COPY": N_("There is no complete copy on the target"),
    "REPLACED": N_("Another machine works with these books: no copies are made here"),
    "POSTPONED": N_("A document is on its way to the registrar: the copy waits for it"),
    "BAD_REMOTE": N_("rclone refuses this target: check the address, the name and the password"),
    "STOPPED": N_("The copy was stopped before its end: it is made again"),
    "FORBIDDEN": N_("The target lets nothing be deleted"),
}
"""What each code means to the owner."""
STEPS: Mapping[str, str] = {
    "snapshot": N_("taking a snapshot"),
    "archive": N_("packing and encrypting"),
    "verify": N_("reopening the copy"),
    "send": N_("sending"),
}
CLOUDS: Sequence[tuple[str, str, Sequence[tuple[str, str]]]] = (
    ("webdav", N_("WebDAV (Nextcloud and others)"), (
        ("url", N_("Address: https://…")), ("user", N_("User name")), ("pass", N_("Password of the application")),
    )),
    ("s3", N_("S3 storage"), (
        ("endpoint", N_("Address: https://…")), ("access_key_id", N_("Key ID")),
        ("secret_access_key", N_("Secret key")),
    )),
    ("sftp", N_("SFTP server"), (("host", N_("Address")), ("user", N_("User name")), ("pass", N_("Password")))),
    ("drive", N_("Google Drive"), (
        ("token", N_("Run «rclone authorize drive» on a computer with a browser and enter what it prints")),
    )),
)  # fmt: skip


def words(code: str, text: str = "") -> str:
    """A code as a sentence; the English text of a code that has none."""
    return _(WORDS[code]) if code in WORDS else text or code


def cells(row: tuple[Chosen, TargetState]) -> Cells:
    """A target: name, newest copy, whether copies there are safe from a program that takes over the till."""
    chosen, state = row
    guarded = _("append-only") if chosen.posture is Posture.APPEND_ONLY else _("can be deleted")
    newest = moment(state.newest) if state.newest is not None else _("no copy yet")
    lamp = Lamp.RED if state.error else Lamp.GREEN if state.newest is not None else Lamp.AMBER
    return Cells((chosen.name, newest, words(state.code, state.error) if state.error else guarded), lamp, 1)


class BackupScreen(KioskScreen[None]):
    """Targets with their state, the run under way, and the owner's wizards."""

    CSS_PATH = "backup.tcss"
    TITLE = N_("Copies of the data")
    BINDINGS: ClassVar[list[BindingType]] = [
        Binding("f3", "folder", N_("Disk"), tooltip=N_("Choose a second disk, a USB stick or a network folder")),
        Binding("f4", "cloud", N_("Cloud"), tooltip=N_("Choose a cloud storage")),
        Binding("f5", "copy", N_("Copy now"), tooltip=N_("Make a copy and send it to every target")),
        Binding("f6", "rehearse", N_("Trial"), tooltip=N_("Restore the newest copy into a temporary place")),
        Binding("f7", "finish", N_("Finish restore"), tooltip=N_("Compare the registrar with restored books")),
        Binding("f8", "remove", N_("Drop target"), tooltip=N_("Use the target under the cursor no more")),
        Binding("escape", "back", N_("Back"), tooltip=N_("Back to the screen before")),
    ]

    def __init__(self) -> None:
        super().__init__()
        self._view = View(ready=False)

    def body(self) -> ComposeResult:
        yield Label(self.name_on_screen, id="title", classes="title", markup=False)
        with Horizontal(id="list"):
            yield Rows([Column(_("Target"), 16), Column(_("Newest copy"), 18), Column(_("State"))], cells,
                       empty=_("no target: choose a disk (F3) or a cloud (F4)"), id="rows")  # fmt: skip
            yield PageKeys("#rows")
        yield Notice(id="note")
        yield Static("", id="facts", markup=False)
        with Horizontal(id="keys", classes="row"):
            yield Touch(_("Disk"), id="folder")
            yield Touch(_("Cloud"), id="cloud")
            yield Touch(_("Trial"), id="rehearse")
            yield Touch(_("Copy now"), id="copy", classes="-main")

    def on_mount(self) -> None:
        super().on_mount()
        for touch in self.query(Touch):
            touch.can_focus = False
        self.query_one("#rows", Rows).focus()
        self.set_interval(REFRESH, self._look)
        self.run_worker(self._look, group="look-copies", exclusive=True)  # type: ignore[arg-type]

    def check_action(self, action: str, parameters: tuple[object, ...]) -> bool | None:
        if action == "finish":
            return self.till.workplace.gate.closed
        return super().check_action(action, parameters)

    # -- showing --------------------------------------------------------------------------------------------------

    async def _look(self) -> None:
        self._view = await self.work(self._keeper().view)
        view = self._view
        rows = self.query_one("#rows", Rows)
        rows.fill(view.targets)
        self.query_one("#facts", Static).update("\n".join(facts(view)))
        self._note(view)
        self.show_keys()

    def _note(self, view: View) -> None:
        note = self.query_one("#note", Notice)
        if self.till.workplace.gate.closed:
            note.say(Lamp.RED, _("These books came from a copy and wait for the registrar"), _("Finish it with F7."))
        elif view.running:
            step = _(STEPS.get(view.step.partition(" ")[0], N_("trial restore")))
            note.say(Lamp.OFF, _("Under way: {step}, {percent} %").format(step=step, percent=view.percent))
        elif view.rehearsal_error:
            note.say(Lamp.RED, _("The trial restore failed: these copies may not restore"), view.rehearsal_error)
        elif view.error:
            note.say(Lamp.RED, words(view.code, view.error), _("It is tried again by itself."))
        elif not view.ready:
            note.say(Lamp.AMBER, _("Copies are not set up yet"), _("Choose a disk (F3) or a cloud (F4)."))
        elif any(chosen.posture is Posture.DELETABLE for chosen, _state in view.targets):
            note.say(Lamp.AMBER, _("A target lets the till delete its copies: a malicious program could too"),
                     _("Have one append-only target, or unplug the stick between copies."))  # fmt: skip
        else:
            note.clear()

    def _keeper(self) -> Keeper:
        return self.kiosk.copies()

    @property
    def _place(self) -> identity.Place:
        return self._keeper().place

    # -- acts -----------------------------------------------------------------------------------------------------

    @acting
    async def action_copy(self) -> None:
        await self._allowed()
        if await self._set_up():
            await self.work(self._keeper().start, "copy")
            await self._look()

    @acting
    async def action_rehearse(self) -> None:
        await self._allowed()
        await self.work(self._keeper().start, "rehearse")
        await self._look()

    @acting
    async def action_folder(self) -> None:
        await self._allowed()
        if not await self._set_up():
            return
        where = await self.ask(
            "text", title=_("Disk, stick or network folder"), text=_("Plug it in; choose it or type its path"),
            offers=media(),
        )  # fmt: skip
        if where:
            name = Path(where).name or "disk"
            await self._chosen(asyncio.to_thread(command.add_folder, self._place, name, Path(where)))

    @acting
    async def action_cloud(self) -> None:
        await self._allowed()
        if not await self._set_up():
            return
        rows = [(_(name), kind) for kind, name, _fields in CLOUDS]
        index = await self.ask("choose", title=_("Cloud"), rows=rows)
        if index is None:
            return
        kind, name, fields = CLOUDS[index]
        options: dict[str, str] = {"vendor": "other"} if kind == "webdav" else {}
        for key, label in fields:
            answer = await self.ask("text", title=_(name), text=_(label))
            if answer is None:
                return
            options[key] = answer
        where = await self.ask("text", title=_(name), text=_("Folder (for S3: bucket/folder)"), value="kasa")
        if where:
            work = asyncio.to_thread(command.add_cloud, self._place, kind, kind, where, options)
            await self._chosen(work)

    async def _chosen(self, work: asyncio.Future[Chosen] | object) -> None:
        """Wait for the trial of a target and say what it gives."""
        note = self.query_one("#note", Notice)
        note.say(Lamp.OFF, _("Trying the target …"))
        try:
            chosen = await work  # type: ignore[misc]
        except BackupError as error:
            raise Refusal(
                error.code, N_("The target cannot be used: {why}"), why=words(error.code, error.what)
            ) from error
        if chosen.posture is Posture.APPEND_ONLY:
            text, advice = _("Nobody can delete or overwrite copies here, not even this till."), ""
        else:
            text = _("This target cannot guard copies: a program that takes over the till can delete them.")
            advice = _("Use object lock or an append-only account, or unplug the stick between copies.")
        await self.ask("message", title=chosen.name, text=text, advice=advice)
        await self._look()

    async def _set_up(self) -> bool:
        """The owner's identity, once: the recovery code is shown and its last group asked back."""
        if self._place.machine.exists():
            return True
        agreed = await self.ask(
            "confirm", title=_("Recovery code"),
            text=_("A recovery code will be shown ONCE. Without it no copy can be restored. Take paper and a pen."),
        )  # fmt: skip
        if not agreed:
            return False
        try:
            code = await asyncio.to_thread(identity.found, self._place)
        except BackupError as error:
            raise Refusal(error.code, N_("Copies cannot be set up: {why}"), why=error.what) from error
        await self.work(self.till.workplace.audit, "backup_set_up")

        def written(text: str) -> None:
            if text.strip().upper() != code[-4:]:
                raise Refusal("CODE_DIFFERS", N_("This is not the last group of the code"))

        while True:
            await self.ask("message", title=_("Recovery code"), text=code, advice=_("Write it down and keep it safe."))
            proved = await self.ask(
                "text", title=_("Recovery code"), text=_("Type the last four characters from your paper"), check=written
            )
            if proved:
                return True

    @acting
    async def action_finish(self) -> None:
        """Compare the registrars with books from a copy, show the gap, and give permission to sell."""
        await self._allowed()
        gate = self.till.workplace.gate
        if not isinstance(gate, permit.Permit):
            return
        for binding in await self.work(self.till.workplace.bindings):
            if await self.work(self.till.keys.locked, binding) and not await self.ask("unlock", binding=binding):
                return
        found = await self.work(gap.compare, self.till)
        lost = any(each.lost for each in found)
        text = "\n".join(line for each in found for line in told(each))
        if lost and not await self.ask(
            "confirm", title=_("Lost documents"), text=text + "\n" + _("Sell on in spite of the lost documents?")
        ):
            return
        if await self.work(gap.finish, self.till, gate, found, accept_lost=lost):
            await self.ask("message", title=_("The till may sell"), text=text, advice=_("Note the numbers down."))
        else:
            await self.ask("message", title=_("Selling is not permitted yet"), text=text)
        await self._look()

    @acting
    async def action_remove(self) -> None:
        await self._allowed()
        row = self.query_one("#rows", Rows).current
        if row is None:
            return
        from kiosk.backup import targets

        text = _("Use {name} no more? The copies there stay.").format(name=row[0].name)
        if await self.ask("confirm", title=self.name_on_screen, text=text):
            targets.forget(self._place.folder, row[0].name)
            await self._look()

    async def _allowed(self) -> None:
        await self.work(self.till.workplace.require, Right.BACKUP)

    @on(Touch.Pressed)
    def _pressed(self, message: Touch.Pressed) -> None:
        message.stop()
        {
            "folder": self.action_folder, "cloud": self.action_cloud,
            "rehearse": self.action_rehearse, "copy": self.action_copy,
        }[message.touch.id or ""]()  # fmt: skip

    def action_back(self) -> None:
        if not self.in_action:
            self.dismiss(None)


def facts(view: View) -> Sequence[str]:
    """How the copies stand, a line each."""
    newest = moment(view.newest) if view.newest is not None else _("never")
    rehearsed = moment(view.rehearsed) if view.rehearsed is not None else _("never")
    return (
        f"{_('Newest copy that is safe')}: {newest}",
        f"{_('Last trial restore that went well')}: {rehearsed}",
        f"{_('Copies that wait for a target')}: {view.waiting}",
    )


def told(found: gap.Found) -> Sequence[str]:
    """One registrar's finding for a person, document by document."""
    name = found.binding.fiscal_number or found.binding.serial
    if found.fault:
        return (f"{name}: {_('does not answer')}: {found.fault}",)
    lines = [
        f"{each.local or ''} № {each.number}  {moment(each.at) if each.at else ''}  {sum_of(each.sum)}"
        for each in found.missing
    ]
    if lines:
        lines.insert(
            0, _("{name}: the server has {count} documents made after the copy").format(name=name, count=len(lines))
        )
    if found.documents or found.z_reports:
        text = _("{name}: {receipts} receipts and {z} Z reports were made after the copy: enter them from the tape")
        lines.append(text.format(name=name, receipts=found.documents, z=found.z_reports))
    for numbers, text in (
        (found.delivered, N_("had arrived before")), (found.sent, N_("sent now")), (found.lost, N_("LOST")),
    ):  # fmt: skip
        if numbers:
            lines.append(f"{name}: {_('offline documents')} {_(text)}: {', '.join(numbers)}")
    return lines or (_("{name}: agrees with the books").format(name=name),)


def media() -> list[str]:
    """Places where sticks and shares are usually mounted."""
    found = [path for root in ("/media", "/run/media", "/mnt") for path in sorted(Path(root).glob("*"))]
    deeper = [path for root in found if root.is_dir() for path in sorted(root.glob("*")) if path.is_mount()]
    return [str(path) for path in [*found, *deeper] if path.is_mount()][:6]
