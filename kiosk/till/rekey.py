"""*Заміна ключа* (cashier-flow.md VIII.3): another key of the folder signs for a software registrar from now on.

    choose a slot ─► its password: validity, owner's codes ─► registered for this ФН? ─► no shift open: it signs at once
                                                                  └► shift open: it waits for the Z ─► signs after it

The server wants a shift to end with the key that opened it, or with a senior cashier's. Where the old key is dead, a
senior's key signs the Z only, and the new one takes over with the next opening. The old slot is remembered until the
first document of the new key is registered, so that one press leads back to it.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from urllib.parse import parse_qsl, urlencode

from drivers.errors import Fault
from kiosk.ledger.records import Binding
from kiosk.till.errors import N_, Refusal
from kiosk.till.keys import Keys, KeyView, number_of, slot_of
from kiosk.till.rights import Right
from kiosk.till.workplace import Approval, Workplace

BEFORE, NEXT = "key_before", "key_next"
"""Settings, one a binding: the slot to go back to, and the slot that signs after the Z."""


@dataclass(frozen=True)
class Change:
    """What became of a replacement. `waits`: the new key signs after the shift is closed."""

    binding: Binding
    view: KeyView
    waits: bool = False


class Rekeying:
    """Changes the key of a registrar of this workplace."""

    def __init__(self, workplace: Workplace, keys: Keys) -> None:
        self._workplace = workplace
        self._ledger = workplace.ledger
        self._keys = keys

    # -- questions ------------------------------------------------------------------------------------------------

    def slots(self, binding: Binding) -> Sequence[KeyView]:
        """Every key of the folder, the one in use first."""
        own = slot_of(binding)
        names = sorted(self._keys.slots(binding), key=lambda name: (name != own, name))
        return [view for name in names if (view := self._keys.view(binding, name)) is not None]

    def before(self, binding: Binding) -> str:
        """The slot that signed before a replacement that no document has proved yet; "" for none."""
        return self._setting(BEFORE, binding)

    def next(self, binding: Binding) -> str:
        """The slot that takes over with the next opening; "" for none."""
        return self._setting(NEXT, binding)

    # -- whose turn it is -----------------------------------------------------------------------------------------

    def for_cashier(self) -> None:
        """Where no shift is open, the person who works here signs with the key of their own, if the folder has it.

        A person's key is named by `User.key_id`; without one (a seal that all share) the address stays as it is. A key
        whose replacement is under way is left alone.
        """
        user = self._workplace.user
        if user is None or not user.key_id:
            return
        for binding in self._workplace.bindings():
            if not self._keys.needed(binding) or self._ledger.shifts.open_shift(binding.id) is not None:
                continue
            if self.before(binding) or self.next(binding):
                continue
            own = next((view.slot for view in self.slots(binding) if view.key_id == user.key_id), "")
            if own and own != slot_of(binding):
                self._set(BEFORE, self._use(binding, own), "")

    # -- the wizard -----------------------------------------------------------------------------------------------

    def check(self, binding: Binding, slot: str, password: str) -> KeyView:
        """Unlock another slot and ask the tax service about it. Raises the key's own `Fault`, and `Refusal`:

        another taxpayer's key, a key that is not registered for this registrar, no answer. Nothing is changed.
        """
        self._keys.unlock(binding, password, slot=slot)
        return self.verify(binding, slot)

    def verify(self, binding: Binding, slot: str) -> KeyView:
        """Ask the tax service about an unlocked slot; one that will not do is locked again. Raises as `check`."""
        try:
            return self._registered(binding, slot)
        except BaseException:
            if slot != slot_of(binding):
                self._keys.forget(binding, slot)
            raise

    def _registered(self, binding: Binding, slot: str) -> KeyView:
        told = self._keys.ask(binding, slot)
        if told is None:
            raise Refusal(
                "NO_ANSWER",
                N_("The tax service does not answer: whether the key {key} is registered is not known"),
                N_("Wait for the link and repeat. The old key stays in use."),
                key=slot,
            )
        if not told.registered:
            raise Refusal(
                "FOREIGN_KEY",
                N_("The key {key} is not registered for the registrar {number}"),
                N_("File the form 5-ПРРО; after receipt No. 2 it may take hours. The old key stays in use."),
                key=told.key_id,
                number=binding.fiscal_number or number_of(binding),
            )
        return told

    def replace(self, binding: Binding, view: KeyView, *, approval: Approval | None = None) -> Change:
        """The checked key signs from now on, or after the Z while a shift is open. Raises `Denied` and `Refusal`."""
        self._workplace.require(Right.KEYS, approval, reason="replace the key")
        self._ready(binding, view)
        binding = self._ledger.shop.binding(binding.id)
        if self._ledger.shifts.open_shift(binding.id) is not None:
            self._set(NEXT, binding, view.slot)
            self._workplace.audit("key_replace", {"from": slot_of(binding), "to": view.slot, "waits": True})
            return Change(binding, view, waits=True)
        self._all_home(binding)
        self._set(NEXT, binding, "")
        return Change(self._use(binding, view.slot), view)

    def close_with(self, binding: Binding, view: KeyView, *, approval: Approval | None = None) -> Change:
        """A senior cashier's key signs the Z of the open shift, and nothing else. Raises `Denied` and `Refusal`."""
        self._workplace.require(Right.KEYS, approval, reason="close with a senior's key")
        self._ready(binding, view)
        binding = self._ledger.shop.binding(binding.id)
        if self._ledger.shifts.open_shift(binding.id) is None:
            raise Refusal("SHIFT_CLOSED", N_("The shift is not open"))
        if not view.chief:
            raise Refusal(
                "NOT_SENIOR",
                N_("The key of {owner} is not registered as a senior cashier's"),
                N_("Only a senior cashier's key closes a shift that another key opened (form 5-ПРРО)."),
                owner=view.owner,
            )
        if not self.next(binding):
            self._set(NEXT, binding, slot_of(binding))
        return Change(self._use(binding, view.slot), view)

    def back(self, binding: Binding, *, approval: Approval | None = None) -> Binding:
        """Return to the slot that signed before. Raises `Refusal` when the new key has proved itself."""
        self._workplace.require(Right.KEYS, approval, reason="back to the old key")
        old = self.before(binding)
        if not old:
            raise Refusal("NO_OLD_KEY", N_("There is no earlier key to go back to"))
        self._set(NEXT, binding, "")
        changed = self._use(binding, old)
        self._set(BEFORE, changed, "")
        return changed

    # -- what documents do ----------------------------------------------------------------------------------------

    def document_done(self, binding: Binding) -> None:
        """A document signed with the key in use is registered: the old slot has had its day."""
        if self.before(binding):
            self._workplace.audit("key_proved", {"from": self.before(binding), "to": slot_of(binding)})
            self._set(BEFORE, binding, "")

    def shift_closed(self, binding: Binding, *, offline: bool) -> None:
        """After the Z the key that waited for it takes over; an `offline` Z needs the old one on its way home."""
        slot = self.next(binding)
        if slot and not offline:
            self._set(NEXT, binding, "")
            if slot != slot_of(binding):
                self._use(binding, slot)

    # -- parts ----------------------------------------------------------------------------------------------------

    def _all_home(self, binding: Binding) -> None:
        """Offline documents go home with the key that made them. Raises `Refusal` while some wait."""
        try:
            status = self._workplace.desk(binding).access.call(lambda registrar: registrar.status())
        except Fault:
            return
        waiting = status.offline.queued if status.offline is not None else 0
        if waiting:
            raise Refusal(
                "DOCUMENTS_WAIT",
                N_("{count} offline documents have not reached the tax service yet"),
                N_("Unlock the key that made them and wait until they are sent, then replace it."),
                count=waiting,
            )

    def _ready(self, binding: Binding, view: KeyView) -> None:
        now = self._keys.view(binding, view.slot)
        if now is None or not now.unlocked or now.key_id != view.key_id:
            raise Refusal("KEY_CHANGED", N_("The key was locked or changed meanwhile: check it again"))

    def _use(self, binding: Binding, slot: str) -> Binding:
        """The URL names another slot; the registrar behind it is connected anew."""
        old = slot_of(binding)
        if old == slot:
            return binding
        self._keys.lock(binding)
        self._set(BEFORE, binding, old)
        address, _, query = binding.url.partition("?")
        options = {**dict(parse_qsl(query, keep_blank_values=True)), "key": slot}
        changed = self._ledger.shop.rekey(binding.id, f"{address}?{urlencode(options)}")
        self._keys.taken(changed)
        self._workplace.audit("key_replace", {"from": old, "to": slot, "waits": False})
        return changed

    def _setting(self, name: str, binding: Binding) -> str:
        return self._ledger.shop.setting(f"{name}:{binding.id}") or ""

    def _set(self, name: str, binding: Binding, value: str) -> None:
        if self._setting(name, binding) != value:
            self._ledger.shop.set_setting(f"{name}:{binding.id}", value)
