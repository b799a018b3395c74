"""Random acts of a shop, out of one seed: any basket, any mix of payments, whole shifts."""

from __future__ import annotations

import random
import uuid
from datetime import UTC, datetime, timedelta

from drivers.document import (
    Advance,
    CardSlip,
    Document,
    DocumentKind,
    Line,
    Original,
    PartPayment,
    Payment,
    PaymentForm,
    Stage,
    line_sum,
    percent_of,
)
from drivers.prro.documents import Heading

NAMES = ("Хліб", "Сир «Гауда» 45 %", "Обʼєм ½ л 🎂", "Кава <Arabica> & Co", "Ґазована вода №5", "X" * 240)
LETTERS = ("А", "Б", "В", "Д", "АГ", "БГ", "Е", "З", "ЕГ")


def some_line(chance: random.Random) -> Line:
    price = chance.choice((1, 99, 1257, chance.randint(1, 500_000)))
    quantity = chance.choice((1000, 1000, 2000, 275, 1, chance.randint(1, 20_000)))
    gross = line_sum(price, quantity)
    percent = chance.choice((0, 0, 0, 10_00, 33_33, 100_00))
    discount = percent_of(gross, percent) if percent else chance.choice((0, 0, chance.randint(0, gross)))
    letters = chance.choice(LETTERS)
    service = chance.random() < 0.1
    return Line(
        code=str(chance.randint(1, 99999)),
        name=chance.choice(NAMES),
        unit=chance.choice(("шт", "кг", "л")),
        quantity=quantity,
        price=price,
        sum=gross - discount,
        discount=discount,
        discount_percent=percent,
        tax=letters,
        uktzed="" if service else chance.choice(("", "2208201200", "22082012", "220820", "2208", "00123")),
        dkpp=chance.choice(("11.22", "11.22.3", "11.22.33-44.55")) if service else "",
        excise=tuple(f"AAAB{uuid.UUID(int=chance.getrandbits(128)).int % 10**12}" for _ in range(chance.randint(0, 2)))
        if "Г" in letters
        else (),
        barcode=chance.choice(("", "4820000000017")),
        comment=chance.choice(("", "", "без цукру")),
    )


def some_slip(chance: random.Random) -> CardSlip:
    return CardSlip(
        rrn=str(chance.randint(10**11, 10**12)),
        auth_code=str(chance.randint(0, 999999)),
        pan_mask=f"XXXXXXXXXXXX{chance.randint(0, 9999):04}",
        terminal="S1K70000",
        payment_system=chance.choice(("Visa", "Mastercard", "ПРОСТІР")),
        at=chance.choice(("", "2026-03-05T10:11:35", "2026-03-05T08:11:35+00:00")),
        fee=chance.choice((0, 0, 150)),
    )


def some_payments(chance: random.Random, due: int, *, change: bool, cash: bool) -> tuple[Payment, ...]:
    """Any forms that make `due`; `cash`: some of it is in cash."""
    rows: list[Payment] = []
    left = due
    while left and chance.random() < 0.5:
        form = chance.choice([form for form in PaymentForm if form is not PaymentForm.CASH])
        amount = chance.randint(1, left)
        if cash and amount == left:
            break
        slip = some_slip(chance) if form is PaymentForm.CARD and chance.random() < 0.7 else None
        rows.append(Payment(form=form, amount=amount, card=slip))
        left -= amount
    if left:
        rows.append(Payment(form=PaymentForm.CASH, amount=left + (chance.randint(0, 5000) if change else 0)))
    chance.shuffle(rows)
    return tuple(rows)


def some_receipt(chance: random.Random, kind: DocumentKind = DocumentKind.SALE) -> Document:
    """A sale or a refund that passes its own check."""
    lines = tuple(some_line(chance) for _ in range(chance.choice((1, 1, 2, 3, 7))))
    gross = sum(line.sum for line in lines)
    discount = chance.choice((0, 0, chance.randint(0, gross)))
    total = gross - discount
    part = None
    if total and chance.random() < 0.2:
        stage = chance.choice(list(Stage))
        before = 0 if stage is Stage.PREPAYMENT else chance.randint(1, total)
        left = total - before
        if stage is Stage.FINAL or left:
            advances = (Advance(number="834000400", amount=before),) if before else ()
            now = left if stage is Stage.FINAL else chance.randint(1, left)
            part = PartPayment(stage=stage, amount=now, advances=advances)
    asked = total if part is None else part.amount
    rounding = chance.choice((0, (asked + 25) // 50 * 50 - asked))
    if asked + rounding <= 0:
        rounding = 0
    payments = some_payments(
        chance, asked + rounding, change=kind is DocumentKind.SALE and chance.random() < 0.4, cash=bool(rounding)
    )
    document = Document(
        id=uuid.UUID(int=chance.getrandbits(128)),
        kind=kind,
        cashier="Коваль О. П.",
        lines=lines,
        discount=discount,
        rounding=rounding,
        payments=payments,
        part=part,
        original=Original(number="834000001") if kind is DocumentKind.REFUND else None,
    )
    document.check()
    return document


def some_heading(chance: random.Random, number: int) -> Heading:
    moment = datetime(2026, 3, 5, 7, tzinfo=UTC) + timedelta(seconds=number * 37)
    return Heading(uuid.UUID(int=chance.getrandbits(128)), number, moment, "Коваль О. П.")
