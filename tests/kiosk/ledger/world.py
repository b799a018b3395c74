"""A small shop in a real file, and short ways to make receipts in it."""

from __future__ import annotations

import uuid
from collections.abc import Sequence
from dataclasses import dataclass, field, replace
from datetime import UTC, datetime, timedelta
from pathlib import Path
from uuid import UUID

from drivers.document import Document, DocumentKind, Line, Original, Payment, PaymentForm
from drivers.registrar import Result, State
from kiosk.ledger.records import (
    BasketState,
    Binding,
    BindingRole,
    DocumentState,
    Enterprise,
    FiscalDocument,
    Good,
    Receipt,
    ReceiptKind,
    ReceiptLine,
    ReceiptState,
    Role,
    Shift,
    Slip,
    StoredBasket,
    User,
)
from kiosk.ledger.store import SqlLedger, open_ledger

START = datetime(2026, 3, 1, 8, 0, tzinfo=UTC)
WORKPLACE = "каса-1"


@dataclass
class TestClock:
    """Time that a test owns; every look at it takes a millisecond, so that moments differ."""

    __test__ = False
    moment: datetime = START
    steps: int = 0

    def now(self) -> datetime:
        self.moment += timedelta(milliseconds=1)
        return self.moment

    def monotonic(self) -> float:
        return (self.moment - START).total_seconds()

    def sleep(self, seconds: float) -> None:
        self.moment += timedelta(seconds=seconds)


