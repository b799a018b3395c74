"""From a paid basket to what is stored and sent: receipt, one fiscal document an enterprise, one non-fiscal slip."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from datetime import datetime
from uuid import UUID, uuid4

from drivers.clock import kyiv
from drivers.document import Document, DocumentKind, Line, Original, line_sum
from kiosk.ledger.records import (
    Binding,
    DocumentState,
    FiscalDocument,
    Receipt,
    ReceiptKind,
    ReceiptLine,
    ReceiptState,
    Shift,
    Slip,
    User,
)
from kiosk.till.basket import Basket
from kiosk.till.money import amount, hryvnias
from kiosk.till.payment import Part, Plan
from kiosk.till.scan import receipt_barcode


def receipt_of(basket: Basket, plan: Plan, *, user: User, workplace: str, at: datetime, number: int) -> Receipt:
    """The receipt of a paid basket."""
    lines = tuple(
        ReceiptLine(
            position=position,
            good_id=line.good.id,
            code=line.good.code,
            name=line.good.name,
            unit=line.good.unit,
            quantity=line.quantity,
            price=line.price,
            discount=basket.discount_of(line),
            sum=basket.sum_of(line),
            tax=line.good.tax,
            enterprise_id=line.good.enterprise_id,
            fiscal=basket.is_fiscal(line),
            ground=line.good.ground or basket.red_reason,
            uktzed=line.good.uktzed,
            barcode=line.good.barcode,
            excise=line.excise,
            department=line.good.department,
        )
        for position, line in enumerate(basket.lines, 1)
    )
    return Receipt(
        id=uuid4(),
        kind=ReceiptKind.SALE,
        state=ReceiptState.PENDING,
        workplace=workplace,
        user_id=user.id,
        at=at,
        lines=lines,
        payments=plan.tendered,
        rounding=plan.quote.rounding,
        change=plan.quote.change,
        customer_id=basket.customer.id if basket.customer else None,
        basket_id=basket.id,
        number=number,
    )


def documents_of(
    receipt: Receipt,
    parts: Mapping[int, Part],
    *,
    user: User,
    desks: Mapping[int, tuple[Binding, Shift]],
    originals: Mapping[int, Original] | None = None,
) -> list[FiscalDocument]:
    """One document an enterprise, with the lines that are fiscal and nothing of the others."""
    kind = DocumentKind.SALE if receipt.kind is ReceiptKind.SALE else DocumentKind.REFUND
    made = []
    for enterprise, part in parts.items():
        binding, shift = desks[enterprise]
        identity = uuid4()
        document = Document(
            id=identity,
            kind=kind,
            cashier=user.name[:64],
            lines=tuple(
                fiscal_line(line) for line in receipt.lines if line.fiscal and line.enterprise_id == enterprise
            ),
            rounding=part.rounding,
            payments=part.payments,
            original=(originals or {}).get(enterprise),
            footer=(f"Чек {receipt_barcode(receipt.number)}",) if receipt.kind is ReceiptKind.SALE else (),
        )
        made.append(
            FiscalDocument(
                id=identity,
                kind=kind,
                state=DocumentState.PENDING,
                binding_id=binding.id,
                enterprise_id=enterprise,
                user_id=user.id,
                made_at=receipt.at,
                document=document,
                shift_id=shift.id,
                receipt_id=receipt.id,
            )
        )
    return made


def fiscal_line(line: ReceiptLine) -> Line:
    """A receipt's line as it is fiscalised."""
    return Line(
        code=line.code,
        name=line.name[:250],
        unit=line.unit,
        quantity=line.quantity,
        price=line.price,
        sum=line.sum,
        discount=line.discount,
        tax=line.tax,
        uktzed=line.uktzed,
        excise=line.excise,
        barcode=line.barcode,
        department=line.department,
    )


def slip_of(receipt: Receipt, part: Part | None, *, title: str, user: User) -> Slip | None:
    """The non-fiscal slip (товарний чек) of the red lines, as it is printed; None where there are none.

    Slips are for the buyer and follow the country, not the screen: they are Ukrainian whatever the switch says.
    """
    red = [line for line in receipt.lines if not line.fiscal]
    if part is None or not red:
        return None
    text = [title, f"{kyiv(receipt.at):%d.%m.%Y %H:%M}  Касир {user.name}", "НЕФІСКАЛЬНИЙ"]
    for line in red:
        text += [line.name, f"  {amount(line.quantity)} {line.unit} x {hryvnias(line.price)} = {hryvnias(line.sum)}"]
        if line.discount:
            text.append(f"  знижка {hryvnias(line.discount)}")
    if part.rounding:
        text.append(f"Заокруглення {hryvnias(part.rounding)}")
    text += [f"СУМА {hryvnias(part.due)} грн", f"Чек {receipt_barcode(receipt.number)}"]
    return Slip(uuid4(), receipt.id, tuple(text))


def short(lines: Sequence[ReceiptLine], wanted: Mapping[int, int]) -> dict[int, int]:
    """Line id -> thousandths asked above what may still come back (empty when all is well)."""
    return {
        line.id: wanted[line.id] - (line.quantity - line.returned)
        for line in lines
        if line.id is not None and wanted.get(line.id, 0) > line.quantity - line.returned
    }


def returned_line(line: ReceiptLine, quantity: int, position: int) -> ReceiptLine:
    """The refund's line for `quantity` thousandths of a sold one.

    The sold sum is shared by the quantity that has come back in all, so that the parts of a line never add up to more
    than it cost (three thirds of a kilogram, each rounded by itself, could). A part cannot be above its own gross sum,
    so a line without a discount may give a kopeck less in parts than at once; the money is settled by `repay`.
    """

    def cost(of: int) -> int:
        return line.sum if of == line.quantity else (line.sum * of + line.quantity // 2) // line.quantity

    gross = line_sum(line.price, quantity)
    value = min(gross, cost(line.returned + quantity) - cost(line.returned))
    return ReceiptLine(
        position=position,
        good_id=line.good_id,
        code=line.code,
        name=line.name,
        unit=line.unit,
        quantity=quantity,
        price=line.price,
        discount=gross - value,
        sum=value,
        tax=line.tax,
        enterprise_id=line.enterprise_id,
        fiscal=line.fiscal,
        ground=line.ground,
        uktzed=line.uktzed,
        barcode=line.barcode,
        excise=line.excise if quantity == line.quantity else (),
        department=line.department,
        sale_line=line.id,
    )


def new_basket_id() -> UUID:
    return uuid4()
