"""Returns (cashier-flow.md V): find the sale, choose lines, check, give the money back by the means it came.

A refund is its own receipt with its own documents: fiscal lines by a refund document with the original's number, red
lines by a slip. The ledger reserves what comes back when the refund begins, so that nothing can come back twice.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field, replace
from datetime import datetime, timedelta
from uuid import UUID, uuid4

from drivers.clock import kyiv
from drivers.document import CardSlip, Original, Payment, PaymentForm
from drivers.registrar import FaultInfo
from kiosk.ledger.records import (
    Binding,
    Customer,
    FiscalDocument,
    Good,
    Receipt,
    ReceiptKind,
    ReceiptLine,
    ReceiptState,
    Shift,
    Slip,
    stamp_key,
)
from kiosk.till import scan
from kiosk.till.act import Act, act_slip
from kiosk.till.cash import Cash
from kiosk.till.errors import N_, Refusal
from kiosk.till.fiscal import Fiscal
from kiosk.till.money import amount
from kiosk.till.payment import Part
from kiosk.till.receipts import documents_of, returned_line, short, slip_of
from kiosk.till.repay import SLIP, Money, Share, repay, shares
from kiosk.till.rights import Right
from kiosk.till.shift import Shifts
from kiosk.till.stamps import read as read_stamp
from kiosk.till.storno import at_of, storno_of
from kiosk.till.workplace import Approval, Workplace

REASONS = (
    N_("Goods of poor quality"),
    N_("The buyer changed their mind"),
    N_("Wrong goods"),
    N_("Wrong sum"),
    N_("Wrong means of payment"),
    N_("Double receipt"),
)


@dataclass(frozen=True)
class Draft:
    """A refund being prepared: `wanted` is line id -> thousandths.

    `shares` is the sale's money part by part with what went back before. `permit` is the help given to a return
    without a receipt, None where the receipt was at hand.
    """

    sale: Receipt
    documents: tuple[FiscalDocument, ...]
    wanted: Mapping[int, int]
    shares: Mapping[int, Share]
    without_receipt: bool = False
    permit: Approval | None = None
    stamps: Mapping[int, tuple[str, ...]] = field(default_factory=dict)
    """Excise stamps that come back with a part of a line, by line id; a whole line brings all of its own."""

    @property
    def chosen(self) -> int:
        """How many lines come back."""
        return sum(1 for quantity in self.wanted.values() if quantity)


@dataclass(frozen=True)
class Offer:
    """What the refund pays, kopecks: by card, in cash (rounded), and the cash of the non-fiscal part in it.

    `usual_card` is the card's part by the original's proportion, `most_card` the most that may go back to the card.
    """

    total: int
    rounding: int
    card: int
    cash: int
    nonfiscal: int
    usual_card: int
    most_card: int
    parts: Mapping[int, Money]

    @property
    def due(self) -> int:
        """All that is paid out."""
        return self.total + self.rounding


@dataclass(frozen=True)
class Precheck:
    """One line of the list before the money goes back. `missing_cash` kopecks can be put in with one touch.

    `value` is a message id that says what was found; `advice` what to do when it did not pass.
    """

    name: str
    passed: bool
    advice: str = ""
    values: Mapping[str, object] | None = None
    missing_cash: int = 0
    binding: Binding | None = None
    value: str = ""
    helps: bool = False
    """A senior's confirmation is enough."""


@dataclass(frozen=True)
class Refunded:
    """How a refund ended; states as in `kiosk.till.sale.Paid`."""

    state: ReceiptState
    receipt: Receipt
    documents: tuple[FiscalDocument, ...]
    slips: tuple[Slip, ...]
    fault: FaultInfo | None = None


