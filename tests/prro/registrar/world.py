"""A shop with a software registrar: a virtual server, a till, a clock that both live by."""

from __future__ import annotations

import threading
import uuid
from collections.abc import Callable, Mapping
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

from msgspec.structs import replace

from drivers.document import CardSlip, Document, DocumentKind, Line, Original, Payment, PaymentForm, line_sum
from drivers.links.wire import WireLog
from drivers.prro.emulator.authority import Identity
from drivers.prro.emulator.web import FiscalEmulator
from drivers.prro.keys import ring
from drivers.prro.registrar import PrroRegistrar
from drivers.prro.signing import Signer
from drivers.registrar import Result, State
from drivers.registry import connect
from drivers.road import walk
from tests.contract.memory import MemoryJournal

START = datetime(2026, 3, 5, 8, 0, tzinfo=UTC)
"""10:00 in Kyiv."""
FN = "4000123456"


class VirtualClock:
    """Time that passes when somebody sleeps, and a millisecond at each look."""

    def __init__(self, start: datetime = START) -> None:
        self._guard = threading.Lock()
        self._start = start
        self._passed = 0.0
        self.skew = timedelta()
        """What the till's own clock is wrong by."""

    def world(self) -> datetime:
        """The right time: the server's."""
        return self._start + timedelta(seconds=self._passed)

    def now(self) -> datetime:
        self.advance(0.001)
        return self.world() + self.skew

    def monotonic(self) -> float:
        return self._passed

    def sleep(self, seconds: float) -> None:
        self.advance(seconds)

    def advance(self, seconds: float) -> None:
        with self._guard:
            self._passed += seconds


class Keys:
    """A folder of keys whose signers are in the ring, and who is trusted."""

    def __init__(self, folder: Path, people: Mapping[str, Identity], authority: bytes) -> None:
        self.folder = folder
        (folder / "trust").mkdir(parents=True)
        (folder / "trust" / "authority.cer").write_bytes(authority)
        self._people = people
        for who in people:
            self.unlock(who)

    def unlock(self, who: str) -> None:
        identity = self._people[who]
        ring.put(self.folder, who, Signer(identity.key, identity.certificate))

    def lock(self, who: str) -> None:
        # The signer is not closed: it would take the key of every test with it.
        ring._signers.pop((self.folder.absolute(), who), None)


class Shop:
    """One till of one registrar. `do` walks the road; `restart` is a new process with the same disk."""

    def __init__(
        self,
        emulator: FiscalEmulator,
        keys: Keys,
        folder: Path,
        clock: VirtualClock,
        who: str = "cashier",
        **options: Any,
    ) -> None:
        self.emulator, self.keys, self.folder, self.clock = emulator, keys, folder, clock
        self.options = {
            "fn": FN, "key": who, "keys": str(keys.folder), "state": str(folder / "state"), "tsp": "no", "demo": "yes",
            "connect_ms": "500", "read_ms": "1500", "command_ms": "1500", "tape": str(folder / "tape.txt"),
        } | {name: str(value) for name, value in options.items()}  # fmt: skip
        self.journal = MemoryJournal()
        self.log = WireLog(clock)
        self.registrar = self._connect()

    def _connect(self) -> PrroRegistrar:
        registrar = connect(self.url, clock=self.clock, log=self.log)
        assert isinstance(registrar, PrroRegistrar)
        return registrar

    @property
    def url(self) -> str:
        query = "&".join(f"{name}={value}" for name, value in self.options.items())
        return f"prro+{self.emulator.address}?{query}"

    def restart(self, **options: Any) -> None:
        self.registrar.close()
        self.options |= {name: str(value) for name, value in options.items()}
        self.registrar = self._connect()

    def close(self) -> None:
        self.registrar.close()

    # -- acts ---------------------------------------------------------------------------------------------------------

    def do(self, document: Document, patience: float = 5.0) -> Result:
        return walk(self.registrar, document, self.journal, self.clock, patience=patience, ask_again=1.0)

    def must(self, document: Document) -> Result:
        result = self.do(document)
        assert result.state is State.REGISTERED, result
        return result

    def refused(self, document: Document, code: str) -> Result:
        result = self.do(document)
        assert result.state is State.REJECTED, result
        assert result.fault is not None and result.fault.code == code, result.fault
        return result

    def open(self) -> Result:
        return self.must(act(DocumentKind.OPEN_SHIFT))

    # -- what there is ------------------------------------------------------------------------------------------------

    @property
    def ledger(self) -> list[dict[str, Any]]:
        """Documents of the server that count, oldest first."""
        return [entry for entry in self.emulator.registers()["journal"] if not entry["revoked"]]

    @property
    def kinds(self) -> list[str]:
        return [entry["kind"].lower() for entry in self.ledger]

    @property
    def tape(self) -> str:
        path = Path(self.options["tape"])
        return path.read_text(encoding="utf-8") if path.exists() else ""

    def sent(self) -> int:
        return self.log.sent


def line(name: str = "Хліб", price: int = 1250, quantity: int = 2000, **more: Any) -> Line:
    discount = more.get("discount", 0)
    fields: dict[str, Any] = {"code": name, "name": name, "tax": "А", "price": price, "quantity": quantity} | more
    return Line(**fields, sum=line_sum(price, quantity) - discount)


def sale(*lines: Line, **more: Any) -> Document:
    """A sale paid in cash to the kopeck unless payments are given."""
    fields: dict[str, Any] = {"id": uuid.uuid4(), "kind": DocumentKind.SALE, "lines": lines or (line(),)} | more
    draft = Document(**fields)
    if draft.payments or not draft.due:
        return draft
    return replace(draft, payments=(Payment(form=PaymentForm.CASH, amount=draft.due),))


def refund(number: str, *lines: Line, fiscal_number: str = FN, at: str = "", **more: Any) -> Document:
    original = Original(number=number, fiscal_number=fiscal_number, at=at)
    return sale(*lines, kind=DocumentKind.REFUND, original=original, **more)


def storno(number: str) -> Document:
    return Document(id=uuid.uuid4(), kind=DocumentKind.STORNO, original=Original(number=number))


def act(kind: DocumentKind, amount: int = 0) -> Document:
    return Document(id=uuid.uuid4(), kind=kind, amount=amount)


def cash_in(amount: int) -> Document:
    return act(DocumentKind.CASH_IN, amount)


def cash_out(amount: int) -> Document:
    return act(DocumentKind.CASH_OUT, amount)


def z_report() -> Document:
    return act(DocumentKind.Z_REPORT)


CARD = CardSlip(rrn="123456789012", auth_code="A1B2C3", pan_mask="****4242", terminal="S1AB0001", payment_system="VISA")
Make = Callable[[], Document]
