"""Questions that several screens of the day ask alike: whose help, which registrar, what became of a document."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from drivers.document import DocumentKind, PaymentForm
from drivers.errors import Existence
from kiosk.i18n import _, explain, sum_of
from kiosk.ledger.records import Binding, DocumentState, FiscalDocument
from kiosk.screens.screen import KioskScreen
from kiosk.till.errors import N_
from kiosk.till.rights import Grant, Right
from kiosk.till.workplace import Approval
from kiosk.widgets.palette import Lamp

KINDS: Mapping[DocumentKind, str] = {
    DocumentKind.SALE: N_("Sale"),
    DocumentKind.REFUND: N_("Return"),
    DocumentKind.CASH_IN: N_("Service cash-in"),
    DocumentKind.CASH_OUT: N_("Service cash-out"),
    DocumentKind.ZERO: N_("Zero receipt"),
    DocumentKind.Z_REPORT: N_("Z report"),
    DocumentKind.OPEN_SHIFT: N_("Opening of the shift"),
    DocumentKind.STORNO: N_("Storno"),
}
FORMS: Mapping[str, str] = {
    PaymentForm.CASH.value: N_("cash"),
    PaymentForm.CARD.value: N_("card"),
    PaymentForm.CREDIT.value: N_("credit"),
    PaymentForm.CHEQUE.value: N_("cheque"),
    PaymentForm.CERTIFICATE.value: N_("certificate"),
    PaymentForm.IBAN.value: N_("bank transfer"),
}


@dataclass(frozen=True)
class Permit:
    """The act may go on: with somebody's help or without, with a reason where one was asked."""

    approval: Approval | None = None
    reason: str = ""


async def permit(
    screen: KioskScreen[Any], right: Right, what: str, reasons: Sequence[str] = (), *, needed: bool = True
) -> Permit | None:
    """Ask for a PIN or a senior only where the right needs one (`needed`: this act does). None: the person gave up.

    Without the right the act goes on: the till itself refuses and writes it down.
    """
    grant = await screen.work(screen.till.workplace.needs, right)
    if not needed or grant not in (Grant.SENIOR, Grant.PIN):
        return Permit()
    answer = await screen.ask("approve", right=right, what=what, reasons=reasons, own=grant is Grant.PIN)
    return None if answer is None else Permit(*answer)


async def registrar(screen: KioskScreen[Any]) -> Binding | None:
    """The registrar that an act is for: asked where the workplace has several (III-4). None: the person gave up."""
    place = screen.till.workplace
    bindings = await screen.work(place.bindings)
    if len(bindings) < 2:
        return await screen.work(place.main_binding)
    rows = [
        (await screen.work(place.enterprise_name, one.enterprise_id), f"{one.model} {one.fiscal_number or one.serial}")
        for one in bindings
    ]
    index = await screen.ask("choose", title=_("Which enterprise?"), rows=rows)
    return None if index is None else bindings[index]


async def tell(screen: KioskScreen[Any], document: FiscalDocument, *, done: str = "") -> None:
    """What became of a document without a receipt, in a dialog: its number, its missing paper, or why not."""
    kind, result = _(KINDS[document.kind]), document.result
    sum_ = f" {sum_of(document.document.amount)}" if document.document.amount else ""
    if document.done and result is not None:
        text = _("{what}: document No. {number}").format(what=f"{kind}{sum_}", number=result.number or "-")
        printed = document.state is DocumentState.REGISTERED
        advice = done if printed else f"{done} {not_printed()}".strip()
        lamp = Lamp.GREEN if printed else Lamp.AMBER
        await screen.ask("message", title=_("Registered"), text=text, advice=advice, lamp=lamp)
    elif document.state is DocumentState.REJECTED:
        what, advice = _why(document)
        await screen.ask("message", title=_("Not registered: {what}").format(what=f"{kind}{sum_}"), text=what,
                         advice=advice, lamp=Lamp.RED)  # fmt: skip
    else:
        what, _advice = _why(document)
        await screen.ask(
            "message",
            title=_("UNKNOWN: {what}").format(what=f"{kind}{sum_}"),
            text=what,
            advice=_("Repeat nothing. The list of unknown outcomes asks the registrar again."),
            lamp=Lamp.PURPLE,
        )
        await screen.ask("unknown")


def not_printed() -> str:
    """It was counted, its paper is missing."""
    return _("It was counted, but its paper was not printed: put in paper and print a copy; do not repeat it.")


def _why(document: FiscalDocument) -> tuple[str, str]:
    """The registrar's fault in words, with what is at risk."""
    fault = document.result.fault if document.result is not None else None
    rejected = document.state is DocumentState.REJECTED
    existence = Existence.NO if rejected else Existence.UNKNOWN
    if fault is None:
        return (
            _("No fiscal receipt was made, no money was registered.") if rejected else _("The outcome is open.")
        ), ""
    return explain(fault, document=existence)
