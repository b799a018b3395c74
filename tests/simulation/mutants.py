"""The product with one of its safeguards taken out: the simulation must notice each, or it is worth nothing.

Every mutant is a context manager that patches the product for as long as a test lives in it.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator
from contextlib import AbstractContextManager, ExitStack, contextmanager
from typing import Any
from unittest import mock
from uuid import UUID

from drivers import road
from drivers.clock import Clock
from drivers.datecs.exchange import SEQ_SPAN, Exchange
from drivers.datecs.frame import SEQ_FIRST, Reply
from drivers.document import Document
from drivers.errors import Code, Fault, Invalid, LinkLost
from drivers.prro.documents.ticket import Ticket
from drivers.registrar import FaultInfo, Registrar, Result, State, verdict
from kiosk.ledger import engine

Mutant = Callable[[], AbstractContextManager[None]]


@contextmanager
def no_reconciliation() -> Iterator[None]:
    """A doubt is taken for "nothing was done", and nobody asks the registrar."""

    def settle(registrar: Registrar, document: Document, before: Any, journal: Any, clock: Clock, **_: Any) -> Result:
        result = Result(State.REJECTED, fault=FaultInfo(str(Code.OFFLINE), "lost"))
        journal.outcome(document, result)
        return result

    with ExitStack() as stack:
        for name in ("drivers.road.settle", "kiosk.till.fiscal.settle"):
            stack.enter_context(mock.patch(name, settle))
        yield


@contextmanager
def no_fsync() -> Iterator[None]:
    """SQLite is told not to wait for the disk."""
    real = engine._settle_sqlite

    def settle(connection: Any, record: object) -> None:
        real(connection, record)
        connection.execute("PRAGMA synchronous=OFF")

    with mock.patch("kiosk.ledger.engine._settle_sqlite", settle):
        yield


@contextmanager
def late_intent() -> Iterator[None]:
    """The document goes out first, and its intent is written when it came back."""

    def once(
        registrar: Registrar, document: Document, journal: Any, clock: Clock, patience: float, ask_again: float
    ) -> Result:
        try:
            before = registrar.snapshot(document)
        except Invalid:
            raise
        except Fault as fault:
            return Result(State.REJECTED, fault=verdict(fault).fault)
        result = registrar.register(document, before)
        journal.intent(document, before)
        journal.outcome(document, result)
        return result

    with mock.patch.object(road, "_once", once):
        yield


@contextmanager
def fresh_seq() -> Iterator[None]:
    """A repeated packet takes a new SEQ, so that the printer does the command again."""

    def send(
        self: Any,
        command: int,
        data: bytes,
        *,
        shown: bytes | None = None,
        ask_first: bool = False,
        any_command: bool = False,
        cap: float | None = None,
    ) -> Reply:
        deadline = self._clock.monotonic() + (cap or self._cap)
        patience = self._working if ask_first else self._silence
        self._parser.reset()
        self._link.flush_input()
        for _ in range(self._attempts):
            seq = SEQ_FIRST + int(self._count)
            self._count = (self._count + 1) % SEQ_SPAN
            self._link.write(
                self._packet(seq, command, data), None if shown is None else self._packet(seq, command, shown)
            )
            reply, repeat = self._await(seq, None if any_command else command, patience, deadline)
            if reply is not None:
                found: Reply = reply
                return found
            if self._clock.monotonic() >= deadline or (ask_first and not repeat):
                break
        raise LinkLost(Code.TIMEOUT_UNKNOWN, f"no answer to command {command}")

    with mock.patch.object(Exchange, "send", send):
        yield


@contextmanager
def no_question() -> Iterator[None]:
    """A document whose outcome is open is sent again without a question."""

    def walk(registrar: Registrar, document: Document, journal: Any, clock: Clock, **_: Any) -> Result:
        try:
            before = registrar.snapshot(document)
        except Invalid:
            raise
        except Fault as fault:
            return Result(State.REJECTED, fault=verdict(fault).fault)
        journal.intent(document, before)
        result = registrar.register(document, before)
        if result.state is State.UNKNOWN:
            result = registrar.register(document, before)
        journal.outcome(document, result)
        return result

    with mock.patch("kiosk.till.fiscal.walk", walk):
        yield


@contextmanager
def any_ticket() -> Iterator[None]:
    """A ticket of the fiscal server is believed whatever document it is about."""

    def answers(self: Ticket, uid: UUID, number: int) -> bool:
        return True

    with mock.patch.object(Ticket, "answers", answers):
        yield


MUTANTS: dict[str, tuple[str, Mutant]] = {
    "the reconcile step": ("datecs", no_reconciliation),
    "the fsync": ("datecs", no_fsync),
    "the intent": ("datecs", late_intent),
    "the SEQ reuse": ("datecs", fresh_seq),
    "the UID comparison": ("prro", any_ticket),
    "the question before a repeat": ("datecs", no_question),
}
"""What was taken out -> the family that it shows with, and the mutant."""
