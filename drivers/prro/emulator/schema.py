"""The structure of CHECK, ZREP and TICKET as tables (fiscal-server.md §1.4, §3, §4); the official XSDs when at hand.

A table is a list of `NAME:type` in the order of the sequence; `!` after the name means exactly one, else none or one.
A type in capitals that has a table of its own is a nested block, `[]` after it a block of numbered `ROW`s. Written from
the page, not from the XSD files, so that the emulator keeps its rules where those files are absent.
"""

from __future__ import annotations

import re
from collections.abc import Callable
from functools import cache
from pathlib import Path
from typing import Any
from xml.etree import ElementTree

MESSAGE = "Помилки валідації XML"


class Invalid(Exception):
    """The document does not follow its schema; the text says where."""


_NUMBER = re.compile(r"[+-]?\d+")
_PATTERNS = {
    "D2": r"-?\d+\.\d{2}",
    "D3": r"-?\d+(\.\d{1,3})?",
    "D8": r"-?\d+(\.\d{1,8})?",
    "D0": r"-?\d+(\.0{1,2})?",
    "date": r"(0[1-9]|[12]\d|3[01])(0[1-9]|1[0-2])(19|20)\d\d",
    "time": r"([01]\d|2[0-3])[0-5]\d[0-5]\d",
    "dt": r"(0[1-9]|[12]\d|3[01])(0[1-9]|1[0-2])(19|20)\d\d([01]\d|2[0-3])[0-5]\d[0-5]\d",
    "bool": r"true|false|1|0",
    "TIN": r"\d{5,10}|[А-ЯІЇЄҐ]{2}\d{6}|\d{9}",
    "IPN": r"0|\d{6,12}|[А-ЯІЇЄҐ]{2}\d{6}",
    "UKTZED": r"(?!0+$)(\d{10}|\d{8}|\d{6}|\d{4}|00\d{3})",
    "DKPP": r"\d\d\.\d\d(\.\d{1,2}(-\d{1,2}(\.\d{1,2})?)?)?",
}
_BOUNDS = {"nn": (0, None), "pos": (1, None), "N5": (1, 99_999), "int": (None, None)}
_TRIMMED = frozenset((*_BOUNDS, "bool", "D0", "D2", "D3", "D8"))

_PAYSYS = """TAXNUM:S128 NAME:str ACQUIREID:S128 ACQUIREPN:S128 ACQUIRENM:str ACQUIRETRANSID:S128 POSTRANSDATE:dt
 POSTRANSNUM:S128 DEVICEID:S128 EPZDETAILS:S128 AUTHCD:S64 CLIENTINFO:S256 SUM:D2 COMMISSION:D2"""
_DISCOUNT = "SUBTOTAL:D2 DISCOUNTNUM:pos DISCOUNTTAX:L1 DISCOUNTPERCENT:D2 DISCOUNTSUM:D2"
_TOTALS = """SUM!:D2 PWNSUMISSUED:D2 PWNSUMRECEIVED:D2 RNDSUM:D2 NORNDSUM:D2 ORDERSCNT!:nn PWNORDERSCNTISSUED:nn
 PWNORDERSCNTRECEIVED:nn TOTALCURRENCYCOST:nn TOTALCURRENCYSUM:D2 TOTALCURRENCYCOMMISSION:D2 PAYFORMS:PAYFORMS[]
 TAXES:TAXES[]"""
_CURRENCIES = """BUYVALI SELLVALI BUYVALN SELLVALN STORBUYVALI STORSELLVALI STORBUYVALN STORSELLVALN CINVALI COUTVALI
 UNUSVALI UNUSVALN COMMISSION INADVANCE INATTACH SURRCOLLECTION STORUNUSVALI STORUNUSVALN STORCINVALI STORCOUTVALI
 STORCOMMISSION"""