class Refunds:
    """Goods come back, money goes out."""

    def __init__(self, workplace: Workplace, fiscal: Fiscal, shifts: Shifts, cash: Cash) -> None:
        self._workplace = workplace
        self._ledger = workplace.ledger
        self._fiscal = fiscal
        self._shifts = shifts
        self._cash = cash

    # -- step 1: find ---------------------------------------------------------------------------------------------

    def by_code(self, text: str) -> Sequence[Receipt]:
        """Sales by the barcode or number of the receipt, or by the fiscal document's number. Raises `Refusal`."""
        self._workplace.require(Right.REFUND)
        clean = text.strip()
        if not clean:
            raise Refusal("EMPTY_SCAN", N_("Nothing was scanned"))
        found: list[Receipt] = []
        if len(clean) <= scan.LONGEST and clean.isascii() and clean.isdigit():
            number = int(clean)
            if scan.is_ean13(clean) and clean.startswith(scan.RECEIPT_PREFIX):
                number = int(clean[2:12])
            receipt = self._ledger.receipts.by_number(number) if number < 10**10 else None
            if receipt is not None:
                found.append(receipt)
            known = {receipt.id for receipt in found}
            found += [sale for sale in self._ledger.receipts.by_document_number(clean) if sale.id not in known]
        sales = [sale for sale in found if sale.kind is ReceiptKind.SALE and sale.state is ReceiptState.DONE]
        gone = [sale for sale in found if sale.kind is ReceiptKind.SALE and sale.state is ReceiptState.CANCELLED]
        if gone and not sales:
            raise Refusal(
                "CANCELLED",
                N_("STORNO {at}: the receipt {code} was cancelled"),
                N_("Nothing of it can be returned."),
                at=self._cancelled_at(gone[0]),
                code=clean[:40],
            )
        if not sales:
            raise Refusal(
                "UNKNOWN_RECEIPT",
                N_("No sale has the number {code}"),
                N_("Search by date and sum, or by the customer."),
                code=clean[:40],
            )
        return sales

    def recent(
        self, *, since: datetime | None = None, total: int | None = None, customer: Customer | None = None
    ) -> Sequence[Receipt]:
        """Sales to choose from, latest first: of the return period where `since` is not given."""
        self._workplace.require(Right.REFUND)
        return self._ledger.receipts.find(
            since=since or self._since(), total=total, customer_id=customer.id if customer else None
        )

    def goods(self, text: str, *, reason: str, approval: Approval | None = None) -> Sequence[Good]:
        """Goods that a scan or a search means, for a return without the receipt (Ctrl+F4). Raises `Denied`."""
        self._workplace.require(Right.REFUND_WITHOUT_RECEIPT, approval, reason=reason)
        entry = scan.read(text)
        for code in entry.codes:
            good = self._ledger.goods.by_barcode(code) or self._ledger.goods.by_code(code)
            if good is not None:
                return [good]
        found = list(self._ledger.goods.search(entry.text)) if len(entry.text) >= 3 else []
        if not found:
            raise Refusal("UNKNOWN_CODE", N_("Unknown barcode or article: {code}"), code=entry.text[:40])
        return found

    def sales_of(self, good: Good, *, reason: str, approval: Approval | None = None) -> Sequence[Receipt]:
        """Sales of the return period with this good that may still come back, latest first. Raises `Denied`."""
        self._workplace.require(Right.REFUND_WITHOUT_RECEIPT, approval, reason=reason)
        sales = [
            sale
            for sale in self._ledger.receipts.find(since=self._since(), good_id=good.id)
            if any(line.good_id == good.id and line.returned < line.quantity for line in sale.lines)
        ]
        if not sales:
            raise Refusal(
                "NEVER_SOLD",
                N_("“{name}” was not sold here in the return period, or all of it came back"),
                N_("Money can go back only for a sale that this till knows."),
                name=good.name,
            )
        return sales

    # -- step 2: lines --------------------------------------------------------------------------------------------

    def draft(self, sale_id: UUID, *, without_receipt: bool = False, permit: Approval | None = None) -> Draft:
        """A refund of nothing yet, with what may still come back on each line (V-1)."""
        self._workplace.require(Right.REFUND)
        sale = self._ledger.receipts.receipt(sale_id)
        if sale.kind is not ReceiptKind.SALE or sale.state is not ReceiptState.DONE:
            raise Refusal("NOT_A_SALE", N_("Only a finished sale can be returned"))
        order = self._ledger.orders.of_receipt(sale.id)
        if order is not None:
            raise Refusal(
                "ORDER_RECEIPT",
                N_("This receipt belongs to the order No. {number}"),
                N_("Orders are given back as a whole: F7 on the sale screen, then the order."),
                number=order.number,
            )
        documents = tuple(self._ledger.receipts.documents_of(sale.id))
        made = {item.enterprise_id: item.document for item in documents if item.done}
        refunds = [
            (refund, [(item.enterprise_id, item.document) for item in self._ledger.receipts.documents_of(refund.id)])
            for refund in self._ledger.receipts.refunds_of(sale.id)
        ]
        return Draft(sale, documents, {}, shares(sale, made, refunds), without_receipt, permit)

    def take(self, draft: Draft, line_id: int, quantity: int) -> Draft:
        """`quantity` thousandths of a line come back; 0 takes the line out. Raises `Refusal` above the rest."""
        line = next((line for line in draft.sale.lines if line.id == line_id), None)
        if line is None:
            raise Refusal("NO_LINE", N_("The receipt has no such line"))
        rest = line.quantity - line.returned
        whole = line.quantity % 1000 == 0
        if quantity < 0 or (whole and quantity % 1000):
            raise Refusal("BAD_QUANTITY", N_("“{text}” is not a quantity"), text=amount(quantity))
        if quantity > rest:
            raise Refusal(
                "ABOVE_REST", N_("At most {quantity} of “{name}” can come back"), quantity=amount(rest), name=line.name
            )
        wanted = {**draft.wanted, line_id: quantity}
        stamps = {**draft.stamps, line_id: draft.stamps.get(line_id, ())[: quantity // 1000]}
        return replace(draft, wanted=wanted, stamps=stamps)

    def take_stamp(self, draft: Draft, text: str) -> Draft:
        """One bottle more comes back, known by its excise stamp. Raises `Refusal` for one that was not sold here."""
        stamp = read_stamp(text)
        out = self._ledger.orders.stamps_out(draft.sale.id)
        for line in draft.sale.lines:
            number = next((one for one in line.excise if stamp_key(one) == stamp.key), None)
            if line.id is None or number is None or stamp.key not in out:
                continue
            taken = draft.stamps.get(line.id, ())
            if number in taken:
                break
            changed = self.take(draft, line.id, 1000 * (len(taken) + 1))
            return replace(changed, stamps={**changed.stamps, line.id: (*taken, number)})
        raise Refusal(
            "FOREIGN_STAMP",
            N_("The stamp {stamp} is not one that may still come back on this receipt"),
            N_("Look at the bottle: was it sold by this receipt?"),
            stamp=stamp.number,
        )

    def take_all(self, draft: Draft) -> Draft:
        """Everything that may still come back."""
        return replace(
            draft,
            wanted={line.id: line.quantity - line.returned for line in draft.sale.lines if line.id is not None},
        )

    # -- step 4: money --------------------------------------------------------------------------------------------

    def offer(self, draft: Draft, *, card: int | None = None) -> Offer:
        """The money by the original's means in proportion; `card` overrides the card's part, kopecks."""
        usual = self._money(draft, {})
        most = sum(
            min(money.value, draft.shares[key].cashless_left) for key, money in usual.items() if key in draft.shares
        )
        usual_card = sum(money.cashless for money in usual.values())
        parts = usual
        if card is not None and card != usual_card:
            if not 0 <= card <= most:
                raise Refusal(
                    "CARD_ABOVE_DUE",
                    N_("At most {most} can go back to the card"),
                    N_("Only what was paid by card goes back to it."),
                    most=most,
                )
            left = card
            overrides = {}
            for key, money in usual.items():
                overrides[key] = min(left, money.value, draft.shares[key].cashless_left)
                left -= overrides[key]
            parts = self._money(draft, overrides)
        total = sum(money.value for money in parts.values())
        by_card = sum(money.cashless for money in parts.values())
        cash = sum(money.cash for money in parts.values())
        nonfiscal = parts[SLIP].cash if SLIP in parts else 0
        return Offer(total, by_card + cash - total, by_card, cash, nonfiscal, usual_card, most, parts)

    def checks(self, draft: Draft, *, card: int | None = None) -> tuple[Precheck, ...]:
        """Step 5: every condition with its answer; the refund is possible when all pass."""
        offer = self.offer(draft, card=card)
        days = self._workplace.settings.policy.return_days
        lines = self._lines(draft)
        unstamped = self._unstamped(draft)
        enterprises = list(dict.fromkeys(line.enterprise_id for line in lines if line.fiscal))
        bindings = [binding for binding in self._workplace.bindings() if binding.enterprise_id in enterprises]
        homeless = set(enterprises) - {binding.enterprise_id for binding in bindings}
        shifts = [self._shifts.current(binding) for binding in bindings or self._workplace.bindings()]
        kinds = {line.fiscal for line in lines}
        kind = (
            N_("fiscal") if kinds == {True} else N_("non-fiscal") if kinds == {False} else N_("fiscal and non-fiscal")
        )
        result = [
            Precheck(N_("Lines chosen"), draft.chosen > 0, N_("Choose at least one line")),
            Precheck(
                N_("Quantity within the rest"),
                not short(draft.sale.lines, draft.wanted),
                N_("More would come back than was sold"),
            ),
            *(
                [
                    Precheck(
                        N_("Excise stamps"),
                        unstamped is None,
                        N_("Scan the stamps of the bottles that come back: “{name}”"),
                        {"name": unstamped.name if unstamped is not None else ""},
                    )
                ]
                if any(line.excise for line in lines) or unstamped is not None
                else []
            ),
            Precheck(N_("Kind as in the sale"), True, value=kind),
            Precheck(N_("Enterprise of the original"), not homeless, N_("No registrar of this enterprise here")),
            self._same_registrar(draft, bindings),
            Precheck(N_("Shift open"), bool(shifts) and all(shifts), N_("Open the shift (F11).")),
            Precheck(
                N_("Return period"),
                draft.sale.at >= self._since(),
                N_("Sold more than {days} days ago: a senior may allow it"),
                {"days": days},
                helps=True,
            ),
        ]
        for binding in bindings:
            money = offer.parts.get(binding.enterprise_id)
            if money is not None and money.cash:
                available = self._cash.available(binding)
                result.append(
                    Precheck(
                        N_("Cash in the registrar"),
                        available >= money.cash,
                        N_("The registrar holds {available}, {amount} are needed"),
                        {"available": available, "amount": money.cash},
                        max(0, money.cash - available),
                        binding,
                        N_("{available}"),
                    )
                )
        return tuple(result)

    # -- steps 5 to 8 ---------------------------------------------------------------------------------------------

    def refund(
        self,
        draft: Draft,
        *,
        reason: str,
        card: int | None = None,
        slip: CardSlip | None = None,
        approval: Approval | None = None,
        means_approval: Approval | None = None,
        act: Act | None = None,
    ) -> Refunded:
        """Give the money back. Raises `Refusal` (a pre-check fails, a reason or slip data are missing) or `Doubt`.

        `approval` helps with a sum above the limit or a sale older than the return period, `means_approval` with
        another means than the original's. `act` goes with the correction of a mistake; it is stored with the refund.
        """
        user = self._workplace.require(Right.REFUND)
        if not reason.strip():
            raise Refusal("NO_REASON", N_("Choose the reason of the return"))
        if draft.without_receipt:
            self._workplace.require(Right.REFUND_WITHOUT_RECEIPT, draft.permit, reason=reason)
        # Another refund of this sale may have been made since the draft was begun.
        draft = replace(
            self.draft(draft.sale.id),
            wanted=draft.wanted,
            stamps=draft.stamps,
            without_receipt=draft.without_receipt,
            permit=draft.permit,
        )
        offer = self.offer(draft, card=card)
        if offer.card != offer.usual_card:
            self._workplace.require(Right.REFUND_OTHER_MEANS, means_approval, reason=reason)
        checks = self.checks(draft, card=card)
        if offer.due > self._workplace.settings.policy.refund_limit or any(
            check.helps and not check.passed for check in checks
        ):
            self._workplace.require(Right.REFUND_ANY, approval, reason=reason)
        for check in checks:
            if not check.passed and not check.helps:
                raise Refusal("PRECHECK", check.advice, "", **dict(check.values or {}))
        if offer.card and slip is None and not self._workplace.settings.policy.cashless_without_slip:
            raise Refusal("NO_SLIP", N_("A card payment needs the data of the terminal's slip"))
        receipt, parts, red = self._receipt(draft, offer, reason, slip)
        desks = self._desks(parts)
        documents = documents_of(
            receipt, parts, user=user, desks=desks, originals=self._originals(draft.documents, parts)
        )
        for document in documents:
            self._fiscal.check(document.document, desks[document.enterprise_id][0])
        slip_ = slip_of(receipt, red, title=f"ПОВЕРНЕННЯ ТОВАРУ, чек {draft.sale.number}", user=user)
        slips = [slip_] if slip_ else []
        if act is not None:
            slips.append(act_slip(act, receipt, draft.sale, draft.documents, user=user))
        receipt = self._ledger.receipts.begin(receipt, documents, slips)
        self._workplace.audit("refund", {"sale": str(draft.sale.id), "due": offer.due, "reason": reason})
        return self._complete(receipt)

    def again(self, receipt_id: UUID) -> Refunded:
        """Offer the refused part of a half-registered refund once more."""
        self._workplace.require(Right.REFUND)
        receipt = self._ledger.receipts.receipt(receipt_id)
        self._fiscal.half_done(receipt)
        return self._complete(receipt)

    # -- parts ----------------------------------------------------------------------------------------------------

    def _cancelled_at(self, sale: Receipt) -> datetime:
        """When the storno of a cancelled sale was registered."""
        for document in self._ledger.receipts.documents_of(sale.id):
            if (storno := storno_of(self._ledger, document)) is not None:
                return at_of(storno)
        return sale.at

    def _since(self) -> datetime:
        return self._workplace.clock.now() - timedelta(days=self._workplace.settings.policy.return_days)

    def _same_registrar(self, draft: Draft, bindings: Sequence[Binding]) -> Precheck:
        """Another registrar of the enterprise may refund: it names the original by its number (V-9)."""
        sold = {item.enterprise_id: item.result.serial for item in draft.documents if item.result and item.done}
        other = [
            binding
            for binding in bindings
            if binding.serial and sold.get(binding.enterprise_id, "") not in ("", binding.serial)
        ]
        return Precheck(
            N_("Registrar of the sale"), True, value=N_("another one, allowed") if other else N_("the same")
        )

    def _lines(self, draft: Draft) -> list[ReceiptLine]:
        found = []
        for position, line in enumerate(draft.sale.lines, 1):
            if line.id is not None and draft.wanted.get(line.id, 0):
                back = returned_line(line, draft.wanted[line.id], position)
                found.append(replace(back, excise=self._stamps(draft, line)) if line.excise else back)
        return found

    def _stamps(self, draft: Draft, line: ReceiptLine) -> tuple[str, ...]:
        """Stamps that come back with a line: all that are still out with all of the rest, else the scanned ones."""
        assert line.id is not None
        if line.returned + draft.wanted[line.id] < line.quantity:
            return draft.stamps.get(line.id, ())
        out = self._ledger.orders.stamps_out(draft.sale.id)
        return tuple(number for number in line.excise if stamp_key(number) in out)

    def _unstamped(self, draft: Draft) -> ReceiptLine | None:
        """The first line of which a part comes back without it being known which bottles."""
        for line in draft.sale.lines:
            wanted = draft.wanted.get(line.id, 0) if line.id is not None else 0
            part = 0 < wanted < line.quantity - line.returned
            # With pieces sold without a number it cannot be told which bottles these are.
            known = 1000 * len(line.excise) == line.quantity
            if part and known and 1000 * len(self._stamps(draft, line)) != wanted:
                return line
        return None

    def _money(self, draft: Draft, overrides: Mapping[int, int]) -> dict[int, Money]:
        """The money of each part that something comes back of."""
        values: dict[int, int] = {}
        for line in self._lines(draft):
            key = line.enterprise_id if line.fiscal else SLIP
            values[key] = values.get(key, 0) + line.sum
        unfinished = {
            line.enterprise_id if line.fiscal else SLIP
            for line in draft.sale.lines
            if line.id is not None and line.returned + draft.wanted.get(line.id, 0) < line.quantity
        }
        step = self._workplace.rounding_step()
        return {
            key: repay(
                draft.shares.get(key, Share()),
                value,
                last=key not in unfinished,
                step=step,
                cashless=overrides.get(key),
            )
            for key, value in values.items()
        }

    def _receipt(
        self, draft: Draft, offer: Offer, reason: str, slip: CardSlip | None
    ) -> tuple[Receipt, dict[int, Part], Part | None]:
        name = "Банківська картка" if slip is not None else "Безготівкова"

        def payments(cashless: int, cash: int) -> tuple[Payment, ...]:
            rows = [Payment(form=PaymentForm.CARD, amount=cashless, name=name, card=slip)] if cashless else []
            return (*rows, *([Payment(form=PaymentForm.CASH, amount=cash)] if cash else []))

        parts = {
            key: Part(money.value, money.rounding, payments(money.cashless, money.cash))
            for key, money in offer.parts.items()
            if key != SLIP
        }
        red = None
        if SLIP in offer.parts:
            money = offer.parts[SLIP]
            red = Part(money.value, money.rounding, ())
        user = self._workplace.cashier()
        receipt = Receipt(
            id=uuid4(),
            kind=ReceiptKind.REFUND,
            state=ReceiptState.PENDING,
            workplace=self._workplace.settings.workplace,
            user_id=user.id,
            at=self._workplace.clock.now(),
            lines=tuple(self._lines(draft)),
            payments=payments(offer.card, offer.cash),
            rounding=offer.rounding,
            customer_id=draft.sale.customer_id,
            original_id=draft.sale.id,
            reason=reason,
            number=self._ledger.receipts.next_number(),
        )
        return receipt, parts, red

    def _desks(self, parts: Mapping[int, Part]) -> dict[int, tuple[Binding, Shift]]:
        found: dict[int, tuple[Binding, Shift]] = {}
        for enterprise in parts:
            binding = self._workplace.binding_for(enterprise)
            self._fiscal.guard(binding)
            found[enterprise] = (binding, self._shifts.selling(binding))
        if not parts:
            self._shifts.selling(self._workplace.main_binding())
        return found

    def _originals(self, documents: Sequence[FiscalDocument], parts: Mapping[int, Part]) -> dict[int, Original]:
        found = {}
        for document in documents:
            if document.enterprise_id in parts and document.result is not None and document.done:
                result = document.result
                found[document.enterprise_id] = Original(
                    number=result.number or str(document.id),
                    at=kyiv(result.at or document.made_at).isoformat(timespec="seconds"),
                    fiscal_number=result.fiscal_number,
                    registrar=result.serial,
                )
        return found

    def _complete(self, receipt: Receipt) -> Refunded:
        receipt, fault = self._fiscal.complete(receipt)
        return Refunded(
            receipt.state,
            receipt,
            tuple(self._ledger.receipts.documents_of(receipt.id)),
            tuple(self._ledger.receipts.slips_of(receipt.id)),
            fault,
        )
