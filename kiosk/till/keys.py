"""Keys of software registrars: who may sign, whether the key is unlocked, and when it is locked again (I, VIII.3).

    password ─► container (1–5 s) ─► owner's codes ─► registered for this ФН? ─► signs until locked

The password is a value of one call: it is neither kept, stored, audited nor logged. An unlocked key lives in the memory
of this process and is locked when the shift is closed, when the person who unlocked it leaves (policy), and with the
program's end. A hardware registrar has no key: every question about it answers "nothing to do".
"""

from __future__ import annotations

from dataclasses import dataclass, replace
from datetime import datetime
from pathlib import Path
from typing import TYPE_CHECKING, Protocol, cast
from urllib.parse import parse_qsl

from drivers.errors import Code, Fault
from drivers.registrar import FaultInfo, Registrar
from kiosk.ledger.records import Binding, User
from kiosk.till.errors import N_, Refusal
from kiosk.till.workplace import Workplace

if TYPE_CHECKING:
    from drivers.prro.signing import Certificate
    from drivers.prro.standing import KeyStanding

SCHEME = "prro"


class Keyed(Protocol):
    """A registrar that signs with keys."""

    def key_standing(self, slot: str = "") -> KeyStanding: ...


@dataclass(frozen=True)
class KeyView:
    """A key as the cashier sees it. `owner`, `key_id` and `until` (aware UTC) are known where a certificate is.

    `registered`: None while nobody has told. `fault` is why the key cannot be used, None for a key in order.
    """

    slot: str
    unlocked: bool
    owner: str = ""
    key_id: str = ""
    until: datetime | None = None
    registered: bool | None = None
    chief: bool = False
    fault: FaultInfo | None = None