_TABLES = {
    "CHECK": """CHECKHEAD!:CHECKHEAD CHECKTOTAL:CHECKTOTAL CHECKPAY:CHECKPAY[] CHECKTAX:CHECKTAX[] CHECKPTKS:CHECKPTKS
 CHECKDUTYFREE:CHECKDUTYFREE[] CHECKDUTYFREEREMAINS:CHECKDUTYFREEREMAINS[] CHECKBODY:CHECKBODY[]""",
    "CHECKHEAD": """DOCTYPE!:nn DOCSUBTYPE:nn UID!:str TIN!:TIN IPN:IPN ORGNM!:S256 POINTNM!:S256 POINTADDR:S256
 ORDERDATE!:date ORDERTIME!:time ORDERNUM!:pos CASHDESKNUM!:pos CASHREGISTERNUM!:pos ORDERRETCASHREGNUM:pos
 ORDERRETDATE:date ORDERRETNUM:S128 ORDERSTORNUM:S128 OPERTYPENM:S128 VEHICLERN:S64 REVOKELASTONLINEDOC:bool
 CASHIER:S128 LOGOURL:S256 COMMENT:str VER!:int ORDERTAXNUM:S128 OFFLINE:bool PREVDOCHASH:S64 REVOKED:bool
 STORNED:bool TESTING:bool""",
    "CHECKTOTAL": """SUM:D2 PWNSUMISSUED:D2 PWNSUMRECEIVED:D2 RNDSUM:D2 NORNDSUM:D2 NOTAXSUM:D2 COMMISSION:D2
 USAGETYPE:nn SUBCHECK:D2 DISCOUNTTYPE:nn DISCOUNTPERCENT:D2 DISCOUNTSUM:D2 PARTPAYTYPE:nn PARTPAYPERCENT:D2
 PARTPAYSUM:D2 PARTPAYORDPREPAYNUM:S128""",
    "CHECKPAY": "PAYFORMCD!:nn PAYFORMNM!:str SUM:D2 PROVIDED:D2 REMAINS:D2 PAYSYS:PAYSYS[]",
    "PAYSYS": _PAYSYS,
    "CHECKTAX": "TYPE!:nn NAME!:S64 LETTER:L1 PRC!:D2 SIGN:bool TURNOVER!:D2 TURNOVERDISCOUNT:D2 SOURCESUM:D2 SUM!:D2",
    "CHECKPTKS": """PTKSPN:S128 PTKSNM:str PAYSYSTEMPN:S128 PAYSYSTEMNM:str ACQUIREID:S128 ACQUIREPN:S128
 ACQUIRENM:str ACQUIRETRANSID:S128 POSTRANSDATE:dt POSTRANSNUM:S128 DEVICEID:S128 EPZDETAILS:S128 AUTHCD:S64
 TERMINALNUM:S64 TERMINALADDR:str OPERNUM:S64 OPERSYSNUM:S64 BANKCD:S15 BANKNM:str""",
    "CHECKDUTYFREE": """PASSPORTDOC!:S128 PASSPORTCOUNTRY!:S128 VALCD!:pos VALSYMCD!:S64 VALNM:str VALCOURSE:D8 SUM!:D2
 PROVIDED:D2""",
    "CHECKDUTYFREEREMAINS": "VALCD!:pos VALSYMCD!:S64 VALNM:str VALCOURSE:D8 VALSUM!:D2 SUM!:D2",
    "CHECKBODY": f"""CODE:S64 BARCODE:S64 UKTZED|DKPP:UKTZED|DKPP NAME:S1024 DESCRIPTION:str UNITCD:N5 UNITNM:S64
 AMOUNT:D3 TOBACCOWEIGHT:D3 TOBACCOQT:N5 ALCOSTRENGTH:D3 ALCOVOL:D3 PRICE:D2 LETTERS:S15 COST:D2 RECIPIENTNM:str
 RECIPIENTIPN:IPN BANKCD:S15 BANKNM:str BANKRS:S64 PAYDETAILS:str PAYPURPOSE:S128 PAYERNM:str PAYERIPN:IPN
 PAYERPACTNUM:str PAYDETAILSP:str BASISPAY:str PTKSDEPTNUM:S128 PROVIDERNM:str PROVIDERTIN:TIN PROVIDERRCPRS:S64
 TRANSFERID:S128 PAYOUTTYPE:L1 FUELORDERNUM:S128 FUELUNITNM:str FUELTANKNUM:S64 FUELCOLUMNNUM:S64 FUELFAUCETNUM:S64
 FUELSALESIGN:bool VALCD:pos VALSYMCD:S64 VALNM:str VALOPERTYPE:nn VALOUTCD:pos VALOUTSYMCD:S64 VALOUTNM:str
 VALCOURSE:D8 VALCOURSEDATE:dt VALFOREIGNSUM:D2 VALNATIONALSUM:D2 VALCOMMISSION:D2 VALOPERCNT:N5 VALREFUSESELL:bool
 PWNDIR:bool USAGETYPE:nn DISCOUNTTYPE:nn {_DISCOUNT} PARTPAYSUM:D2 COMMENT:str EXCISELABELS:EXCISELABELS[]""",
    "EXCISELABELS": "EXCISELABEL!:S64",
    "ZREP": """ZREPHEAD!:ZREPHEAD ZREPREALIZ:ZREPREALIZ ZREPRETURN:ZREPREALIZ ZREPCASH:ZREPCASH ZREPVAL:ZREPVAL
 ZREPFUEL:ZREPFUEL ZREPBODY:ZREPBODY""",
    "ZREPHEAD": """UID!:str TIN!:TIN IPN:IPN ORGNM!:S256 POINTNM!:S256 POINTADDR:S256 ORDERDATE!:date ORDERTIME!:time
 ORDERNUM!:pos CASHDESKNUM!:pos CASHREGISTERNUM!:pos CASHIER:S128 VER!:int ORDERTAXNUM:S128 OFFLINE:bool
 PREVDOCHASH:S64 REVOKED:bool TESTING:bool""",
    "ZREPREALIZ": _TOTALS,
    "PAYFORMS": "PAYFORMCD!:D0 PAYFORMNM!:str SUM!:D2",
    "TAXES": "TYPE!:D0 NAME!:S64 LETTER:L1 PRC!:D2 SIGN:bool TURNOVER!:D2 TURNOVERDISCOUNT:D2 SOURCESUM:D2 SUM!:D2",
    "ZREPCASH": "SUM!:D2 COMMISSION:D2 ORDERSCNT!:nn",
    "ZREPVAL": """TOTALINADVANCE:D2 TOTALINATTACH:D2 TOTALSURRCOLLECTION:D2 COMMISSION:D2 CALCDOCSCNT!:nn ACCEPTEDN:D2
 ISSUEDN:D2 COMMISSIONN:D2 TRANSFERSCNT:nn DETAILS:VALUES[] TAXES:TAXES[]""",
    "VALUES": "VALNUM:D0 VALCD!:pos VALSYMCD!:S64 VALNM:str COURSEBUY:S64 COURSESELL:S64 COURSEREG:S64 "
    + " ".join(f"{name}:D2" for name in _CURRENCIES.split())
    + " VALCRCD:S64 CROSSSYMCD:S64 CROSSCOURSE:S64",
    "ZREPFUEL": "DETAILS!:FUELS[] REMAINS:TANKS[]",
    "FUELS": """NAME!:str ACCEPTED:D2 REALIZVOL:D2 REALIZPRK:D2 REALIZCOST:D2 REMAINS:D2 PAYFORMS:FUELFORMS[]""",
    "FUELFORMS": "PAYFORMCD!:D0 PAYFORMNM!:str SUM!:D2 AMOUNT!:D2",
    "TANKS": "NAME!:str TANKNUM!:S64 COLUMNNUM:S64 FAUCETNUM:S64 REMAINS!:D2",
    "ZREPBODY": "SERVICEINPUT:D2 SERVICEOUTPUT:D2 VEHICLERN:S64",
    "TICKET": """UID!:str ORDERDATE!:nn ORDERTIME!:nn ORDERNUM!:pos ORDERTAXNUM:S128 OFFLINESESSIONID:pos
 OFFLINESEED:pos ERRORCODE:int ERRORTEXT:str VER!:int""",
}


