"""What every registrar knows and the restored books do not, document by document (cashier-flow.md X.7).

A software registrar is asked for each number after the copy (`drivers.prro.recovery`); its memory takes them over. A
hardware registrar tells counters: Z reports and the day's documents beyond the books. In both cases the ledger's shift
is brought to the registrar's: one that is closed there is closed here, one that is open there is open here.

Nothing is registered by this; the last step is a reading of state and day registers, the action without risk.
"""

from __future__ import annotations

import logging
from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import TYPE_CHECKING, Any, cast

import msgspec

from drivers.document import DocumentKind
from drivers.errors import DifferentDevice, Fault
from drivers.registrar import Info, Registrar, Status, Totals
from kiosk.backup import permit
from kiosk.ledger.records import AuditRecord, Binding, Shift
from kiosk.till.till import Till

if TYPE_CHECKING:
    from drivers.prro.recovery import Recovered

AFTER_Z = frozenset({"helpmicro"})
"""Families whose Z counter shows the Z to come."""

log = logging.getLogger(__name__)


@dataclass(frozen=True)
class Missing:
    """A document that exists and is not in the books. `sum` kopecks; `number` as its registrar printed it."""

    number: str
    kind: str = ""
    at: datetime | None = None
    sum: int = 0
    local: int = 0


@dataclass(frozen=True)
class Found:
    """One registrar compared with the books. `fault` says why it could not be asked; then nothing else is known.

    `delivered`, `sent` and `lost` are the copy's unsent offline documents: the server had them, has got them now, takes
    them no more. `z_reports` and `documents` count what a hardware registrar made beyond the books.
    """

    binding: Binding
    fault: str = ""
    missing: tuple[Missing, ...] = ()
    delivered: tuple[str, ...] = ()
    sent: tuple[str, ...] = ()
    lost: tuple[str, ...] = ()
    z_reports: int = 0
    documents: int = 0
    next_number: int = 0
    unsettled: int = 0

    @property
    def agrees(self) -> bool:
        return not (self.fault or self.missing or self.lost or self.z_reports or self.documents)

    @property
    def blocks(self) -> bool:
        """Whether selling must wait: the registrar was not asked, or documents are lost and nobody has seen it yet."""
        return bool(self.fault or self.lost)


def compare(till: Till) -> list[Found]:
    """Ask every active registrar of this workplace. May be repeated; what was found is in the audit."""
    place = till.workplace
    found = []
    for binding in place.bindings():
        try:
            each = _software(till, binding) if _is_software(till, binding) else _hardware(till, binding)
        except Fault as fault:
            each = Found(binding, fault=str(fault))
        found.append(each)
        place.ledger.audit.add(
            AuditRecord(place.clock.now(), None, "restore_gap", describe(each), allowed=not each.fault)
        )
    return found


def finish(till: Till, gate: permit.Permit, found: Sequence[Found], *, accept_lost: bool = False) -> bool:
    """Permission to sell, if nothing stands in its way; `accept_lost`: the owner has read which documents are lost."""
    if any(each.fault or (each.lost and not accept_lost) for each in found):
        return False
    place = till.workplace
    detail = {"registrars": len(found), "missing": sum(len(each.missing) + each.documents for each in found)}
    place.ledger.audit.add(AuditRecord(place.clock.now(), None, "restore_finished", detail))
    gate.finish()
    return True


def describe(found: Found) -> dict[str, Any]:
    """The finding as plain JSON."""
    detail = cast("dict[str, Any]", msgspec.to_builtins(found))
    detail["binding"] = found.binding.id
    return detail


def _is_software(till: Till, binding: Binding) -> bool:
    return not till.workplace.desk(binding).access.capabilities.hardware


