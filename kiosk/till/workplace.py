"""What every room of the till shares: ledger, registrars, clock, settings and who works here now.

A `Desk` is one registrar of this workplace behind the one worker that owns it; the till waits for it on its own thread.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from contextlib import AbstractContextManager, nullcontext
from dataclasses import dataclass
from typing import Any, Protocol, TypeVar

from drivers.clock import Clock
from drivers.document import Document
from drivers.registrar import Capabilities, Registrar, Status
from kiosk.config import Settings
from kiosk.ledger.interface import Ledger
from kiosk.ledger.records import AuditRecord, Binding, BindingRole, User
from kiosk.till import rules
from kiosk.till.errors import N_, Denied, Refusal
from kiosk.till.rights import Grant, Right, grant, may_approve

T = TypeVar("T")


class Access(Protocol):
    """The way to a registrar: `drivers.worker.Worker`, or a direct call in a simulation."""

    capabilities: Capabilities
    last: Status | None

    @property
    def check(self) -> Callable[[Document], None]: ...

    def call(self, work: Callable[[Registrar], T]) -> T: ...

    def refresh(self) -> object:
        """Ask for the status without waiting; the answer comes to `last`."""

    def close(self) -> None: ...


class Evidence(Protocol):
    """Where every byte that leaves this box is kept: `kiosk.evidence.book.Book`."""

    def about(self, binding: int, document: str) -> AbstractContextManager[None]: ...

    def printing(self, binding: int) -> AbstractContextManager[None]: ...

    def close(self) -> None: ...


@dataclass
class Desk:
    """One registrar of this workplace. `binding` is refreshed when the unit is met for the first time."""

    binding: Binding
    access: Access


class Gate(Protocol):
    """Whether the till may sell with these books at all: not in the middle of a restore, not on a replaced machine."""

    @property
    def closed(self) -> bool:
        """Nothing may be asked of a registrar yet."""

    def selling(self) -> None:
        """Raises `Refusal`."""

    def opening(self) -> None:
        """Raises `Refusal`."""


class OpenGate:
    """No restore, no other machine."""

    closed = False

    def selling(self) -> None:
        return

    def opening(self) -> None:
        return


@dataclass(frozen=True)
class Approval:
    """Somebody's badge or PIN, given for one action. Made by `kiosk.till.people.People.approve` only."""

    user: User
    right: Right


Connect = Callable[[Binding], Access]


class Workplace:
    """One till. `connect` makes the access to a binding's registrar and opens nothing yet."""

    def __init__(
        self, ledger: Ledger, settings: Settings, clock: Clock, connect: Connect, evidence: Evidence | None = None
    ) -> None:
        self.ledger = ledger
        self.settings = settings
        self.clock = clock
        self.evidence = evidence
        self._connect = connect
        self._desks: dict[int, Desk] = {}
        self.user: User | None = None
        self.locked = False
        self.gate: Gate = OpenGate()

    # -- registrars -----------------------------------------------------------------------------------------------

    def bindings(self) -> list[Binding]:
        """Active registrars of this workplace."""
        found = self.ledger.shop.bindings(self.settings.workplace)
        return [binding for binding in found if binding.role is BindingRole.ACTIVE]

    def binding_for(self, enterprise_id: int) -> Binding:
        """The active registrar of an enterprise here. Raises `Refusal` (X-7)."""
        for binding in self.bindings():
            if binding.enterprise_id == enterprise_id:
                return binding
        raise Refusal(
            "NO_REGISTRAR",
            N_("No registrar is set up at this workplace for {enterprise}"),
            N_("The sale cannot be fiscalised: call the technician."),
            enterprise=self.enterprise_name(enterprise_id),
        )

    def main_binding(self) -> Binding:
        """The registrar that the status bar shows: the first active one. Raises `Refusal` where there is none."""
        found = self.bindings()
        if not found:
            raise Refusal(
                "NO_REGISTRAR",
                N_("No registrar is set up at this workplace"),
                N_("Call the technician: a registrar must be connected."),
            )
        return found[0]

    def desk(self, binding: Binding) -> Desk:
        """The desk of a binding, connected on first use."""
        desk = self._desks.get(binding.id)
        if desk is None or desk.binding.url != binding.url:
            if desk is not None:
                desk.access.close()
            desk = Desk(binding, self._connect(binding))
            self._desks[binding.id] = desk
        desk.binding = binding
        return desk

    def about(self, binding: Binding, document: Document) -> AbstractContextManager[None]:
        """What a registrar exchanges meanwhile is evidence about this document."""
        return nullcontext() if self.evidence is None else self.evidence.about(binding.id, str(document.id))

    def printing(self, binding: Binding) -> AbstractContextManager[None]:
        """What a registrar gets meanwhile is a slip to print, and registers nothing."""
        return nullcontext() if self.evidence is None else self.evidence.printing(binding.id)

    def enterprise_name(self, enterprise_id: int) -> str:
        names = {enterprise.id: enterprise.name for enterprise in self.ledger.shop.enterprises()}
        return names.get(enterprise_id, str(enterprise_id))

    def close(self) -> None:
        """Release every registrar and the ledger."""
        for desk in self._desks.values():
            desk.access.close()
        self._desks.clear()
        if self.evidence is not None:
            self.evidence.close()
        self.ledger.close()

    # -- people ---------------------------------------------------------------------------------------------------

    def cashier(self) -> User:
        """Who works here now. Raises `Refusal` when nobody does or the till is locked."""
        if self.user is None or self.locked:
            raise Refusal("NOBODY", N_("Nobody is logged in"), N_("Scan your badge or enter your PIN."))
        return self.user

    def require(self, right: Right, approval: Approval | None = None, *, reason: str = "") -> User:
        """Let the act pass or raise `Denied`, with a record in the audit. Returns who answers for it."""
        user = self.cashier()
        given = grant(user, right)
        helper = approval.user if approval is not None and approval.right is right else None
        if given is Grant.YES:
            return user
        if given is Grant.PIN and helper is not None and reason.strip() and may_approve(helper, right):
            self.audit(right.value, {"approved_by": helper.name, "reason": reason})
            return helper
        if given is Grant.SENIOR and helper is not None and may_approve(helper, right):
            self.audit(right.value, {"approved_by": helper.name, "reason": reason})
            return helper
        self.audit(right.value, {"grant": given.value}, allowed=False)
        raise Denied(right.value, approvable=given is not Grant.NO, user=user.name)

    def needs(self, right: Right) -> Grant:
        """What a screen must ask for before it calls: nothing, a PIN, a senior, or it may not offer the act at all."""
        return grant(self.cashier(), right)

    def audit(self, action: str, detail: Mapping[str, Any] | None = None, *, allowed: bool = True) -> None:
        """Write who did or tried what."""
        user_id = self.user.id if self.user is not None else None
        self.ledger.audit.add(AuditRecord(self.clock.now(), user_id, action, detail or {}, allowed=allowed))

    # -- rules ----------------------------------------------------------------------------------------------------

    def rounding_step(self) -> int:
        """Step of cash rounding now, kopecks, by the law's date or the owner's setting."""
        setting = self.settings.policy.cash_rounding
        if setting == "off":
            return 0
        return rules.rounding_step(self.clock.now()) if setting == "law" else setting
