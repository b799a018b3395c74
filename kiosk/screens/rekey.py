"""*Заміна ключа* (cashier-flow.md VIII.3): the keys of the folder, and the one that signs now or after the Z."""

from __future__ import annotations

from collections.abc import Sequence
from typing import ClassVar

from textual import on
from textual.app import ComposeResult
from textual.binding import Binding, BindingType
from textual.containers import Horizontal
from textual.widgets import Label

from kiosk.i18n import _, explain, moment
from kiosk.ledger.records import Binding as Registration
from kiosk.screens.asking import Permit, permit, registrar
from kiosk.screens.screen import KioskScreen, acting
from kiosk.till.errors import N_
from kiosk.till.keys import KeyView, slot_of
from kiosk.till.rights import Right
from kiosk.widgets.notice import Notice
from kiosk.widgets.palette import Lamp
from kiosk.widgets.rows import Cells, Column, PageKeys, Rows


class RekeyScreen(KioskScreen[bool]):
    """Answers True when a key was replaced, or waits for the Z to be."""

    CSS_PATH = "rekey.tcss"
    TITLE = N_("Replacement of the key")
    BINDINGS: ClassVar[list[BindingType]] = [
        Binding("f6", "use", N_("Use it"), tooltip=N_("Check this key; it signs from now on, or after the Z")),
        Binding("f7", "close_with", N_("For the Z"), tooltip=N_("A senior cashier's key closes the open shift")),
        Binding("f8", "old", N_("Old key"), tooltip=N_("Back to the key that signed before")),
        Binding("enter", "use", N_("Use it"), show=False, tooltip=N_("Check this key and use it")),
        Binding("escape", "back", N_("Back"), tooltip=N_("Back; changes nothing")),
    ]

    def __init__(self) -> None:
        super().__init__()
        self._registrar: Registration | None = None
        self._slot = ""
        self._open = False
        self._old = ""

    def body(self) -> ComposeResult:
        yield Label(self.name_on_screen, id="title", classes="title", markup=False)
        yield Label("", id="which", classes="quiet", markup=False)
        with Horizontal(id="list"):
            columns = [Column(_("Key"), 12), Column(_("Owner")), Column(_("Until"), 11), Column("", 18)]
            yield Rows(columns, self._cells, empty=_("no key in the folder"), id="keys")
            yield PageKeys("#keys")
        yield Notice(id="note")

    def on_mount(self) -> None:
        super().on_mount()
        self.query_one("#keys", Rows).focus()
        self._read()

    def _cells(self, view: KeyView) -> Cells:
        """A key: what it is called, whose it is, until when, and what it does here."""
        until = moment(view.until)[:10] if view.until is not None else "-"
        if view.fault is not None:
            state, lamp = explain(view.fault)[0].partition("\n")[0], Lamp.RED
        elif view.slot == self._slot:
            state, lamp = _("signs now"), Lamp.GREEN
        elif view.registered:
            state, lamp = _("registered"), Lamp.OFF
        else:
            state, lamp = "", Lamp.OFF
        return Cells((view.slot, view.owner or "-", until, state), lamp)

    @acting
    async def _read(self) -> None:
        self._registrar = await registrar(self)
        if self._registrar is None:
            self.dismiss(False)
            return
        await self._show()

    async def _show(self) -> None:
        assert self._registrar is not None
        binding = self._registrar = await self.work(self.till.workplace.ledger.shop.binding, self._registrar.id)
        keys: Sequence[KeyView] = await self.work(self.till.rekeying.slots, binding)
        self._slot = slot_of(binding)
        self._old = await self.work(self.till.rekeying.before, binding)
        after = await self.work(self.till.rekeying.next, binding)
        self._open = await self.work(self.till.shifts.current, binding) is not None
        number = binding.fiscal_number or binding.serial or "-"
        self.query_one("#which", Label).update(f"{_('PRRO')} {number}")
        self.query_one("#keys", Rows).fill(keys)
        note = self.query_one("#note", Notice)
        if after:
            note.say(
                Lamp.AMBER,
                _("The key {key} takes over after the Z.").format(key=after),
                _("If the old key is dead, close the shift with a senior cashier's key (F7)."),
            )
        elif self._old:
            note.say(
                Lamp.AMBER,
                _("The key {key} is kept until the first document is registered.").format(key=self._old),
                _("F8 goes back to it."),
            )
        else:
            note.say(Lamp.OFF, _("Choose a key: its password is asked, then the tax service."))
        self.show_keys()

    def check_action(self, action: str, parameters: tuple[object, ...]) -> bool | None:
        if action == "close_with":
            return self._open
        if action == "old":
            return bool(self._old)
        return super().check_action(action, parameters)

    # -- acting ---------------------------------------------------------------------------------------------------

    async def _checked(self) -> KeyView | None:
        """The chosen key, unlocked and known to the tax service. None: the person gave up."""
        view = self.query_one("#keys", Rows).current
        if self._registrar is None or not isinstance(view, KeyView):
            return None
        if not view.unlocked and not await self.ask("unlock", binding=self._registrar, slot=view.slot):
            return None
        return await self.work(self.till.rekeying.verify, self._registrar, view.slot)

    async def _permitted(self, view: KeyView, text: str) -> Permit | None:
        given = await permit(self, Right.KEYS, self.name_on_screen)
        if given is None or not await self.ask("confirm", title=f"{view.slot} · {view.owner}", text=text):
            return None
        return given

    @acting
    async def action_use(self) -> None:
        view = await self._checked()
        if view is None or self._registrar is None:
            return
        text = _("The shift is open: this key signs after the Z.") if self._open else _("This key signs from now on.")
        given = await self._permitted(view, text)
        if given is None:
            return
        change = await self.work(self.till.rekeying.replace, self._registrar, view, approval=given.approval)
        await self._show()
        if not change.waits:
            advice = _("The old key is kept until the first document is registered.")
            await self.ask("message", title=_("The key is replaced"), text=text, advice=advice, lamp=Lamp.GREEN)
            self.dismiss(True)

    @acting
    async def action_close_with(self) -> None:
        view = await self._checked()
        if view is None or self._registrar is None:
            return
        given = await self._permitted(view, _("This key only closes the open shift: make the Z now."))
        if given is None:
            return
        await self.work(self.till.rekeying.close_with, self._registrar, view, approval=given.approval)
        await self.ask("closing")
        if self.is_running:
            # A finished wizard leads to the next opening, and this screen is gone.
            await self._show()

    @acting
    async def action_old(self) -> None:
        if self._registrar is None:
            return
        given = await permit(self, Right.KEYS, self.name_on_screen)
        if given is not None:
            await self.work(self.till.rekeying.back, self._registrar, approval=given.approval)
            await self._show()

    @on(Rows.Chosen)
    def _chosen(self, message: Rows.Chosen) -> None:
        message.stop()
        self.action_use()

    def action_back(self) -> None:
        if not self.in_action:
            self.dismiss(False)