def parse(document: bytes) -> ElementTree.Element:
    """The tree of a windows-1251 document with the declaration that §1.2 wants. Raises Invalid.

    A document type is refused: no fiscal document has one, and entities are the classic bomb.
    """
    if not re.match(rb"<\?xml[^>]*encoding=[\"']windows-1251[\"'][^>]*\?>", document, re.IGNORECASE):
        raise Invalid(f'{MESSAGE}: документ починається з <?xml version="1.0" encoding="windows-1251"?>')
    if b"<!DOCTYPE" in document:
        raise Invalid(f"{MESSAGE}: оголошення DTD не допускається")
    try:
        return ElementTree.fromstring(document)
    except (ElementTree.ParseError, UnicodeError, ValueError) as error:
        raise Invalid(f"{MESSAGE}: {error}") from error


def check(root: ElementTree.Element) -> None:
    """Order, number and types of all elements. Raises Invalid."""
    if root.tag not in ("CHECK", "ZREP", "TICKET"):
        raise Invalid(f"{MESSAGE}: невідомий кореневий елемент {root.tag}")
    _block(root, root.tag, root.tag)


@cache
def _table(name: str) -> tuple[tuple[tuple[str, ...], bool, tuple[str, ...]], ...]:
    rows = []
    for entry in _TABLES[name].split():
        names, _, kinds = entry.partition(":")
        rows.append((tuple(names.rstrip("!").split("|")), names.endswith("!"), tuple(kinds.split("|"))))
    return tuple(rows)


