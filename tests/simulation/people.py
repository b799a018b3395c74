"""What the people of the shop do; each act takes its choices from the step's own dice and the state it meets.

An act returns what the cashier was told: the documents that the till says exist, or certainly do not.
"""

from __future__ import annotations

import random
from collections.abc import Callable, Iterable
from dataclasses import dataclass

from kiosk.ledger.records import DocumentState, FiscalDocument, ReceiptState
from kiosk.till.act import Act
from kiosk.till.errors import Refusal
from kiosk.till.rights import Right
from kiosk.till.sale import Paid
from tests.simulation.shop import GOODS, SLIP, Shop


@dataclass(frozen=True)
class Told:
    """Documents as the cashier was told about them at the end of an act."""

    documents: tuple[FiscalDocument, ...] = ()
    text: str = ""


def told(documents: Iterable[FiscalDocument | None], text: str = "") -> Told:
    found = tuple(document for document in documents if document is not None)
    states = " ".join(f"{item.kind.value}:{item.state.value}" for item in found)
    return Told(found, " ".join(part for part in (text, states) if part))


def open_day(shop: Shop, dice: random.Random) -> Told:
    till = shop.till
    shop.login(dice.choice(("Олена", "Ігор")))
    if till.shifts.current(shop.binding) is not None:
        return told([], "the shift goes on")
    checks = till.checklist.run(shop.binding, seals=True)
    if checks.action != "open":
        return told([], f"the checklist says {checks.action or 'stop'}")
    cash = checks.line("cash").values.get("registrar")
    held = cash if isinstance(cash, int) else 0
    float_ = dice.choice((0, 5_000, 123_450))
    opened = till.shifts.open(
        shop.binding, counted=max(held, 0) + float_, float_=float_, reason="розмін", checks=checks.stored()
    )
    return told([opened.cash_in], "opened")


def sale(shop: Shop, dice: random.Random, *, twice: bool = False) -> Told:
    till = shop.till
    fill(shop, dice)
    basket = till.sale.basket
    if basket.total == 0:
        till.sale.clear()
        return told([], "nothing to pay")
    till.sale.ready()
    fiscal = till.sale.basket.fiscal
    card = dice.choice((0, 0, 0, fiscal, dice.randint(0, fiscal)))
    quote = till.sale.quote(card=card)
    received = quote.cash_due + dice.choice((0, 0, 5_000)) if quote.cash_due else 0
    return paid(shop, lambda: till.sale.pay(received=received, card=card, slip=SLIP if card else None), twice=twice)


def paid(shop: Shop, pay: Callable[[], Paid], *, twice: bool) -> Told:
    """Press once, or once more before the till has answered: the second press must find nothing to pay."""
    done = pay()
    if twice and done.state is not ReceiptState.FAILED:
        try:
            again = pay()
        except Refusal:
            pass
        else:
            shop.world.violate(f"pressed twice, paid twice: {again.state}")
    if done.state is ReceiptState.FAILED and not shop.till.sale.basket.lines:
        shop.world.violate("the sale failed and its basket is gone")
    return told(done.documents, f"paid {done.state.value}")


def fill(shop: Shop, dice: random.Random) -> None:
    """Scan a few goods into the basket."""
    till = shop.till
    for _ in range(dice.randint(1, 4)):
        good = shop.ledger.goods.by_code(dice.choice(GOODS).code)
        assert good is not None
        quantity = dice.randint(20, 3000) if good.weighed else 1000 * dice.randint(1, 4)
        till.sale.pick(good, quantity)
        if dice.random() < 0.15:
            till.sale.discount(percent=dice.randint(0, 5_000), approval=shop.helps(Right.DISCOUNT))
    if dice.random() < 0.1:
        customer = shop.ledger.goods.customer("CARD-777")
        till.sale.customer(customer)


