"""What a document may hold: our own table of the service's schemas, checked before anything is signed.

One line a block: `NAME:type` in the order the schema prescribes, `!` required, `*` repeated; a type in capitals is
another block (fiscal-server.md §1.4, §3, §4). Blocks that this program never writes (duty free, self-service, currency,
fuel) are left out and refused. The table is ours so that no schema library is paid for on a weak box.
"""

from __future__ import annotations

import re
from functools import cache

from drivers.errors import Code, Invalid
from drivers.prro.documents.xml import Node

HEAD_OF_SELLER = "TIN:tin! IPN:ipn ORGNM:s256! POINTNM:s256! POINTADDR:s256 "
BLOCKS = {
    "CHECK": "CHECKHEAD:CHECKHEAD! CHECKTOTAL:CHECKTOTAL CHECKPAY:PAYS CHECKTAX:TAXES CHECKBODY:BODY",
    "CHECKHEAD": "DOCTYPE:nn! DOCSUBTYPE:nn UID:str! " + HEAD_OF_SELLER + "ORDERDATE:date! ORDERTIME:time! "
    "ORDERNUM:pos! CASHDESKNUM:pos! CASHREGISTERNUM:pos! ORDERRETCASHREGNUM:pos ORDERRETDATE:date ORDERRETNUM:s128 "
    "ORDERSTORNUM:s128 OPERTYPENM:s128 VEHICLERN:s64 REVOKELASTONLINEDOC:bool CASHIER:s128 LOGOURL:s256 COMMENT:str "
    "VER:nn! ORDERTAXNUM:s128 OFFLINE:bool PREVDOCHASH:s64 REVOKED:bool STORNED:bool TESTING:bool",
    "CHECKTOTAL": "SUM:d2 PWNSUMISSUED:d2 PWNSUMRECEIVED:d2 RNDSUM:d2 NORNDSUM:d2 NOTAXSUM:d2 COMMISSION:d2 "
    "USAGETYPE:nn SUBCHECK:d2 DISCOUNTTYPE:nn DISCOUNTPERCENT:d2 DISCOUNTSUM:d2 PARTPAYTYPE:nn PARTPAYPERCENT:d2 "
    "PARTPAYSUM:d2 PARTPAYORDPREPAYNUM:s128",
    "PAYS": "ROW:PAY!*",
    "PAY": "PAYFORMCD:nn! PAYFORMNM:s128! SUM:d2 PROVIDED:d2 REMAINS:d2 PAYSYS:PAYSYS",
    "PAYSYS": "ROW:SLIP!*",
    "SLIP": "TAXNUM:s128 NAME:str ACQUIREID:s128 ACQUIREPN:s128 ACQUIRENM:str ACQUIRETRANSID:s128 POSTRANSDATE:dt "
    "POSTRANSNUM:s128 DEVICEID:s128 EPZDETAILS:s128 AUTHCD:s64 CLIENTINFO:s256 SUM:d2 COMMISSION:d2",
    "TAXES": "ROW:TAX!*",
    "TAX": "TYPE:nn! NAME:s64! LETTER:s1 PRC:d2! SIGN:bool TURNOVER:d2! TURNOVERDISCOUNT:d2 SOURCESUM:d2 SUM:d2!",
    "BODY": "ROW:LINE!*",
    "LINE": "CODE:s64 BARCODE:s64 UKTZED:uktzed DKPP:dkpp NAME:s1024 DESCRIPTION:str UNITCD:n5 UNITNM:s64 AMOUNT:d3 "
    "PRICE:d2 LETTERS:s15 COST:d2 USAGETYPE:nn DISCOUNTTYPE:nn SUBTOTAL:d2 DISCOUNTNUM:pos DISCOUNTTAX:s1 "
    "DISCOUNTPERCENT:d2 DISCOUNTSUM:d2 PARTPAYSUM:d2 COMMENT:str EXCISELABELS:STAMPS",
    "STAMPS": "ROW:STAMP!*",
    "STAMP": "EXCISELABEL:s64!",
    "ZREP": "ZREPHEAD:ZREPHEAD! ZREPREALIZ:SIDE ZREPRETURN:SIDE ZREPBODY:ZREPBODY",
    "ZREPHEAD": "UID:str! " + HEAD_OF_SELLER + "ORDERDATE:date! ORDERTIME:time! ORDERNUM:pos! CASHDESKNUM:pos! "
    "CASHREGISTERNUM:pos! CASHIER:s128 VER:nn! ORDERTAXNUM:s128 OFFLINE:bool PREVDOCHASH:s64 REVOKED:bool TESTING:bool",
    "SIDE": "SUM:d2! RNDSUM:d2 NORNDSUM:d2 ORDERSCNT:nn! PAYFORMS:ZPAYS TAXES:TAXES",
    "ZPAYS": "ROW:ZPAY!*",
    "ZPAY": "PAYFORMCD:nn! PAYFORMNM:s128! SUM:d2!",
    "ZREPBODY": "SERVICEINPUT:d2 SERVICEOUTPUT:d2 VEHICLERN:s64",
}
"""Blocks by the name used here; the roots are `CHECK` and `ZREP`."""

