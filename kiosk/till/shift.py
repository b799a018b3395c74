"""Opening the shift and the float (cashier-flow.md III), the shift's age, and who may work with a registrar now.

A hardware registrar has no opening of its own: the shift opens with the first fiscal operation, and its time is the
device's. The ledger's shift begins here, and remembers the device's time as soon as there is one.

A software registrar opens by a document of its own, and a new shift has no cash:

    opening document ─► registered ─► the shift begins ─► float as a service cash-in
                     ─► rejected: no shift, no cash-in
                     ─► unknown: asked for before anything else; the shift begins when it turns out to be registered

What the cashier counted rides with the document, so a kill at any step leaves one opening, and the float that is still
to be put in is known (`float_waiting`).
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import timedelta
from enum import StrEnum
from typing import Any
from uuid import uuid4

import msgspec

from drivers.document import Document, DocumentKind
from kiosk.ledger.records import Binding, DocumentState, FiscalDocument, Lease, Shift, User
from kiosk.till import rules
from kiosk.till.errors import N_, Refusal
from kiosk.till.fiscal import Fiscal, OpeningNote
from kiosk.till.keys import Keys
from kiosk.till.rights import Right
from kiosk.till.workplace import Workplace


class Age(StrEnum):
    """How near a shift is to the legal limit."""

    FRESH = "fresh"
    AMBER = "amber"
    RED = "red"
    OVER = "over"


@dataclass(frozen=True)
class Opened:
    """What came of an opening. `cash_in` is None where there is no float, or nothing was sent after `opening` failed.

    `opening` is the document of a software registrar; while it is not registered there is no `shift`.
    """

    shift: Shift | None
    cash_in: FiscalDocument | None
    opening: FiscalDocument | None = None


class Shifts:
    """The shifts of this workplace."""

    def __init__(self, workplace: Workplace, fiscal: Fiscal, keys: Keys) -> None:
        self._workplace = workplace
        self._ledger = workplace.ledger
        self._fiscal = fiscal
        self._keys = keys

    def current(self, binding: Binding) -> Shift | None:
        """The open shift of a registrar."""
        return self._ledger.shifts.open_shift(binding.id)

    def left_at_close(self, binding: Binding) -> int:
        """Cash that stayed in the drawer at the last close, kopecks."""
        last = self._ledger.shifts.last_closed(binding.id)
        return last.cash_left if last is not None else 0

    def held(self, binding: Binding) -> int:
        """Cash that the registrar counts before the shift opens, kopecks, as far as it told.

        A hardware registrar keeps its cash over a Z: only what lies in the drawer above it is the float to enter.
        A new shift of a software registrar begins with nothing, whatever its last one ended with.
        """
        if not self._opens_by_itself(binding):
            return 0
        last = self._workplace.desk(binding).access.last
        return last.drawer or 0 if last is not None else 0

    def float_waiting(self, binding: Binding) -> int:
        """The float that was counted at the opening and has not been put in yet, kopecks.

        It waits where the till stopped between the opening document and the cash-in, or the cash-in was refused.
        """
        shift = self.current(binding)
        if shift is None or not shift.float_ or self._opens_by_itself(binding):
            return 0
        moved = [item for item in self._ledger.receipts.documents(shift.id) if item.kind is DocumentKind.CASH_IN]
        return 0 if any(item.state is not DocumentState.REJECTED for item in moved) else shift.float_

    def adopt(self, binding: Binding) -> Shift:
        """Go on with a shift that is open at the registrar and unknown to these books (a restored backup, a new box).

        Its documents before now are not in the books: the X report shows the difference, and its Z closes the whole.
        Raises `Refusal` when there is none, or one is open here; `Doubt`; a driver's `Fault`.
        """
        user = self._workplace.require(Right.SELL)
        if self.current(binding) is not None:
            raise Refusal("SHIFT_OPEN", N_("The shift is open already"))
        self._fiscal.guard(binding)
        status = self._workplace.desk(binding).access.call(lambda registrar: registrar.status())
        if self._opens_by_itself(binding) or not status.shift_open:
            raise Refusal("SHIFT_CLOSED", N_("The shift is not open"))
        self._hold(binding)
        now = self._workplace.clock.now()
        shift = self._ledger.shifts.open(
            Shift(
                id=0,
                binding_id=binding.id,
                enterprise_id=binding.enterprise_id,
                workplace=self._workplace.settings.workplace,
                opened_by=user.id,
                opened_at=now,
                device_opened_at=status.shift_opened_at or now,
                serial=binding.serial,
            )
        )
        self._workplace.audit("adopt_shift", {"shift": shift.id, "cash": status.drawer or 0})
        return shift

    def put_float(self, binding: Binding) -> FiscalDocument:
        """Put the waiting float in. Raises `Refusal` where none waits, or `Doubt`."""
        self._workplace.require(Right.CASH_IN)
        self._fiscal.guard(binding)
        shift, waiting = self.selling(binding), self.float_waiting(binding)
        if not waiting:
            raise Refusal("NO_FLOAT", N_("The float is in the registrar already"))
        return self._cash_in(binding, shift, waiting)

    def age(self, shift: Shift) -> timedelta:
        """How long the shift lasts, from the device's own time where it is known."""
        return self._workplace.clock.now() - (shift.device_opened_at or shift.opened_at)

    def warning(self, shift: Shift) -> Age:
        """The colour of the shift's age (VII.2 guards)."""
        now = self._workplace.clock.now()
        amber, red = rules.shift_warnings(now)
        age = self.age(shift)
        if shift.device_opened_at is not None and age >= rules.shift_limit(now):
            return Age.OVER
        return Age.RED if age >= red else Age.AMBER if age >= amber else Age.FRESH

    def selling(self, binding: Binding) -> Shift:
        """The open shift in which a sale may be made now. Raises `Refusal` (none open, another unit, over 24 h)."""
        shift = self.current(binding)
        if shift is None:
            raise Refusal("SHIFT_CLOSED", N_("The shift is not open"), N_("Open the shift (F11)."))
        self._age_guard(shift)
        self._workplace.gate.selling()
        self._hold(binding)
        return shift

    def open(
        self,
        binding: Binding,
        *,
        counted: int,
        float_: int,
        reason: str = "",
        checks: Sequence[Mapping[str, Any]] = (),
    ) -> Opened:
        """Open the shift: `counted` cash lies in the drawer, `float_` of it is entered into the registrar, kopecks.

        Raises `Refusal`: shift open, counted ≠ left without a reason, a key locked or not registered (I-4), registrar
        held at another workplace (I-5). On a hardware registrar a rejected cash-in leaves no shift open: the document
        says why. On a software registrar a rejected opening does, and its cash-in is not sent (III-2).
        """
        user = self._workplace.require(Right.SELL)
        if float_ < 0 or counted < 0 or float_ > counted:
            raise Refusal("BAD_FLOAT", N_("The float cannot be above the counted cash"))
        if self.current(binding) is not None:
            raise Refusal("SHIFT_OPEN", N_("The shift is open already"))
        if counted != self.left_at_close(binding) and not reason.strip():
            raise Refusal(
                "CASH_DIFFERS",
                N_("The counted cash {counted} differs from {left}, left at the last close"),
                N_("Choose the reason."),
                counted=counted,
                left=self.left_at_close(binding),
            )
        if float_:
            self._workplace.require(Right.CASH_IN)
        self._keys.may_open(binding, user)
        self._fiscal.guard(binding)
        self._workplace.gate.opening()
        self._hold(binding)
        if self._opens_by_itself(binding):
            opened = self._begin(binding, user, float_, checks)
        else:
            opened = self._open_by_document(binding, user, counted, float_, reason, checks)
        number = opened.shift.id if opened.shift is not None else None
        detail = {"shift": number, "counted": counted, "float": float_, "reason": reason}
        self._workplace.audit("open_shift", detail)
        if opened.shift is None or not float_:
            return opened
        done = self._cash_in(binding, opened.shift, float_)
        if done.state is DocumentState.REJECTED and opened.opening is None:
            self._ledger.shifts.close(
                opened.shift.id,
                by=user.id,
                at=self._workplace.clock.now(),
                z_number=None,
                cash_left=self.left_at_close(binding),
                closing={"reason": "the cash-in was refused: the shift was not opened"},
            )
        return Opened(self._ledger.shifts.get(opened.shift.id), done, opened.opening)

    def _begin(self, binding: Binding, user: User, float_: int, checks: Sequence[Mapping[str, Any]]) -> Opened:
        """A hardware registrar's shift: the first fiscal operation will open the device's day."""
        shift = self._ledger.shifts.open(
            Shift(
                id=0,
                binding_id=binding.id,
                enterprise_id=binding.enterprise_id,
                workplace=self._workplace.settings.workplace,
                opened_by=user.id,
                opened_at=self._workplace.clock.now(),
                float_=float_,
                serial=binding.serial,
                checks=tuple(checks),
            )
        )
        return Opened(shift, None)

    def _open_by_document(
        self,
        binding: Binding,
        user: User,
        counted: int,
        float_: int,
        reason: str,
        checks: Sequence[Mapping[str, Any]],
    ) -> Opened:
        """A software registrar's shift: it begins when its opening document is registered (III-1, III-2)."""
        note = OpeningNote(
            by=user.id,
            workplace=self._workplace.settings.workplace,
            counted=counted,
            float_=float_,
            reason=reason,
            checks=tuple(dict(check) for check in checks),
        )
        identity = uuid4()
        document = FiscalDocument(
            id=identity,
            kind=DocumentKind.OPEN_SHIFT,
            state=DocumentState.PENDING,
            binding_id=binding.id,
            enterprise_id=binding.enterprise_id,
            user_id=user.id,
            made_at=self._workplace.clock.now(),
            document=Document(id=identity, kind=DocumentKind.OPEN_SHIFT, cashier=user.name[:64]),
            note=msgspec.json.encode(note).decode(),
        )
        self._fiscal.check(document.document, binding)
        self._ledger.receipts.add_document(document)
        done = self._fiscal.issue(document)
        return Opened(self.current(binding) if done.done else None, None, done)

    def _cash_in(self, binding: Binding, shift: Shift, amount: int) -> FiscalDocument:
        document = cash_document(self._workplace, binding, shift, DocumentKind.CASH_IN, amount)
        self._ledger.receipts.add_document(document)
        return self._fiscal.issue(document)

    def _opens_by_itself(self, binding: Binding) -> bool:
        return self._workplace.desk(binding).access.capabilities.opens_with_first_document

    def _age_guard(self, shift: Shift) -> None:
        if self.warning(shift) is Age.OVER:
            raise Refusal(
                "SHIFT_EXPIRED",
                N_("The shift has lasted over 24 hours"),
                N_("Close the shift (Z), then open a new one. The basket is kept."),
            )

    def _hold(self, binding: Binding) -> None:
        """One registrar, one workplace, one cashier at a time (I-5)."""
        if not binding.serial:
            return
        user = self._workplace.cashier()
        held = self._ledger.shop.lease(binding.serial)
        if held is not None and (held.workplace, held.user_name) == (self._workplace.settings.workplace, user.name):
            # Held already: `since` stays true, and a sale costs no more writes than it needs.
            return
        mine = Lease(binding.serial, self._workplace.settings.workplace, user.name, self._workplace.clock.now())
        holder = self._ledger.shop.take_lease(mine)
        if holder.workplace != mine.workplace:
            raise Refusal(
                "HELD_ELSEWHERE",
                N_("The registrar {serial} is in use at {workplace} by {user} since {since}"),
                N_("Close the shift there first. Nothing was sent."),
                serial=holder.binding_serial,
                workplace=holder.workplace,
                user=holder.user_name,
                since=holder.since,
            )


def cash_document(
    workplace: Workplace, binding: Binding, shift: Shift, kind: DocumentKind, amount: int, note: str = ""
) -> FiscalDocument:
    """A service cash movement, ready to be stored."""
    user = workplace.cashier()
    identity = uuid4()
    return FiscalDocument(
        id=identity,
        kind=kind,
        state=DocumentState.PENDING,
        binding_id=binding.id,
        enterprise_id=binding.enterprise_id,
        user_id=user.id,
        made_at=workplace.clock.now(),
        document=Document(id=identity, kind=kind, cashier=user.name[:64], amount=amount),
        shift_id=shift.id,
        note=note,
    )
