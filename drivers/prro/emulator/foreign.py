"""A document of somebody else: what another device that works with the same registrar would send (§1.6, §2.14)."""

from __future__ import annotations

import uuid
from datetime import datetime
from xml.sax.saxutils import escape

from drivers.prro.emulator.documents import CLOSE_SHIFT, OPEN_SHIFT
from drivers.prro.emulator.store import Facts, Registrar, Shift


def document(facts: Facts, registrar: Registrar, shift: Shift | None, cashier: str, now: datetime) -> bytes:
    """The next document of a registrar: cash-in of 1.00, or the shift is opened, or closed after its Z. `now` is Kyiv
    wall time."""
    last = datetime.fromisoformat(registrar.last_at) if registrar.last_at else now
    at = max(now, last)
    total = ""
    if shift is None:
        kind = f"<DOCTYPE>{OPEN_SHIFT}</DOCTYPE>"
    elif shift.z_fiscal:
        kind = f"<DOCTYPE>{CLOSE_SHIFT}</DOCTYPE>"
    else:
        kind = "<DOCTYPE>0</DOCTYPE><DOCSUBTYPE>2</DOCSUBTYPE>"
        total = "<CHECKTOTAL><SUM>1.00</SUM></CHECKTOTAL>"
    ipn = f"<IPN>{facts.ipn}</IPN>" if facts.ipn else ""
    testing = "<TESTING>true</TESTING>" if shift is not None and shift.testing else ""
    return (
        '<?xml version="1.0" encoding="windows-1251"?>'
        '<CHECK xmlns:xsi="http://www.w3.org/2001/XMLSchema-instance" xsi:noNamespaceSchemaLocation="check01.xsd">'
        f"<CHECKHEAD>{kind}<UID>{str(uuid.uuid4()).upper()}</UID><TIN>{facts.tin}</TIN>{ipn}"
        f"<ORGNM>{escape(facts.organization)}</ORGNM><POINTNM>{escape(facts.point)}</POINTNM>"
        f"<POINTADDR>{escape(facts.address)}</POINTADDR>"
        f"<ORDERDATE>{at:%d%m%Y}</ORDERDATE><ORDERTIME>{at:%H%M%S}</ORDERTIME>"
        f"<ORDERNUM>{registrar.next_local}</ORDERNUM><CASHDESKNUM>{registrar.local}</CASHDESKNUM>"
        f"<CASHREGISTERNUM>{registrar.fn}</CASHREGISTERNUM><CASHIER>{escape(cashier)}</CASHIER><VER>1</VER>{testing}"
        f"</CHECKHEAD>{total}</CHECK>"
    ).encode("cp1251")
