"""A document read back: ours before it is stored or printed, the server's after it was fetched.

The reader is tolerant of what others write (missing leading zeros, whole numbers where two digits belong, elements that
it does not know) and strict about nothing but being able to say what the document is.
"""

from __future__ import annotations

from collections.abc import Iterable
from datetime import date, datetime

from msgspec import Struct
from msgspec.structs import replace

from drivers.document import Stage
from drivers.errors import Code, Invalid
from drivers.prro.documents.numbers import kopecks, read_day, read_moment, scaled
from drivers.prro.documents.taxes import TaxRow
from drivers.prro.documents.values import CASH_CODE, TYPES, Act, Outlet
from drivers.prro.documents.xml import Node, child, read, texts

ACTS = {pair: act for act, pair in TYPES.items()}
STAGES = {1: Stage.PREPAYMENT, 2: Stage.FINAL, 3: Stage.NEXT}
"""PARTPAYTYPE (§3.4)."""


class Slip(Struct, frozen=True):
    """PAYSYS: one card, as the bank terminal told it; texts as written, sums in kopecks (None: not told)."""

    system: str = ""
    system_code: str = ""
    merchant: str = ""
    acquirer: str = ""
    acquirer_code: str = ""
    rrn: str = ""
    at: str = ""
    slip_number: str = ""
    terminal: str = ""
    pan_mask: str = ""
    auth_code: str = ""
    sum: int | None = None
    fee: int = 0


class PayRow(Struct, frozen=True):
    """One form of payment, kopecks. `provided` and `change` are told for cash with change only."""

    code: int
    name: str
    sum: int
    provided: int | None = None
    change: int = 0
    slips: tuple[Slip, ...] = ()


class BodyRow(Struct, frozen=True):
    """One good. `quantity` thousandths, sums kopecks: `cost` before the discount, `part` what is paid of it now."""

    code: str
    name: str
    cost: int
    quantity: int | None = None
    price: int | None = None
    letters: str = ""
    discount: int = 0
    discount_percent: int = 0
    part: int | None = None
    barcode: str = ""
    uktzed: str = ""
    dkpp: str = ""
    unit: str = ""
    unit_code: str = ""
    comment: str = ""
    stamps: tuple[str, ...] = ()


class Total(Struct, frozen=True):
    """Sums of a receipt, kopecks.

    `sum` is SUM. `exact` is the sum before cash rounding and `rounding` what rounding added to it (so −RNDSUM);
    `rounded` tells whether the document speaks of rounding at all. A part payment: `stage`, `part` the money taken
    now after rounding, `prepayment` the fiscal number of the prepayment receipt.
    """

    sum: int
    exact: int
    rounding: int = 0
    rounded: bool = False
    discount: int = 0
    stage: Stage | None = None
    part: int = 0
    prepayment: str = ""

    @property
    def money(self) -> int:
        """What really passes the counter, kopecks."""
        return self.sum if self.stage is None else self.part


class Side(Struct, frozen=True):
    """Sales or refunds of a shift, kopecks. `rounding` is what cash rounding added, `exact` the sum without it."""

    sum: int = 0
    exact: int = 0
    rounding: int = 0
    rounded: bool = False
    count: int = 0
    pays: tuple[PayRow, ...] = ()
    taxes: tuple[TaxRow, ...] = ()
    by_letters: tuple[tuple[str, int], ...] = ()
    """Money by the lines' letters together ("АГ", "" for none): each kopeck once. Unknown to a document read back."""

    @property
    def cash(self) -> int:
        return sum(row.sum for row in self.pays if row.code == CASH_CODE)


class Figures(Struct, frozen=True):
    """A shift in numbers: the body of a Z-report, and the whole of an X-report. Kopecks."""

    sales: Side = Side()
    refunds: Side = Side()
    cash_in: int = 0
    cash_out: int = 0
    stornos: int = 0
    offline: int = 0
    """Documents made offline among those counted."""

    def drawer(self, opening: int = 0) -> int:
        """Cash that must be in the drawer; `opening` is what lay in it when the shift was opened (§3.9)."""
        return opening + self.cash_in + self.sales.cash - self.refunds.cash - self.cash_out


