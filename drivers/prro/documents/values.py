"""What a document needs besides the cashier's act: whose registrar it is, its place in the sequence, names of money."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import datetime
from enum import StrEnum
from uuid import UUID

from drivers.document import PaymentForm


class Act(StrEnum):
    """What a document of the fiscal server is; DOCTYPE and DOCSUBTYPE in one word (fiscal-server.md §3.3)."""

    SALE = "sale"
    REFUND = "refund"
    CASH_IN = "cash_in"
    REINFORCEMENT = "reinforcement"
    CASH_OUT = "cash_out"
    STORNO = "storno"
    OPEN_SHIFT = "open_shift"
    CLOSE_SHIFT = "close_shift"
    BEGIN_OFFLINE = "begin_offline"
    END_OFFLINE = "end_offline"
    Z_REPORT = "z_report"
    OTHER = "other"
    """A transfer, currency exchange, pawnshop …: read for what it is, never written here."""


TYPES = {
    Act.SALE: (0, 0),
    Act.REFUND: (0, 1),
    Act.CASH_IN: (0, 2),
    Act.REINFORCEMENT: (0, 3),
    Act.CASH_OUT: (0, 4),
    Act.STORNO: (0, 5),
    Act.OPEN_SHIFT: (100, None),
    Act.CLOSE_SHIFT: (101, None),
    Act.BEGIN_OFFLINE: (102, None),
    Act.END_OFFLINE: (103, None),
}
"""DOCTYPE and DOCSUBTYPE of a CHECK; a Z-report is a document of its own."""


@dataclass(frozen=True)
class Outlet:
    """The registrar as the tax service registered it (`Objects`, §2.4): every text goes out literally.

    `tin` taxpayer's code, `ipn` VAT number ("" for a seller who pays no VAT), `desk` the registrar's local number
    (CASHDESKNUM), `register` its fiscal number (CASHREGISTERNUM). `testing`: test documents, not fiscal (§5.5).
    """

    tin: str
    organisation: str
    point: str
    address: str
    desk: int
    register: str
    ipn: str = ""
    testing: bool = False


@dataclass(frozen=True)
class OfflineMark:
    """The place of a document in an offline session (§6.3–6.4).

    `session` and the secret `seed` come from the server, `place` counts from 1 (the begin document), `previous` is the
    hash of the document before, "" where the chain has none. The seed is left out of every printed form.
    """

    session: str
    place: int
    seed: str = field(repr=False)
    previous: str = ""


@dataclass(frozen=True)
class Heading:
    """One attempt at one document: a new `uid` each time it is rebuilt, the same `number` (ORDERNUM) until accepted.

    `moment` is aware and is written in Kyiv time. `offline` is given for every document of an offline session.
    """

    uid: UUID
    number: int
    moment: datetime
    cashier: str = ""
    offline: OfflineMark | None = None


@dataclass(frozen=True)
class PaymentName:
    """How a form of payment is written: PAYFORMCD and PAYFORMNM (§9.6)."""

    code: int
    name: str


PAYMENT_NAMES: Mapping[PaymentForm, PaymentName] = {
    PaymentForm.CASH: PaymentName(0, "ГОТІВКА"),
    PaymentForm.CARD: PaymentName(301, "КАРТКА"),
    PaymentForm.CREDIT: PaymentName(3, "КРЕДИТ"),
    PaymentForm.CHEQUE: PaymentName(100000, "ЧЕК"),
    PaymentForm.CERTIFICATE: PaymentName(305, "СЕРТИФІКАТ"),
    PaymentForm.IBAN: PaymentName(306, "ПЕРЕКАЗ З ПОТОЧНОГО РАХУНКУ"),
}
"""The codes to begin with (§9.6, §10 rows 9–10); settings may give others. A payment's own name goes before these."""

CASH_CODE = 0
"""PAYFORMCD of cash: the only form whose code the drawer depends on."""

UNIT_CODES = {"шт": 2009, "кг": 301}
"""Codes of units by the state classifier ДК 011 where the page names them (§3.7)."""
