"""The shop of the reference's examples, and the official schemas where the folder with them is present."""

from __future__ import annotations

import uuid
from collections.abc import Callable
from datetime import datetime
from functools import cache
from pathlib import Path
from typing import Any

import pytest

from drivers.clock import KYIV
from drivers.document import CardSlip, Document, DocumentKind, Line, Payment, PaymentForm, line_sum, percent_of
from drivers.prro.documents import Heading, OfflineMark, Outlet

SERVICE = Path(__file__).resolve().parents[4] / "shared" / "fiscal-server"
"""The tax service's own schemas and examples: data for tests, no part of the project."""

SHOP = Outlet(
    tin="12345678",
    ipn="123456712345",
    organisation='ТОВ "Зразок"',
    point='Магазин "Ялинка"',
    address="УКРАЇНА, м. Київ, вул. Прикладна, 1",
    desk=7,
    register="4000123456",
)
SEED = "271828182845904"
SLIP = CardSlip(
    rrn="606410117725",
    auth_code="130432",
    pan_mask="XXXXXXXXXXXX1713",
    terminal="S1K70000",
    payment_system="Mastercard",
    acquirer='АТ "Банк-Еквайр"',
    slip_number="000622",
    at="2026-03-05T10:11:35+02:00",
    merchant="PB00417",
)


def heading(
    number: int, clock: str = "101142", *, uid: str = "", cashier: str = "Коваль О. П.", **mark: Any
) -> Heading:
    """A heading of 05.03.2026; `session`, `place` and `previous` make it an offline one."""
    moment = datetime.strptime(f"05032026{clock}", "%d%m%Y%H%M%S").replace(tzinfo=KYIV)
    offline = OfflineMark(mark.pop("session", "48866"), mark.pop("place"), SEED, **mark) if mark else None
    return Heading(uuid.UUID(uid) if uid else uuid.uuid4(), number, moment, cashier, offline)


def line(name: str, price: int, quantity: int = 1000, *, tax: str = "А", percent: int = 0, **more: Any) -> Line:
    """A line that adds up; `percent` off it in hundredths, or `discount` kopecks."""
    gross = line_sum(price, quantity)
    discount = percent_of(gross, percent) if percent else more.pop("discount", 0)
    return Line(
        code=more.pop("code", "1"),
        name=name,
        price=price,
        quantity=quantity,
        tax=tax,
        discount=discount,
        discount_percent=percent,
        sum=gross - discount,
        **more,
    )


def paid(amount: int, form: PaymentForm = PaymentForm.CASH, **more: Any) -> Payment:
    return Payment(form=form, amount=amount, **more)


def act(kind: DocumentKind, **fields: Any) -> Document:
    document = Document(id=uuid.uuid4(), kind=kind, **fields)
    document.check()
    return document


def sale(*lines: Line, payments: tuple[Payment, ...] | None = None, **more: Any) -> Document:
    """A sale; paid exactly in cash where nothing else is said."""
    kind = more.pop("kind", DocumentKind.SALE)
    bare = Document(id=uuid.uuid4(), kind=kind, lines=lines, **more)
    if payments is None:
        payments = (paid(bare.due),) if bare.due else ()
    return act(kind, lines=lines, payments=payments, **more)


@cache
def _schema(name: str) -> Callable[[bytes], None] | None:
    path = SERVICE / "xsd" / name
    if not path.is_file():
        return None
    etree = pytest.importorskip("lxml.etree")
    schema = etree.XMLSchema(etree.parse(str(path)))

    def check(data: bytes) -> None:
        schema.assertValid(etree.fromstring(data))

    return check


def by_schema(data: bytes) -> None:
    """Assert the official schema, where it is present; the caller's other assertions stand alone without it."""
    check = _schema("zrep01.xsd" if b"<ZREP " in data[:200] else "check01.xsd")
    if check is not None:
        check(data)


def official(name: str) -> bytes:
    """One of the service's own examples; the test is skipped where the folder is absent."""
    path = SERVICE / "examples" / name
    if not path.is_file():
        pytest.skip(f"the tax service's examples are not beside the project ({path})")
    return path.read_bytes()