@dataclass
class Shop:
    """One workplace with a registrar, a cashier and two goods: «Хліб» is fiscal, «Газета» is not."""

    ledger: SqlLedger
    clock: TestClock
    enterprise: Enterprise
    binding: Binding
    cashier: User
    bread: Good
    paper: Good
    shift: Shift
    pieces: list[UUID] = field(default_factory=list)

    def line(
        self, good: Good, quantity: int = 1000, *, position: int = 1, sale_line: int | None = None, discount: int = 0
    ) -> ReceiptLine:
        return ReceiptLine(
            position=position,
            good_id=good.id,
            code=good.code,
            name=good.name,
            unit=good.unit,
            quantity=quantity,
            price=good.price,
            sum=(good.price * quantity + 500) // 1000 - discount,
            tax=good.tax,
            enterprise_id=good.enterprise_id,
            discount=discount,
            fiscal=good.fiscal,
            ground=good.ground,
            sale_line=sale_line,
        )

    def basket(self) -> StoredBasket:
        basket = StoredBasket(
            uuid.uuid4(), WORKPLACE, self.cashier.id, BasketState.ACTIVE, b'{"lines": []}', self.clock.now()
        )
        self.ledger.receipts.save_basket(basket)
        return basket

    def receipt(
        self,
        *lines: ReceiptLine,
        cash: int | None = None,
        payments: tuple[Payment, ...] | None = None,
        original: Receipt | None = None,
        kind: ReceiptKind | None = None,
        basket: UUID | None = None,
        change: int = 0,
        rounding: int = 0,
        customer_id: int | None = None,
    ) -> Receipt:
        total = sum(line.sum for line in lines) + rounding
        given = total + change if cash is None else cash
        return Receipt(
            id=uuid.uuid4(),
            kind=kind or (ReceiptKind.SALE if original is None else ReceiptKind.REFUND),
            state=ReceiptState.PENDING,
            workplace=WORKPLACE,
            user_id=self.cashier.id,
            at=self.clock.now(),
            lines=lines,
            payments=payments or (Payment(form=PaymentForm.CASH, amount=given),),
            change=change,
            rounding=rounding,
            customer_id=customer_id,
            original_id=None if original is None else original.id,
            basket_id=basket,
        )

    def document(self, receipt: Receipt, payments: tuple[Payment, ...] | None = None) -> FiscalDocument:
        """The fiscal document of the receipt's fiscal lines, paid in cash without change unless told otherwise."""
        lines = tuple(
            Line(code=line.code, name=line.name, quantity=line.quantity, price=line.price, sum=line.sum,
                 discount=line.discount, tax=line.tax)
            for line in receipt.lines
            if line.fiscal
        )  # fmt: skip
        due = sum(line.sum for line in lines) + receipt.rounding
        kind = DocumentKind.SALE if receipt.kind is ReceiptKind.SALE else DocumentKind.REFUND
        document = Document(
            id=uuid.uuid4(),
            kind=kind,
            lines=lines,
            rounding=receipt.rounding,
            payments=payments or (Payment(form=PaymentForm.CASH, amount=due),),
            original=None if kind is DocumentKind.SALE else Original(number="1"),
        )
        document.check()
        return self.record(document, receipt.id)

    def record(self, document: Document, receipt_id: UUID | None = None) -> FiscalDocument:
        return FiscalDocument(
            id=document.id,
            kind=document.kind,
            state=DocumentState.PENDING,
            binding_id=self.binding.id,
            enterprise_id=self.enterprise.id,
            user_id=self.cashier.id,
            made_at=self.clock.now(),
            document=document,
            shift_id=self.shift.id,
            receipt_id=receipt_id,
        )

    def do(self, receipt: Receipt, documents: Sequence[FiscalDocument] | None = None, number: str = "1") -> Receipt:
        """The whole road of a receipt that goes well."""
        if documents is None:
            documents = [self.document(receipt)] if any(line.fiscal for line in receipt.lines) else []
        self.ledger.receipts.begin(receipt, documents, [])
        journal = self.ledger.journal.of(self.binding.id)
        for document in documents:
            result = Result(State.REGISTERED, number=number, at=self.clock.now())
            journal.intent(document.document, {"last": 1})
            journal.outcome(document.document, result)
            self.ledger.receipts.settle_document(document.id, DocumentState.REGISTERED, result)
        return self.ledger.receipts.finish(receipt.id, ReceiptState.DONE)

    def sell(self, good: Good, quantity: int = 1000) -> Receipt:
        return self.do(self.receipt(self.line(good, quantity)))

    def refund(self, sale: Receipt, quantity: int) -> Receipt:
        line = sale.lines[0]
        back = replace(line, id=None, quantity=quantity, sum=(line.price * quantity + 500) // 1000, sale_line=line.id)
        return self.receipt(back, original=sale)

    def slip(self, receipt: Receipt, *lines: str) -> Slip:
        return Slip(uuid.uuid4(), receipt.id, lines)

    def stock(self, good: Good) -> int:
        found = self.ledger.goods.get(good.id)
        assert found is not None
        return found.stock


def build(path: Path, clock: TestClock) -> Shop:
    ledger = open_ledger(path, clock)
    enterprise = ledger.shop.add_enterprise("ТОВ «Крамниця»", "31456270")
    binding = ledger.shop.bind(enterprise.id, WORKPLACE, "datecs+serial:///dev/registrar", BindingRole.ACTIVE)
    cashier = ledger.people.add("Оксана", Role.CASHIER, badge="2000000001")
    ledger.goods.put(
        [
            Good(0, "1", "Хліб", 1250, enterprise.id, barcode="4820000000017", stock=10_000),
            Good(0, "2", "Газета", 700, enterprise.id, fiscal=False, ground="періодика", stock=5_000),
        ]
    )
    bread, paper = ledger.goods.by_code("1"), ledger.goods.by_code("2")
    assert bread is not None
    assert paper is not None
    shift = ledger.shifts.open(Shift(0, binding.id, enterprise.id, WORKPLACE, cashier.id, clock.now(), float_=50_000))
    return Shop(ledger, clock, enterprise, binding, cashier, bread, paper, shift)


def reopen(path: Path, clock: TestClock) -> Shop:
    """The shop that `build` made, found again in its file."""
    ledger = open_ledger(path, clock)
    enterprise = ledger.shop.enterprises()[0]
    binding = ledger.shop.bindings(WORKPLACE)[0]
    bread, paper = ledger.goods.by_code("1"), ledger.goods.by_code("2")
    shift = ledger.shifts.open_shift(binding.id)
    assert bread is not None
    assert paper is not None
    assert shift is not None
    return Shop(ledger, clock, enterprise, binding, ledger.people.active()[0], bread, paper, shift)
