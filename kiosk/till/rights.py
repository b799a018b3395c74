"""Who may do what: the table of cashier-flow.md I as data.

A grant is free, or it needs a PIN: one's own again with a reason, or a senior's. The table is enforced here and in
no widget; every refusal goes to the audit.
"""

from __future__ import annotations

from collections.abc import Mapping
from enum import StrEnum

from kiosk.ledger.records import Role, User


class Right(StrEnum):
    """What a person may be allowed to do."""

    SELL = "sell"
    CASH_IN = "cash_in"
    CASH_OUT = "cash_out"
    CASH_OUT_ANY = "cash_out_any"
    REFUND = "refund"
    REFUND_ANY = "refund_any"
    REFUND_WITHOUT_RECEIPT = "refund_without_receipt"
    REFUND_OTHER_MEANS = "refund_other_means"
    STORNO = "storno"
    NONFISCAL = "nonfiscal"
    ENTERPRISE = "enterprise"
    DISCOUNT = "discount"
    PRICE = "price"
    UNLISTED = "unlisted"
    STAMPLESS = "stampless"
    X_REPORT = "x_report"
    Z_REPORT = "z_report"
    Z_REPORT_ANY = "z_report_any"
    RESOLVE = "resolve"
    DRAWER = "drawer"
    LEDGER = "ledger"
    FIND = "find"
    """Ask ports who is there: identification only."""
    BACKUP = "backup"
    """Choose where copies go, make and rehearse them, finish a restore."""
    REGISTRAR = "registrar"
    """Connect a registrar: a technician performs, the owner approves."""
    KEYS = "keys"


class Grant(StrEnum):
    """How far a right goes."""

    NO = "no"
    SENIOR = "senior"
    """A senior's badge or PIN for this one action; the basket stays under the first cashier's name."""
    PIN = "pin"
    """One's own PIN again and a reason."""
    YES = "yes"


_C, _S, _A, _O, _T, _B = Role.CASHIER, Role.SENIOR, Role.ADMINISTRATOR, Role.OWNER, Role.TECHNICIAN, Role.AUDITOR
TABLE: Mapping[Right, Mapping[Role, Grant]] = {
    Right.SELL: {_C: Grant.YES, _S: Grant.YES, _A: Grant.YES},
    Right.CASH_IN: {_C: Grant.YES, _S: Grant.YES, _A: Grant.YES},
    # "within limit": the sum of the setting; above it a senior helps.
    Right.CASH_OUT: {_C: Grant.YES, _S: Grant.YES, _A: Grant.YES},
    Right.CASH_OUT_ANY: {_C: Grant.SENIOR, _S: Grant.YES, _A: Grant.YES},
    Right.REFUND: {_C: Grant.YES, _S: Grant.YES, _A: Grant.YES},
    Right.REFUND_ANY: {_C: Grant.SENIOR, _S: Grant.YES, _A: Grant.YES},
    Right.REFUND_WITHOUT_RECEIPT: {_C: Grant.NO, _S: Grant.PIN, _A: Grant.PIN},
    Right.REFUND_OTHER_MEANS: {_C: Grant.SENIOR, _S: Grant.PIN, _A: Grant.PIN},
    Right.STORNO: {_C: Grant.SENIOR, _S: Grant.YES, _A: Grant.YES},
    Right.NONFISCAL: {_C: Grant.NO, _S: Grant.PIN, _A: Grant.PIN},
    Right.ENTERPRISE: {_C: Grant.SENIOR, _S: Grant.YES, _A: Grant.YES},
    # Discounts, prices and goods without a card are "with right" in IV.1 and absent from the table: strict defaults.
    Right.DISCOUNT: {_C: Grant.SENIOR, _S: Grant.YES, _A: Grant.YES},
    Right.PRICE: {_C: Grant.NO, _S: Grant.PIN, _A: Grant.YES},
    Right.UNLISTED: {_C: Grant.SENIOR, _S: Grant.YES, _A: Grant.YES},
    # An old stamp without a barcode may be sold (fiscal-server.md §9.3); whether it is one, a senior looks.
    Right.STAMPLESS: {_C: Grant.SENIOR, _S: Grant.YES, _A: Grant.YES},
    Right.X_REPORT: {_C: Grant.YES, _S: Grant.YES, _A: Grant.YES},
    Right.Z_REPORT: {_C: Grant.YES, _S: Grant.YES, _A: Grant.YES},
    Right.Z_REPORT_ANY: {_C: Grant.SENIOR, _S: Grant.YES, _A: Grant.YES},
    Right.RESOLVE: {_C: Grant.SENIOR, _S: Grant.YES, _A: Grant.YES, _O: Grant.YES},
    Right.DRAWER: {_C: Grant.SENIOR, _S: Grant.YES, _A: Grant.YES},
    Right.FIND: {_S: Grant.YES, _A: Grant.YES, _O: Grant.YES, _T: Grant.YES},
    Right.BACKUP: {_A: Grant.YES, _O: Grant.YES, _T: Grant.YES},
    Right.REGISTRAR: {_T: Grant.SENIOR, _O: Grant.YES},
    # Loading key files is the owner's and the technician's; choosing among those loaded is an emergency (VIII.3).
    Right.KEYS: {_C: Grant.SENIOR, _S: Grant.YES, _A: Grant.YES, _O: Grant.YES, _T: Grant.YES},
    Right.LEDGER: {_C: Grant.YES, _S: Grant.YES, _A: Grant.YES, _O: Grant.YES, _T: Grant.YES, _B: Grant.YES},
}


def grant(user: User, right: Right) -> Grant:
    """What the person's post gives, less what was taken from the person."""
    if not user.active or right.value in user.denied:
        return Grant.NO
    return TABLE[right].get(user.role, Grant.NO)


def may_approve(user: User, right: Right) -> bool:
    """Whether this person can help another with one action."""
    return grant(user, right) in (Grant.YES, Grant.PIN)