class Keys:
    """The keys of this workplace's software registrars."""

    def __init__(self, workplace: Workplace) -> None:
        self._workplace = workplace
        self._owner: dict[int, int | None] = {}
        """Who unlocked the key of a binding."""

    # -- questions ------------------------------------------------------------------------------------------------

    def needed(self, binding: Binding) -> bool:
        """Whether the registrar signs with a key at all."""
        return binding.url.startswith(SCHEME)

    def locked(self, binding: Binding) -> bool:
        """Whether a password must be given before anything is issued."""
        return self.needed(binding) and self._certificate(binding, slot_of(binding)) is None

    def waiting(self) -> Binding | None:
        """A registrar of this workplace with an open shift whose key is locked; None when there is none."""
        for binding in self._workplace.bindings():
            if self._workplace.ledger.shifts.open_shift(binding.id) is not None and self.locked(binding):
                return binding
        return None

    def view(self, binding: Binding, slot: str = "") -> KeyView | None:
        """The key of the registrar, or of another slot; None for a registrar without keys. Asks nobody."""
        if not self.needed(binding):
            return None
        slot = slot or slot_of(binding)
        certificate = self._certificate(binding, slot)
        unlocked = certificate is not None
        if certificate is None:
            try:
                certificate = self._beside(binding, slot)
            except Fault as fault:
                return KeyView(slot, False, fault=FaultInfo.of(fault))
        if certificate is None:
            return KeyView(slot, False)
        key_id = (certificate.key_id or b"").hex()
        view = KeyView(slot, unlocked, certificate.name, key_id, certificate.expires)
        if key_id in self._workplace.ledger.shop.binding(binding.id).signers:
            view = replace(view, registered=True)
        if certificate.expires <= self._workplace.clock.now():
            ended = FaultInfo(str(Code.CERTIFICATE_EXPIRED), f"the certificate of {certificate.name} has ended")
            view = replace(view, fault=ended)
        return view

    def slots(self, binding: Binding) -> list[str]:
        """Names of the keys in the registrar's folder."""
        from drivers.prro import keys

        return keys.slots(folder_of(binding))

    # -- unlocking ------------------------------------------------------------------------------------------------

    def unlock(self, binding: Binding, password: str, *, slot: str = "") -> KeyView:
        """Open the key (1–5 s) and ask whether it is registered, where that is not known and there is a link.

        Raises the key's own `Fault` (wrong password, damaged, expired, revoked …), and `Refusal` for a key of another
        taxpayer. A key that is not registered for this registrar unlocks: `guard` refuses the opening (I-4).
        """
        from drivers.prro.keys import ring
        from drivers.prro.signing.memory import forbid_core_dumps

        # From now on this process holds a private key: a crash may not write it to a file (I-6).
        forbid_core_dumps()
        place = self._workplace
        user = place.cashier()
        slot = slot or slot_of(binding)
        folder = folder_of(binding)
        try:
            certificate = ring.unlock(folder, slot, password, at=place.clock.now())
            try:
                self._own(binding, certificate)
                view = self._standing(binding, slot)
            except BaseException:
                ring.lock(folder, slot)
                raise
        except (Fault, Refusal) as error:
            place.audit("key_unlock", {"slot": slot, "why": str(error.code)}, allowed=False)
            raise
        if slot == slot_of(binding):
            self._owner[binding.id] = user.id
        place.audit("key_unlock", {"slot": slot, "key": view.key_id, "owner": view.owner})
        return view

    def _own(self, binding: Binding, certificate: Certificate) -> None:
        """The key must be of the registrar's taxpayer (XI-8). Raises `Refusal`."""
        enterprises = {one.id: one for one in self._workplace.ledger.shop.enterprises()}
        enterprise = enterprises[binding.enterprise_id]
        try:
            certificate.check_codes((enterprise.tax_number,))
        except Fault as fault:
            raise Refusal(
                "KEY_OF_ANOTHER",
                N_("The key of {owner} is not of {enterprise}: its codes are {codes}, {wanted} is needed"),
                N_("Choose the key of this enterprise. Nothing was sent."),
                owner=certificate.name,
                enterprise=enterprise.name,
                codes=", ".join(code for code in (certificate.edrpou, certificate.drfo) if code) or "-",
                wanted=enterprise.tax_number,
            ) from fault

    def _standing(self, binding: Binding, slot: str) -> KeyView:
        """The view of an unlocked key, with what the server says where it is not known to be registered."""
        view = self.view(binding, slot)
        assert view is not None
        if view.registered is not None:
            return view
        return self.ask(binding, slot) or view

    def ask(self, binding: Binding, slot: str) -> KeyView | None:
        """Ask the tax service about an unlocked key; a registered one is remembered. None: there is no answer now.

        Raises `CertificateRevoked` and the key's other faults.
        """

        def go(registrar: Registrar) -> KeyStanding:
            return cast(Keyed, registrar).key_standing(slot)

        try:
            told = self._workplace.desk(binding).access.call(go)
        except Fault as fault:
            if fault.code in KEY_FAULTS:
                raise
            return None
        if told.registered:
            self._workplace.ledger.shop.know_signers(binding.id, [told.key_id])
        return KeyView(slot, True, told.name, told.key_id, told.until, told.registered, told.chief)

    # -- guarding -------------------------------------------------------------------------------------------------

    def guard(self, binding: Binding) -> None:
        """Nothing is issued with a locked key. Raises `Refusal` KEY_LOCKED; screens offer to unlock."""
        if self.locked(binding):
            raise Refusal(
                "KEY_LOCKED",
                N_("The key {key} is locked: its password was not given since the start"),
                N_("Unlock the key, then repeat. Nothing was sent."),
                key=slot_of(binding),
                binding=binding,
            )

    def may_open(self, binding: Binding, user: User) -> None:
        """Only a key registered for this software registrar may open its shift (I-4). Raises `Refusal`."""
        if not self.needed(binding):
            return
        self.guard(binding)
        binding = self._workplace.ledger.shop.binding(binding.id)
        view = self.view(binding)
        assert view is not None
        if view.registered is None:
            # Nobody has told yet: the server is asked now. Without an answer a key that is not among the known ones is
            # foreign; where none is known yet the registrar decides by itself.
            view = self.ask(binding, view.slot) or view
        if view.registered is False or (view.registered is None and binding.signers):
            raise Refusal(
                "FOREIGN_KEY",
                N_("The key {key} is not registered for the registrar {number}"),
                N_("Register the cashier (form 5-ПРРО) or log in with a registered key. Nothing was sent."),
                key=view.key_id or "—",
                number=binding.fiscal_number or number_of(binding),
            )
        if user.key_id and view.key_id != user.key_id:
            raise Refusal(
                "KEY_OF_OTHER_PERSON",
                N_("The key {key} of {owner} is not the key of {user}"),
                N_("Unlock your own key, or let its owner log in. Nothing was sent."),
                key=view.key_id,
                owner=view.owner,
                user=user.name,
            )

    # -- locking --------------------------------------------------------------------------------------------------

    def lock(self, binding: Binding) -> None:
        """Forget the key; nothing where there is none."""
        from drivers.prro.keys import ring

        if self._certificate(binding, slot_of(binding)) is not None:
            ring.lock(folder_of(binding), slot_of(binding))
            self._workplace.audit("key_lock", {"slot": slot_of(binding)})
        self._owner.pop(binding.id, None)

    def forget(self, binding: Binding, slot: str) -> None:
        """Lock a slot that is not the registrar's own."""
        from drivers.prro.keys import ring

        ring.lock(folder_of(binding), slot)

    def taken(self, binding: Binding) -> None:
        """The registrar signs with another slot: whoever is here answers for its key, if it is unlocked."""
        user = self._workplace.user
        if not self.locked(binding):
            self._owner[binding.id] = user.id if user is not None else None

    def left(self, user: User) -> None:
        """Somebody leaves the till: a key that this person unlocked goes along, if the policy says so."""
        if not self._workplace.settings.policy.lock_key_on_logout:
            return
        for binding_id in [one for one, owner in self._owner.items() if owner == user.id]:
            self.lock(self._workplace.ledger.shop.binding(binding_id))

    def day_closed(self, binding: Binding, *, offline: bool) -> None:
        """The shift is closed: the key has done its work, unless `offline` documents still need it on the way home."""
        if binding.id in self._owner and not offline:
            self.lock(binding)

    def lock_all(self) -> None:
        """The program ends."""
        for binding_id in list(self._owner):
            self.lock(self._workplace.ledger.shop.binding(binding_id))

    # -- parts ----------------------------------------------------------------------------------------------------

    def _certificate(self, binding: Binding, slot: str) -> Certificate | None:
        """The certificate of the unlocked key; None while it is locked."""
        from drivers.prro.keys import ring
        from drivers.prro.signing.errors import KeyLocked

        try:
            return ring.signer(folder_of(binding), slot).certificate
        except KeyLocked:
            return None

    def _beside(self, binding: Binding, slot: str) -> Certificate | None:
        """The signing certificate that lies beside a locked container, where there is one. Raises the key's faults."""
        from drivers.prro.keys import slot_files

        _, certificates = slot_files(folder_of(binding), slot)
        return next((one for one in certificates if one.signs), None)


KEY_FAULTS = frozenset({
    Code.KEY_LOCKED, Code.CERTIFICATE_REVOKED, Code.CERTIFICATE_EXPIRED, Code.CERTIFICATE_EARLY,
    Code.CERTIFICATE_ABSENT, Code.CERTIFICATE_DAMAGED, Code.CERTIFICATE_UNTRUSTED,
})  # fmt: skip
"""What is wrong with the key itself, not with the way to the server."""


def _option(binding: Binding, name: str) -> str:
    return dict(parse_qsl(binding.url.partition("?")[2])).get(name, "")


def slot_of(binding: Binding) -> str:
    """The slot of the key that the registrar's URL names."""
    return _option(binding, "key")


def number_of(binding: Binding) -> str:
    """The fiscal number that the registrar's URL names."""
    return _option(binding, "fn")


def folder_of(binding: Binding) -> Path:
    """The folder of the registrar's keys."""
    from drivers.prro.address import settings
    from drivers.registry import parse_url

    return settings(parse_url(binding.url)).keys