class Record(Struct, frozen=True):
    """One document by its contents. `fiscal_number` is its own: an offline document says it, else the ticket does."""

    act: Act
    uid: str
    outlet: Outlet
    moment: datetime
    number: int
    cashier: str = ""
    fiscal_number: str = ""
    offline: bool = False
    previous: str = ""
    original: str = ""
    original_register: str = ""
    original_day: date | None = None
    cancels: str = ""
    revokes_last: bool | None = None
    revoked: bool = False
    storned: bool = False
    comment: str = ""
    total: Total | None = None
    pays: tuple[PayRow, ...] = ()
    taxes: tuple[TaxRow, ...] = ()
    rows: tuple[BodyRow, ...] = ()
    figures: Figures | None = None

    @property
    def money(self) -> int:
        """What passes the counter, kopecks; 0 for a document without a sum."""
        return self.total.money if self.total else 0

    def numbered(self, fiscal_number: str) -> Record:
        """The same document with the number from its ticket."""
        return replace(self, fiscal_number=fiscal_number)


def read_document(data: bytes, fiscal_number: str = "") -> Record:
    """A CHECK or ZREP from its XML (not from its signed wrapper). Raises `Invalid` when it is neither or is broken.

    `fiscal_number` is the ticket's; the document's own wins where it has one.
    """
    root = read(data)
    if root[0] not in ("CHECK", "ZREP"):
        raise Invalid(Code.FRAME, f"a receipt or a Z-report was expected, not {root[0]}")
    try:
        record = _check(root) if root[0] == "CHECK" else _zrep(root)
    except (KeyError, ValueError) as error:
        raise Invalid(Code.FRAME, f"the document {root[0]} cannot be understood: {error}") from error
    return record if record.fiscal_number else record.numbered(fiscal_number)


def _check(root: Node) -> Record:
    head = texts(child(root, "CHECKHEAD"))
    doctype = int(head["DOCTYPE"])
    subtype = int(head["DOCSUBTYPE"]) if "DOCSUBTYPE" in head else 0 if doctype == 0 else None
    act = ACTS.get((doctype, subtype if doctype == 0 else None), Act.OTHER)
    returned = head.get("ORDERRETDATE")
    return replace(
        _head(head, act),
        original=head.get("ORDERRETNUM", ""),
        original_register=head.get("ORDERRETCASHREGNUM", ""),
        original_day=read_day(returned) if returned else None,
        cancels=head.get("ORDERSTORNUM", ""),
        revokes_last=_flag(head, "REVOKELASTONLINEDOC") if "REVOKELASTONLINEDOC" in head else None,
        storned=_flag(head, "STORNED"),
        comment=head.get("COMMENT", ""),
        total=_total(texts(child(root, "CHECKTOTAL"))),
        pays=tuple(_pay(row) for row in child(root, "CHECKPAY")),
        taxes=_taxes(child(root, "CHECKTAX")),
        rows=tuple(_row(row) for row in child(root, "CHECKBODY")),
    )


def _zrep(root: Node) -> Record:
    body = texts(child(root, "ZREPBODY"))
    figures = Figures(
        _side(child(root, "ZREPREALIZ")),
        _side(child(root, "ZREPRETURN")),
        kopecks(body.get("SERVICEINPUT", "0")),
        kopecks(body.get("SERVICEOUTPUT", "0")),
    )
    return replace(_head(texts(child(root, "ZREPHEAD")), Act.Z_REPORT), figures=figures)


def _head(head: dict[str, str], act: Act) -> Record:
    outlet = Outlet(
        tin=head.get("TIN", ""),
        ipn=head.get("IPN", ""),
        organisation=head.get("ORGNM", ""),
        point=head.get("POINTNM", ""),
        address=head.get("POINTADDR", ""),
        desk=int(head["CASHDESKNUM"]),
        register=head["CASHREGISTERNUM"],
        testing=_flag(head, "TESTING"),
    )
    return Record(
        act,
        head["UID"],
        outlet,
        read_moment(head["ORDERDATE"], head["ORDERTIME"]),
        int(head["ORDERNUM"]),
        cashier=head.get("CASHIER", ""),
        fiscal_number=head.get("ORDERTAXNUM", ""),
        offline=_flag(head, "OFFLINE"),
        previous=head.get("PREVDOCHASH", ""),
        revoked=_flag(head, "REVOKED"),
    )


def _flag(found: dict[str, str], name: str) -> bool:
    return found.get(name, "").strip().lower() in ("true", "1")