def _block(element: ElementTree.Element, table: str, path: str) -> None:
    if (element.text or "").strip() or any((child.tail or "").strip() for child in element):
        raise Invalid(f"{MESSAGE}: текст між елементами {path}")
    children = list(element)
    at = 0
    for names, required, kinds in _table(table):
        if at < len(children) and children[at].tag in names:
            child = children[at]
            _member(child, kinds[names.index(child.tag)], f"{path}/{child.tag}")
            at += 1
        elif required:
            raise Invalid(f"{MESSAGE}: очікується {path}/{'|'.join(names)}")
    if at < len(children):
        raise Invalid(f"{MESSAGE}: зайвий або не на своєму місці елемент {path}/{children[at].tag}")


def _member(element: ElementTree.Element, kind: str, path: str) -> None:
    if kind.endswith("[]"):
        rows = list(element)
        if not rows:
            raise Invalid(f"{MESSAGE}: порожній блок {path}")
        for row in rows:
            if row.tag != "ROW":
                raise Invalid(f"{MESSAGE}: у {path} очікується ROW")
            number = row.get("ROWNUM", "")
            if not _NUMBER.fullmatch(number.strip()) or not 1 <= int(number) <= 999_999:
                raise Invalid(f"{MESSAGE}: ROWNUM у {path} — число 1…999999")
            _block(row, kind[:-2], f"{path}/ROW[{number}]")
    elif kind in _TABLES:
        _block(element, kind, path)
    else:
        if len(element):
            raise Invalid(f"{MESSAGE}: {path} не має вкладених елементів")
        _value(element.text or "", kind, path)


def _value(text: str, kind: str, path: str) -> None:
    if kind in _TRIMMED:
        text = text.strip()
    if kind in _BOUNDS:
        low, high = _BOUNDS[kind]
        valid = (
            bool(_NUMBER.fullmatch(text)) and (low is None or int(text) >= low) and (high is None or int(text) <= high)
        )
    elif kind in _PATTERNS:
        valid = bool(re.fullmatch(_PATTERNS[kind], text, re.ASCII if kind != "TIN" else 0))
    elif kind == "L1":
        valid = len(text) <= 1
    else:
        valid = kind == "str" or len(text) <= int(kind[1:])
    if not valid:
        raise Invalid(f"{MESSAGE}: значення «{text[:40]}» елемента {path} не відповідає типу {kind}")


Validator = Callable[[bytes, str], None]
"""(document, root tag) -> None; raises Invalid."""


@cache
def official(folder: Path | None) -> Validator | None:
    """Validation by the tax service's own XSDs in `folder`; None when they, or lxml, are not at hand."""
    if folder is None or not all((folder / f"{name}01.xsd").is_file() for name in ("check", "zrep")):
        return None
    try:
        from lxml import etree
    except ImportError:
        return None
    schemas: dict[str, Any] = {
        tag: etree.XMLSchema(etree.fromstring((folder / f"{tag.lower()}01.xsd").read_bytes()))
        for tag in ("CHECK", "ZREP")
    }
    parser = etree.XMLParser(resolve_entities=False, no_network=True)

    def validate(document: bytes, tag: str) -> None:
        schema = schemas[tag]
        tree = etree.fromstring(document, parser)
        if not schema.validate(tree):
            raise Invalid(f"{MESSAGE}: {schema.error_log.last_error.message}")

    return validate