def refund(shop: Shop, dice: random.Random) -> Told:
    till = shop.till
    sales = [one for one in till.refunds.recent() if any(line.returned < line.quantity for line in one.lines)]
    if not sales:
        return told([], "nothing to return")
    draft = till.refunds.draft(dice.choice(sales[:6]).id)
    for line in draft.sale.lines:
        rest = line.quantity - line.returned
        if rest and dice.random() < 0.7:
            whole = line.quantity % 1000 == 0
            quantity = 1000 * dice.randint(1, rest // 1000) if whole and rest >= 1000 else dice.randint(1, rest)
            draft = till.refunds.take(draft, line.id or 0, quantity)
    if not draft.chosen:
        return told([], "nothing chosen")
    offer = till.refunds.offer(draft)
    if offer.due == 0:
        return told([], "nothing to give back")
    done = till.refunds.refund(
        draft, reason="Wrong goods", slip=SLIP if offer.card else None, approval=shop.helps(Right.REFUND_ANY)
    )
    return told(done.documents, f"refunded {done.state.value}")


def correct(shop: Shop, dice: random.Random) -> Told:
    till = shop.till
    draft = till.corrections.last()
    offer = till.refunds.offer(draft)
    if offer.due == 0:
        return told([], "nothing to give back")
    done = till.corrections.correct(
        draft,
        Act("Wrong sum", 2000, "готівка"),
        slip=SLIP if offer.card else None,
        approval=shop.helps(Right.STORNO),
    )
    return told(done.documents, f"corrected {done.state.value}")


def cash_in(shop: Shop, dice: random.Random) -> Told:
    return told([shop.till.cash.put_in(shop.binding, dice.randint(1, 100_000))])


def cash_out(shop: Shop, dice: random.Random) -> Told:
    approval = shop.helps(Right.CASH_OUT_ANY)
    return told([shop.till.cash.take_out(shop.binding, dice.randint(1, 60_000), approval=approval)])


def x_report(shop: Shop, dice: random.Random) -> Told:
    report = shop.till.reports.x(shop.binding, paper=dice.random() < 0.5)
    if not report.agrees and not shop.ledger.receipts.unsettled():
        different = [(row.key, row.registrar, row.till) for row in report.rows if row.difference]
        shop.world.violate(f"the X report differs from the till: {different}")
    return told([], "X")


def park(shop: Shop, dice: random.Random) -> Told:
    fill(shop, dice)
    shop.till.sale.park("later")
    return told([], "parked")


def recall(shop: Shop, dice: random.Random) -> Told:
    till = shop.till
    parked = till.sale.parked()
    if not parked or till.sale.basket.lines:
        return told([], "nothing to recall")
    till.sale.recall(dice.choice(list(parked))[0].id)
    return paid(shop, lambda: till.sale.pay(received=till.sale.quote().cash_due), twice=False)


def change_cashier(shop: Shop, dice: random.Random) -> Told:
    shop.login(dice.choice(("Олена", "Ігор", "Марія")))
    return told([])


def restart(shop: Shop, dice: random.Random) -> Told:
    user = shop.till.workplace.user
    shop.restart()
    found = shop.till.fiscal.recover()
    shop.login(user.name if user is not None else "Ігор")
    return told([], f"{len(found)} found out")


def ask(shop: Shop, dice: random.Random) -> Told:
    items = shop.till.unknowns.items()
    if not items:
        return told([])
    return told([shop.till.unknowns.ask(dice.choice(list(items)).document.id)], "asked")


def slips(shop: Shop, dice: random.Random) -> Told:
    return told([], f"{shop.till.sale.print_slips()} wait")


def copy(shop: Shop, dice: random.Random) -> Told:
    shop.till.sale.copy_last()
    return told([])


def idle(shop: Shop, dice: random.Random) -> Told:
    shop.world.advance(dice.choice((30.0, 600.0, 3_600.0)))
    return told([])


def close_day(shop: Shop, dice: random.Random, *, twice: bool = False) -> Told:
    """The wizard: nothing unresolved, count, take the cash out, Z."""
    till = shop.till
    shift = till.shifts.current(shop.binding)
    if shift is None:
        return told([], "no shift")
    for _, basket in till.sale.parked():
        till.sale.leave()
        till.sale.recall(basket.id)
        till.sale.clear()
    if till.sale.basket.lines:
        till.sale.clear()
    documents: list[FiscalDocument] = []
    proposed = till.closing.proposed_cash_out(shop.binding)
    if proposed and dice.random() < 0.5:
        out = till.closing.cash_out(shop.binding, proposed, approval=shop.helps(Right.CASH_OUT_ANY))
        documents.append(out)
        if not out.done:
            return told(documents, "closing stopped")
    compared = till.closing.compare(shop.binding, counted=0)
    if any(row.difference for row in compared.rows) and not shop.ledger.receipts.unsettled():
        shop.world.violate(f"at closing the books differ: {[row for row in compared.rows if row.difference]}")
    closed = till.closing.z(shop.binding, counted=0, approval=shop.helps(Right.Z_REPORT_ANY))
    documents.append(closed.document)
    if twice:
        try:
            till.closing.z(shop.binding, counted=0, approval=shop.helps(Right.Z_REPORT_ANY))
        except Refusal:
            pass
        else:
            if closed.document.state is not DocumentState.REJECTED:
                shop.world.violate("pressed twice, two Z reports")
    return told(documents, "closed")


ACTS: dict[str, Callable[..., Told]] = {
    "open": open_day, "sale": sale, "refund": refund, "correct": correct, "cash_in": cash_in, "cash_out": cash_out,
    "x_report": x_report, "park": park, "recall": recall, "change_cashier": change_cashier, "restart": restart,
    "ask": ask, "slips": slips, "copy": copy, "idle": idle, "close": close_day,
}  # fmt: skip
PRESSED = frozenset({"sale", "close"})
"""Acts in which a second press of the same key means something."""
ANYTIME = frozenset({"open", "close", "park", "change_cashier", "restart", "ask", "slips", "idle"})
"""Acts that want no open shift; before any other the cashier tries to open one."""