SERIES = "[АБВГДЕЄЖЗИІКЛМНОПРСТУФХЦЧШЩЮЯ]{2}[0-9]{6}"
DATE = "(0[1-9]|[12][0-9]|3[01])(0[1-9]|1[0-2])(19|20)[0-9]{2}"
TIME = "([01][0-9]|2[0-3])[0-5][0-9][0-5][0-9]"
PATTERNS = {
    "nn": "[0-9]+",
    "pos": "0*[1-9][0-9]*",
    "n5": "[1-9][0-9]{0,4}",
    "bool": "true|false",
    "d2": r"-?[0-9]+\.[0-9]{2}",
    "d3": r"-?[0-9]+\.[0-9]{3}",
    "date": DATE,
    "time": TIME,
    "dt": DATE + TIME,
    "tin": "[0-9]{5,10}|" + SERIES,
    "ipn": "0|[0-9]{6,12}|" + SERIES,
    "uktzed": "(?!0+$)([0-9]{10}|[0-9]{8}|[0-9]{6}|[0-9]{4}|00[0-9]{3})",
    "dkpp": r"[0-9]{2}\.[0-9]{2}(\.[0-9]|\.[0-9]{2}(-[0-9]{2}\.[0-9]{1,2}|-[0-9]{1,2})?)?",
}
"""Scalar types by pattern; `str` and `sN` are texts, the latter of at most N characters."""


def validate(root: Node) -> None:
    """Raises `Invalid` naming the element: unknown, missing, out of order, repeated, empty or of a wrong form."""
    name, content = root
    _check(name, content, name)


@cache
def _block(name: str) -> tuple[dict[str, tuple[int, str, bool]], frozenset[str]]:
    """Place, type and repetition of each child, and the required children."""
    children: dict[str, tuple[int, str, bool]] = {}
    required: set[str] = set()
    for place, entry in enumerate(BLOCKS[name].split()):
        child, _, kind = entry.partition(":")
        if "!" in kind:
            required.add(child)
        children[child] = (place, kind.rstrip("!*"), kind.endswith("*"))
    return children, frozenset(required)


@cache
def _pattern(kind: str) -> re.Pattern[str]:
    return re.compile(PATTERNS[kind])


def _check(block: str, content: str | list[Node], where: str) -> None:
    children, required = _block(block)
    if isinstance(content, str):
        raise _wrong(where, "the block is empty")
    before, last, seen = -1, "", set()
    for number, (name, inner) in enumerate(content, 1):
        try:
            place, kind, repeated = children[name]
        except KeyError:
            raise _wrong(f"{where}/{name}", "no such element here") from None
        if place < before or (place == before and not repeated):
            raise _wrong(f"{where}/{name}", f"it must not follow {last}")
        before, last = place, name
        seen.add(name)
        path = f"{where}/ROW[{number}]" if name == "ROW" else f"{where}/{name}"
        if kind in BLOCKS:
            _check(kind, inner, path)
        elif not isinstance(inner, str):
            raise _wrong(path, "a text is expected, not elements")
        else:
            _scalar(kind, inner, path)
    if not required <= seen:
        raise _wrong(where, f"missing: {', '.join(sorted(required - seen))}")
    if "UKTZED" in seen and "DKPP" in seen:
        raise _wrong(where, "УКТ ЗЕД and ДКПП exclude each other")


def _scalar(kind: str, text: str, where: str) -> None:
    if not text:
        raise _wrong(where, "it is empty")
    if kind == "str":
        return
    if kind[0] == "s":
        if len(text) > int(kind[1:]):
            raise _wrong(where, f"{len(text)} characters, at most {kind[1:]} fit")
    elif not _pattern(kind).fullmatch(text):
        raise _wrong(where, f"{text!r} is not of its form ({kind})")


def _wrong(where: str, what: str) -> Invalid:
    return Invalid(Code.BAD_FIELD, f"{where}: {what}", field=where)