def _total(found: dict[str, str]) -> Total | None:
    if "SUM" not in found:
        return None
    whole = kopecks(found["SUM"])
    stage = STAGES[int(found["PARTPAYTYPE"])] if "PARTPAYTYPE" in found else None
    part = kopecks(found.get("PARTPAYSUM", "0"))
    rounded = "RNDSUM" in found
    rounding = -kopecks(found["RNDSUM"]) if rounded else 0
    money = whole if stage is None else part
    return Total(
        sum=whole,
        exact=kopecks(found["NORNDSUM"]) if "NORNDSUM" in found else money - rounding,
        rounding=rounding,
        rounded=rounded,
        discount=kopecks(found.get("DISCOUNTSUM", "0")),
        stage=stage,
        part=part,
        prepayment=found.get("PARTPAYORDPREPAYNUM", ""),
    )


def _nodes(row: Node) -> list[Node]:
    return row[1] if isinstance(row[1], list) else []


def _pay(row: Node) -> PayRow:
    found = texts(_nodes(row))
    return PayRow(
        code=scaled(found["PAYFORMCD"], 1),
        name=found.get("PAYFORMNM", ""),
        sum=kopecks(found.get("SUM", "0")),
        provided=kopecks(found["PROVIDED"]) if "PROVIDED" in found else None,
        change=kopecks(found.get("REMAINS", "0")),
        slips=tuple(_slip(texts(_nodes(slip))) for slip in child(row, "PAYSYS")),
    )


def _slip(found: dict[str, str]) -> Slip:
    return Slip(
        system=found.get("NAME", ""),
        system_code=found.get("TAXNUM", ""),
        merchant=found.get("ACQUIREID", ""),
        acquirer=found.get("ACQUIRENM", ""),
        acquirer_code=found.get("ACQUIREPN", ""),
        rrn=found.get("ACQUIRETRANSID", ""),
        at=found.get("POSTRANSDATE", ""),
        slip_number=found.get("POSTRANSNUM", ""),
        terminal=found.get("DEVICEID", ""),
        pan_mask=found.get("EPZDETAILS", ""),
        auth_code=found.get("AUTHCD", ""),
        sum=kopecks(found["SUM"]) if "SUM" in found else None,
        fee=kopecks(found.get("COMMISSION", "0")),
    )


def _taxes(rows: Iterable[Node]) -> tuple[TaxRow, ...]:
    return tuple(_tax(texts(_nodes(row))) for row in rows)


def _tax(found: dict[str, str]) -> TaxRow:
    turnover = kopecks(found["TURNOVER"])
    return TaxRow(
        kind=scaled(found["TYPE"], 1),
        name=found.get("NAME", ""),
        letter=found.get("LETTER", ""),
        percent=kopecks(found["PRC"]),
        turnover=turnover,
        source=kopecks(found["SOURCESUM"]) if "SOURCESUM" in found else turnover,
        sum=kopecks(found["SUM"]),
        on_top=_flag(found, "SIGN"),
    )


def _row(row: Node) -> BodyRow:
    found = texts(_nodes(row))
    stamps = (texts(_nodes(stamp)).get("EXCISELABEL", "") for stamp in child(row, "EXCISELABELS"))
    return BodyRow(
        code=found.get("CODE", ""),
        name=found.get("NAME", ""),
        cost=kopecks(found.get("COST", "0")),
        quantity=scaled(found["AMOUNT"], 1000) if "AMOUNT" in found else None,
        price=kopecks(found["PRICE"]) if "PRICE" in found else None,
        letters=found.get("LETTERS", ""),
        discount=kopecks(found.get("DISCOUNTSUM", "0")),
        discount_percent=kopecks(found.get("DISCOUNTPERCENT", "0")),
        part=kopecks(found["PARTPAYSUM"]) if "PARTPAYSUM" in found else None,
        barcode=found.get("BARCODE", ""),
        uktzed=found.get("UKTZED", ""),
        dkpp=found.get("DKPP", ""),
        unit=found.get("UNITNM", ""),
        unit_code=found.get("UNITCD", ""),
        comment=found.get("COMMENT", ""),
        stamps=tuple(stamp for stamp in stamps if stamp),
    )


def _side(nodes: list[Node]) -> Side:
    found = texts(nodes)
    if "SUM" not in found:
        return Side()
    whole = kopecks(found["SUM"])
    rounding = -kopecks(found.get("RNDSUM", "0"))
    root: Node = ("", nodes)
    return Side(
        sum=whole,
        exact=kopecks(found["NORNDSUM"]) if "NORNDSUM" in found else whole - rounding,
        rounding=rounding,
        rounded="RNDSUM" in found,
        count=scaled(found.get("ORDERSCNT", "0"), 1),
        pays=tuple(_pay(row) for row in child(root, "PAYFORMS")),
        taxes=_taxes(child(root, "TAXES")),
    )
