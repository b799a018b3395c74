"""Tills for prices paid in several receipts: on a hardware registrar and on the software one."""

from __future__ import annotations

import uuid
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from drivers.document import Document, DocumentKind
from drivers.prro.emulator.authority import Identity
from drivers.prro.emulator.web import FiscalEmulator
from drivers.prro.keys import ring
from drivers.prro.signing import Signer
from kiosk.ledger.records import Binding, DocumentState, FiscalDocument, Good
from kiosk.ledger.records import Shift as CashDay
from kiosk.till.advance import Wish
from kiosk.till.sale import Paid
from kiosk.till.till import Till
from tests.till.shop.rig import Shop

SOFA = Good(0, "70", "Диван", 80_000, 1, barcode="4820000000703", tax="А", stock=5_000)
LAMP = Good(0, "71", "Лампа", 10_000, 1, barcode="4820000000710", tax="Б", stock=5_000)
COGNAC = Good(
    0, "72", "Коньяк 0,5 л", 50_000, 1, barcode="4820000000727", tax="А", uktzed="2208201200", excisable=True, stock=9_000
)
PROMISE = ("4820000000703", "2*4820000000710")
"""1 000.00: a sofa and two lamps."""


def furnish(shop: Shop) -> None:
    shop.ledger.goods.put([SOFA, LAMP, COGNAC])


def order(shop: Shop, amount: int = 30_000, *, codes: tuple[str, ...] = PROMISE, **more: Any) -> Paid:
    """An advance (or a first part) on the promise, in cash."""
    for code in codes:
        shop.till.sale.enter(code)
    wish = Wish(amount, **more)
    return shop.till.advances.pay(wish, received=shop.till.sale.quote(part=amount).cash_due)


def settle(shop: Shop, number: str) -> Paid:
    """The order's rest, in cash."""
    take(shop, number)
    return shop.till.advances.pay(received=shop.till.sale.quote().cash_due)


def take(shop: Shop, number: str) -> None:
    (found,) = shop.till.advances.open_orders(number)
    shop.till.advances.take_in_hand(found.id)


@dataclass(frozen=True)
class Software:
    """A fiscal server and what a till needs to work with it."""

    emulator: FiscalEmulator
    keys: Path
    folder: Path

    def url(self, name: str = "till", fn: str = "4000123456") -> str:
        options = {
            "fn": fn, "key": "cashier", "keys": str(self.keys), "state": str(self.folder / f"{name}-state"), "tsp": "no",
            "demo": "yes", "connect_ms": "500", "read_ms": "5000", "command_ms": "5000",
            "tape": str(self.folder / f"{name}.txt"),
        }  # fmt: skip
        return f"prro+{self.emulator.address}?" + "&".join(f"{key}={value}" for key, value in options.items())

    def tape(self, name: str = "till") -> str:
        path = self.folder / f"{name}.txt"
        return path.read_text(encoding="utf-8") if path.exists() else ""


@contextmanager
def keys(folder: Path, people: Mapping[str, Identity], authority: bytes) -> Iterator[Path]:
    """A folder whose cashier's key is unlocked."""
    (folder / "trust").mkdir(parents=True)
    (folder / "trust" / "authority.cer").write_bytes(authority)
    identity = people["cashier"]
    ring.put(folder, "cashier", Signer(identity.key, identity.certificate))
    yield folder


def open_software_shift(till: Till, binding: Binding) -> CashDay:
    """The shift of a software registrar, by its own document."""
    place = till.workplace
    identity = uuid.uuid4()
    shift = place.ledger.shifts.open(
        CashDay(0, binding.id, binding.enterprise_id, place.settings.workplace, place.cashier().id, place.clock.now())
    )
    document = FiscalDocument(
        id=identity, kind=DocumentKind.OPEN_SHIFT, state=DocumentState.PENDING, binding_id=binding.id,
        enterprise_id=binding.enterprise_id, user_id=place.cashier().id, made_at=place.clock.now(),
        document=Document(id=identity, kind=DocumentKind.OPEN_SHIFT), shift_id=shift.id,
    )  # fmt: skip
    place.ledger.receipts.add_document(document)
    done = till.fiscal.issue(document)
    assert done.done, done.result
    return shift
