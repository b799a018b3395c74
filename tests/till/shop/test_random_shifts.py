"""VII-2: whatever a shift was made of, its Z holds the sum of the ledger's documents, for every tax letter and means.

A few dozen shifts run always; KASA_SHIFTS=1000 runs the thousand of the criterion. Any shift can be made again by its
seed, which the failure names.
"""

from __future__ import annotations

import os
import random
from pathlib import Path

import pytest

from drivers.document import Document, DocumentKind, PaymentForm
from drivers.emulation.command import build, timing
from drivers.emulation.faults import FaultPlan
from drivers.emulation.lines import PtyLine
from drivers.emulation.server import EmulatorServer
from kiosk.ledger.records import Good, ReceiptState
from kiosk.till.errors import Refusal
from tests.till.shop.conftest import Found
from tests.till.shop.rig import SLIP, Shop

SHIFTS = int(os.environ.get("KASA_SHIFTS", "24"))
BLOCKS = 4
"""Tests that share the shifts, so that they can run beside each other."""
GOODS = [
    Good(0, str(100 + number), f"Товар {number}", price, 1, tax=tax, weighed=weighed, unit="кг" if weighed else "шт")
    for number, (price, tax, weighed) in enumerate(
        [
            (1, "А", False), (99, "Б", False), (1234, "В", False), (4199, "А", False), (30, "Г", False),
            (9_995, "А", True), (19_990, "Б", True), (333, "В", True), (25_001, "Г", False), (7, "Б", False),
        ]
    )
]  # fmt: skip
RED = Good(0, "200", "Вживане", 1500, 1, fiscal=False, ground="exempt_art9")


@pytest.mark.timeout(60 + SHIFTS * 10)
@pytest.mark.parametrize("block", range(BLOCKS))
def test_vii2_z_totals_are_the_sum_of_the_ledgers_documents(block: int, found: Found, tmp_path: Path) -> None:
    # A registrar whose memory is not written out after every command: no power is cut here, and there are many.
    machine = build("datecs", {}, None, None, FaultPlan())
    with EmulatorServer(machine, PtyLine(tmp_path / "tty"), timing({})) as server:
        many_shifts(block, server, found)


def many_shifts(block: int, server: EmulatorServer, found: Found) -> None:
    shop = found(server)
    shop.ledger.goods.put([*GOODS, RED])
    shop.allow(refund_limit=10**9, cash_out_limit=10**9)
    shop.login("Ігор")
    for number in range(block, SHIFTS, BLOCKS):
        one_shift(shop, server, seed=number)


def one_shift(shop: Shop, server: EmulatorServer, *, seed: int) -> None:
    dice = random.Random(seed)
    shop.allow(cash_rounding=dice.choice(["off", 10, 50]))
    till, binding = shop.till, shop.binding
    left = till.shifts.left_at_close(binding)
    float_ = dice.choice([0, 5_000, 123_450])
    till.shifts.open(binding, counted=left + float_, float_=float_, reason="розмін")
    shift = till.shifts.current(binding)
    assert shift is not None
    for _ in range(dice.randint(1, 9)):
        act = dice.choice((sale, sale, sale, refund, refund, cash_in, cash_out))
        try:
            act(shop, dice)
        except Refusal as refusal:
            # Less cash than the sum, nothing left to return: told before anything was sent.
            assert refusal.code in ("CASH_SHORT", "PRECHECK"), f"seed {seed}: {refusal}"
            till.sale.clear()
    x = till.reports.x(binding, paper=False)
    assert x.agrees, f"seed {seed}: {[row for row in x.rows if row.difference]}"
    registers = server.registers()
    sums = shop.ledger.shifts.sums(shift.id)
    closed = till.closing.z(binding, counted=0)
    assert closed.document.done, f"seed {seed}: {closed.document.result}"
    totals = closed.document.result.totals if closed.document.result is not None else None
    assert totals is not None
    said = f"seed {seed}"
    assert totals.sales_by_tax == clean(sums.sales_by_tax), said
    assert totals.refunds_by_tax == clean(sums.refunds_by_tax), said
    assert totals.sales_by_form == clean(sums.sales_by_form), said
    assert clean(registers["refunds_by_form"]) == clean(sums.refunds_by_form), said
    assert (totals.cash_in, totals.cash_out) == (sums.cash_in, sums.cash_out), said
    # The sums are what the documents themselves say, added up here by other code.
    documents = [item.document for item in shop.ledger.receipts.documents(shift.id) if item.done]
    for kind, forms, taxes in (
        (DocumentKind.SALE, sums.sales_by_form, totals.sales_by_tax),
        (DocumentKind.REFUND, sums.refunds_by_form, totals.refunds_by_tax),
    ):
        mine = [document for document in documents if document.kind is kind]
        assert clean(forms) == clean({form.value: sum(kept(one, form) for one in mine) for form in PaymentForm}), said
        assert sum(taxes.values()) == sum(document.due for document in mine), said


def clean(sums: dict[str, int]) -> dict[str, int]:
    return {name: value for name, value in sums.items() if value}


def kept(document: Document, form: PaymentForm) -> int:
    amount = sum(payment.amount for payment in document.payments if payment.form is form)
    return amount - (document.change if form is PaymentForm.CASH else 0)


def sale(shop: Shop, dice: random.Random) -> None:
    till = shop.till
    for _ in range(dice.randint(1, 5)):
        good = shop.ledger.goods.by_code(dice.choice([*GOODS, RED]).code)
        assert good is not None
        quantity = dice.randint(1, 4000) if good.weighed else 1000 * dice.randint(1, 5)
        till.sale.pick(good, quantity)
        if dice.random() < 0.2:
            till.sale.discount(percent=dice.randint(0, 9_000))
    fiscal = till.sale.basket.fiscal
    card = dice.choice([0, 0, fiscal, dice.randint(0, fiscal)])
    quote = till.sale.quote(card=card)
    received = quote.cash_due + dice.choice([0, 0, 5_000]) if quote.cash_due else 0
    if till.sale.basket.total == 0 or (fiscal == 0 and till.sale.basket.by_enterprise()):
        till.sale.clear()
        return
    paid = till.sale.pay(received=received, card=card, slip=SLIP if card else None)
    assert paid.state is ReceiptState.DONE, paid.fault


def refund(shop: Shop, dice: random.Random) -> None:
    till = shop.till
    sales = [one for one in till.refunds.recent() if any(line.returned < line.quantity for line in one.lines)]
    if not sales:
        return
    draft = till.refunds.draft(dice.choice(sales[:5]).id)
    for line in draft.sale.lines:
        rest = line.quantity - line.returned
        if rest and dice.random() < 0.7:
            whole = line.quantity % 1000 == 0
            quantity = 1000 * dice.randint(1, rest // 1000) if whole and rest >= 1000 else dice.randint(1, rest)
            draft = till.refunds.take(draft, line.id or 0, quantity)
    if not draft.chosen:
        return
    offer = till.refunds.offer(draft)
    if offer.due == 0:
        return
    done = till.refunds.refund(draft, reason="Wrong goods", slip=SLIP if offer.card else None)
    assert done.state is ReceiptState.DONE, done.fault


def cash_in(shop: Shop, dice: random.Random) -> None:
    shop.till.cash.put_in(shop.binding, dice.randint(1, 100_000))


def cash_out(shop: Shop, dice: random.Random) -> None:
    shop.till.cash.take_out(shop.binding, dice.randint(1, 100_000))
