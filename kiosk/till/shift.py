"""Opening the shift and the float (cashier-flow.md III), the shift's age, and who may work with a registrar now.

A hardware registrar has no opening of its own: the shift opens with the first fiscal operation, and its time is the
device's. The ledger's shift begins here, and remembers the device's time as soon as there is one.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import timedelta
from enum import StrEnum
from typing import Any
from uuid import uuid4

from drivers.document import Document, DocumentKind
from kiosk.ledger.records import Binding, DocumentState, FiscalDocument, Lease, Shift
from kiosk.till import rules
from kiosk.till.errors import N_, Refusal
from kiosk.till.fiscal import Fiscal
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
    """A shift that was opened. `cash_in` is None where the float is 0: the first receipt opens the device's day."""

    shift: Shift
    cash_in: FiscalDocument | None


class Shifts:
    """The shifts of this workplace."""

    def __init__(self, workplace: Workplace, fiscal: Fiscal) -> None:
        self._workplace = workplace
        self._ledger = workplace.ledger
        self._fiscal = fiscal

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
        """
        last = self._workplace.desk(binding).access.last
        return last.drawer or 0 if last is not None else 0

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

        Raises `Refusal`: shift open, counted ≠ left without a reason, a key not registered (I-4), registrar held at
        another workplace (I-5). A rejected cash-in leaves no shift open:
        the document says why.
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
        self._key_guard(binding, user.key_id)
        self._fiscal.guard(binding)
        self._workplace.gate.opening()
        self._hold(binding)
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
        self._workplace.audit("open_shift", {"shift": shift.id, "counted": counted, "float": float_, "reason": reason})
        if not float_:
            return Opened(shift, None)
        document = cash_document(self._workplace, binding, shift, DocumentKind.CASH_IN, float_)
        self._ledger.receipts.add_document(document)
        done = self._fiscal.issue(document)
        if done.state is DocumentState.REJECTED:
            self._ledger.shifts.close(
                shift.id,
                by=user.id,
                at=self._workplace.clock.now(),
                z_number=None,
                cash_left=self.left_at_close(binding),
                closing={"reason": "the cash-in was refused: the shift was not opened"},
            )
        return Opened(self._ledger.shifts.get(shift.id), done)

    def _age_guard(self, shift: Shift) -> None:
        if self.warning(shift) is Age.OVER:
            raise Refusal(
                "SHIFT_EXPIRED",
                N_("The shift has lasted over 24 hours"),
                N_("Close the shift (Z), then open a new one. The basket is kept."),
            )

    def _key_guard(self, binding: Binding, key_id: str) -> None:
        """Only a key registered for this software registrar may sign its shift (I-4)."""
        if binding.url.startswith("prro") and key_id not in binding.signers:
            raise Refusal(
                "FOREIGN_KEY",
                N_("The key {key} is not registered for the registrar {number}"),
                N_("Register the cashier (form 5-ПРРО) or log in with a registered key. Nothing was sent."),
                key=key_id or "—",
                number=binding.fiscal_number or binding.url,
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