def _software(till: Till, binding: Binding) -> Found:
    def go(registrar: Registrar) -> tuple[Recovered, Status]:
        from drivers.prro.registrar import PrroRegistrar

        inner = getattr(registrar, "_registrar", registrar)
        if not isinstance(inner, PrroRegistrar):
            raise TypeError(f"{type(registrar).__name__} cannot be recovered")
        return inner.recover(), inner.status()

    known = _fiscal_numbers(till, binding)
    recovered, status = till.workplace.desk(binding).access.call(go)
    missing = tuple(
        Missing(each.fiscal, each.act, each.at, each.sum, each.number)
        for each in recovered.missing
        if each.fiscal not in known
    )
    _follow_shift(till, binding, status, closed=any(each.act == "z_report" for each in recovered.missing))
    return Found(
        binding, "", missing, recovered.delivered, recovered.sent, recovered.lost,
        next_number=recovered.next_number, unsettled=len(till.workplace.ledger.receipts.unsettled(binding.id)),
    )  # fmt: skip


def _hardware(till: Till, binding: Binding) -> Found:
    ledger = till.workplace.ledger

    def go(registrar: Registrar) -> tuple[Info, Status, Totals | None]:
        info = registrar.info()
        if binding.serial and info.serial != binding.serial:
            return info, registrar.status(), None
        return info, registrar.status(), registrar.totals()

    info, status, totals = till.workplace.desk(binding).access.call(go)
    if totals is None:
        from drivers.errors import Code

        raise DifferentDevice(
            Code.DIFFERENT_DEVICE,
            f"the books belong to the registrar {binding.serial}, and {info.serial} is connected",
            serial=info.serial,
        )
    last = ledger.receipts.last_document(binding.id)
    passed = 0
    if (
        last is not None
        and last.result is not None
        and last.result.z_number is not None
        and status.z_number is not None
    ):
        passed = max(0, status.z_number - last.result.z_number)
        if last.kind is DocumentKind.Z_REPORT and info.family in AFTER_Z:
            passed = max(0, passed - 1)
    shift = ledger.shifts.open_shift(binding.id)
    ours = 0
    if shift is not None and not passed:
        counted = (DocumentKind.SALE, DocumentKind.REFUND)
        ours = sum(document.done and document.kind in counted for document in ledger.receipts.documents(shift.id))
    theirs = (totals.receipts or 0) + (totals.refunds or 0)
    _follow_shift(till, binding, status, closed=passed > 0)
    return Found(
        binding, z_reports=passed, documents=max(0, theirs - ours), unsettled=len(ledger.receipts.unsettled(binding.id))
    )


def _fiscal_numbers(till: Till, binding: Binding) -> frozenset[str]:
    """Numbers of the books' documents in the open shift: a document may be in the ledger and not in the memory."""
    ledger = till.workplace.ledger
    shift = ledger.shifts.open_shift(binding.id) or ledger.shifts.last_closed(binding.id)
    if shift is None:
        return frozenset()
    return frozenset(
        document.result.number
        for document in ledger.receipts.documents(shift.id)
        if document.done and document.result is not None
    )


def _follow_shift(till: Till, binding: Binding, status: Status, *, closed: bool) -> None:
    """The ledger's shift as the registrar has it."""
    place, ledger = till.workplace, till.workplace.ledger
    shift = ledger.shifts.open_shift(binding.id)
    now = place.clock.now()
    if shift is not None and (closed or (not status.shift_open and shift.device_opened_at is not None)):
        ledger.shifts.close(
            shift.id, by=shift.opened_by, at=now, z_number=None, cash_left=status.drawer or 0,
            closing={"reason": "the registrar closed it after the copy that these books came from"},
        )  # fmt: skip
        ledger.shop.drop_lease(binding.serial, place.settings.workplace)
        shift = None
    if shift is None and status.shift_open:
        users = ledger.people.active()
        if users:
            opened = ledger.shifts.open(
                Shift(
                    id=0, binding_id=binding.id, enterprise_id=binding.enterprise_id,
                    workplace=place.settings.workplace, opened_by=users[0].id,
                    opened_at=status.shift_opened_at or now, serial=binding.serial,
                    checks=({"reason": "the registrar opened it after the copy that these books came from"},),
                )
            )  # fmt: skip
            ledger.shifts.device_opened(opened.id, status.shift_opened_at or now, binding.serial)
