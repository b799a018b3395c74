"""A received document as the server sees it (fiscal-server.md §3, §4). Sums are kopecks; times are Kyiv wall time."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime
from xml.etree import ElementTree

from drivers.prro.emulator import schema

OPEN_SHIFT, CLOSE_SHIFT, OFFLINE_BEGIN, OFFLINE_END = 100, 101, 102, 103
SALE, RETURN, DEPOSIT, REINFORCEMENT, ISSUE, STORNO = range(6)
CASH = 0
"""PAYFORMCD of cash."""

TYPE_NAMES = {
    0: "SaleGoods",
    1: "TransferFunds",
    2: "CurrencyExchange",
    3: "CashWithdrawal",
    4: "Pawnshop",
    100: "OpenShift",
    101: "CloseShift",
    102: "OfflineBegin",
    103: "OfflineEnd",
}
"""4 has no name in the tax service's list (§2.11); this one is ours."""
SUBTYPE_NAMES = {
    0: "CheckGoods",
    1: "CheckReturn",
    2: "ServiceDeposit",
    3: "AdditionalDeposit",
    4: "ServiceIssue",
    5: "CheckStorno",
}


@dataclass(frozen=True)
class Document:
    """Head fields of a CHECK or ZREP, the tree beneath, and the octets as sent. `doctype` is -1 for a Z report."""

    root: ElementTree.Element
    xml: bytes
    cms: bytes
    doctype: int
    subtype: int
    uid: str
    tin: str
    fn: int
    desk: int
    local: int
    at: datetime
    testing: bool
    offline: bool
    tax_number: str
    previous: str | None
    """PREVDOCHASH exactly as it stands."""

    @property
    def zrep(self) -> bool:
        return self.root.tag == "ZREP"

    @property
    def kind(self) -> str:
        """The enum name of its type, for texts."""
        return "ZRep" if self.zrep else TYPE_NAMES.get(self.doctype, str(self.doctype))

    @property
    def financial(self) -> bool:
        """Receipts and Z: what counts for the length of an offline session (§6.1)."""
        return self.zrep or self.doctype < OPEN_SHIFT

    def head(self, name: str) -> str:
        """A head field, empty when absent."""
        return text(self.root[0], name)

    def sum_text(self) -> str:
        """CHECKTOTAL/SUM of a CHECK as written, empty when absent."""
        total = None if self.zrep else self.root.find("CHECKTOTAL")
        return text(total, "SUM") if total is not None else ""

    def total(self, name: str) -> int | None:
        """A sum of CHECKTOTAL in kopecks."""
        block = self.root.find("CHECKTOTAL")
        return money(block, name) if block is not None else None

    def head_total(self, name: str) -> str:
        """A field of CHECKTOTAL as text, empty when absent."""
        block = self.root.find("CHECKTOTAL")
        return text(block, name).strip() if block is not None else ""

    def rows(self, block: str) -> list[ElementTree.Element]:
        return self.root.findall(f"{block}/ROW")

    @property
    def paid(self) -> int:
        """What changes hands now: the part paid, else the sum to be paid. Kopecks."""
        part = self.total("PARTPAYSUM") if self.doctype == 0 else None
        return part if part is not None else self.total("SUM") or 0

    @property
    def cash(self) -> int:
        """Signed effect on the drawer, kopecks."""
        if self.zrep or self.doctype not in (0, 3):
            return 0
        if self.doctype == 0 and self.subtype in (DEPOSIT, REINFORCEMENT, ISSUE):
            amount = self.total("SUM") or 0
            return -amount if self.subtype == ISSUE else amount
        amount = sum(money(row, "SUM") or 0 for row in self.rows("CHECKPAY") if text(row, "PAYFORMCD").strip() == "0")
        return -amount if self.doctype == 3 or self.subtype == RETURN else amount


def text(element: ElementTree.Element, name: str) -> str:
    """The text of a child, empty when absent."""
    child = element.find(name)
    return "" if child is None else child.text or ""


def flag(element: ElementTree.Element, name: str) -> bool:
    return text(element, name).strip() in ("true", "1")


def money(element: ElementTree.Element, name: str) -> int | None:
    """A D2 child in kopecks; None when absent."""
    value = text(element, name).strip()
    return kopecks(value) if value else None


def kopecks(value: str) -> int:
    """'-12.50' -> -1250."""
    return int(value.replace(".", ""))


def hryvnias(amount: int) -> str:
    """-1250 -> '-12.50'."""
    return f"{'-' if amount < 0 else ''}{abs(amount) // 100}.{abs(amount) % 100:02d}"


def read(xml: bytes, cms: bytes, official: schema.Validator | None) -> Document:
    """A document that follows its schema. Raises schema.Invalid."""
    root = schema.parse(xml)
    if root.tag not in ("CHECK", "ZREP"):
        raise schema.Invalid(f"{schema.MESSAGE}: невідомий кореневий елемент {root.tag}")
    schema.check(root)
    if official is not None:
        official(xml, root.tag)
    head = root[0]
    try:
        at = datetime.strptime(text(head, "ORDERDATE") + text(head, "ORDERTIME"), "%d%m%Y%H%M%S")  # noqa: DTZ007
    except ValueError as error:
        raise schema.Invalid(f"{schema.MESSAGE}: дати {text(head, 'ORDERDATE')} не існує") from error
    zrep = root.tag == "ZREP"
    return Document(
        root=root,
        xml=xml,
        cms=cms,
        doctype=-1 if zrep else int(text(head, "DOCTYPE")),
        subtype=-1 if zrep or head.find("DOCSUBTYPE") is None else int(text(head, "DOCSUBTYPE")),
        uid=text(head, "UID"),
        tin=text(head, "TIN"),
        fn=int(text(head, "CASHREGISTERNUM")),
        desk=int(text(head, "CASHDESKNUM")),
        local=int(text(head, "ORDERNUM")),
        at=at,
        testing=flag(head, "TESTING"),
        offline=flag(head, "OFFLINE"),
        tax_number=text(head, "ORDERTAXNUM"),
        previous=None if head.find("PREVDOCHASH") is None else text(head, "PREVDOCHASH"),
    )
