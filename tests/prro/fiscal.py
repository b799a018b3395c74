"""A small hand-written client of the fiscal server for the tests of its emulator: httpx, a signer, XML by hand.

Written from fiscal-server.md and apart from the emulator: XML text, control numbers and packages are made here anew.
"""

from __future__ import annotations

import hashlib
import json
import re
import uuid
import zlib
from collections.abc import Sequence
from dataclasses import dataclass, field
from datetime import datetime, timedelta
from pathlib import Path
from typing import Any

import httpx

from drivers.clock import kyiv
from drivers.prro.emulator.authority import Identity
from drivers.prro.emulator.web import FiscalEmulator
from drivers.prro.signing import Signer, Trust, verify

REPOSITORY = Path(__file__).resolve().parents[2]
XSD = REPOSITORY.parent / "shared" / "fiscal-server" / "xsd"
EXAMPLES = REPOSITORY.parent / "shared" / "fiscal-server" / "examples"
OCTETS = {"Content-Type": "application/octet-stream"}
ROOT = 'xmlns:xsi="http://www.w3.org/2001/XMLSchema-instance" xsi:noNamespaceSchemaLocation='

COFFEE = """<ROW ROWNUM="1"><CODE>1</CODE><NAME>Кава</NAME><UNITCD>2009</UNITCD><UNITNM>шт</UNITNM>
<AMOUNT>1.000</AMOUNT><PRICE>25.00</PRICE><LETTERS>А</LETTERS><COST>25.00</COST></ROW>"""
VAT = """<CHECKTAX><ROW ROWNUM="1"><TYPE>0</TYPE><NAME>ПДВ</NAME><LETTER>А</LETTER><PRC>20.00</PRC><SIGN>false</SIGN>
<TURNOVER>25.00</TURNOVER><SOURCESUM>25.00</SOURCESUM><SUM>4.17</SUM></ROW></CHECKTAX>"""
CASH = """<CHECKPAY><ROW ROWNUM="1"><PAYFORMCD>0</PAYFORMCD><PAYFORMNM>ГОТІВКА</PAYFORMNM>
<SUM>25.00</SUM></ROW></CHECKPAY>"""
GOODS = f"<CHECKTOTAL><SUM>25.00</SUM></CHECKTOTAL>{CASH}{VAT}<CHECKBODY>{COFFEE}</CHECKBODY>"
"""A sale, or a refund, of coffee for 25.00 in cash."""
EXAMPLE_CARD = """<CHECKTOTAL><SUM>689.82</SUM><DISCOUNTSUM>29.98</DISCOUNTSUM></CHECKTOTAL>
<CHECKPAY><ROW ROWNUM="1"><PAYFORMCD>301</PAYFORMCD><PAYFORMNM>КАРТКА</PAYFORMNM><SUM>689.82</SUM>
  <PAYSYS><ROW ROWNUM="1"><NAME>Mastercard</NAME><ACQUIREID>PB00417</ACQUIREID><ACQUIRENM>АТ "Банк-Еквайр"</ACQUIRENM>
    <ACQUIRETRANSID>606410117725</ACQUIRETRANSID><POSTRANSDATE>05032026101135</POSTRANSDATE>
    <POSTRANSNUM>000622</POSTRANSNUM><DEVICEID>S1K70000</DEVICEID><EPZDETAILS>XXXXXXXXXXXX1713</EPZDETAILS>
    <AUTHCD>130432</AUTHCD>
    <SUM>689.82</SUM></ROW></PAYSYS>
</ROW></CHECKPAY>
<CHECKTAX><ROW ROWNUM="1"><TYPE>0</TYPE><NAME>ПДВ</NAME><LETTER>А</LETTER><PRC>20.00</PRC><SIGN>false</SIGN>
    <TURNOVER>719.80</TURNOVER><SOURCESUM>669.82</SOURCESUM><SUM>111.64</SUM></ROW>
  <ROW ROWNUM="2"><TYPE>1</TYPE><NAME>Акциз</NAME><LETTER>Г</LETTER><PRC>5.00</PRC><SIGN>false</SIGN>
    <TURNOVER>420.00</TURNOVER><SOURCESUM>420.00</SOURCESUM><SUM>20.00</SUM></ROW></CHECKTAX>
<CHECKBODY><ROW ROWNUM="1"><CODE>1001</CODE><BARCODE>4820000000017</BARCODE><NAME>Кава мелена 250 г</NAME>
    <UNITCD>2009</UNITCD><UNITNM>шт</UNITNM>
    <AMOUNT>2.000</AMOUNT><PRICE>149.90</PRICE><LETTERS>А</LETTERS><COST>299.80</COST>
    <DISCOUNTTYPE>1</DISCOUNTTYPE><DISCOUNTPERCENT>10.00</DISCOUNTPERCENT><DISCOUNTSUM>29.98</DISCOUNTSUM></ROW>
  <ROW ROWNUM="2"><CODE>2044</CODE><BARCODE>4820000000024</BARCODE><UKTZED>2208201200</UKTZED>
    <NAME>Коньяк 3 зірки 0,5 л</NAME>
    <UNITCD>2009</UNITCD><UNITNM>шт</UNITNM>
    <AMOUNT>1.000</AMOUNT><PRICE>420.00</PRICE><LETTERS>АГ</LETTERS><COST>420.00</COST>
    <EXCISELABELS><ROW ROWNUM="1"><EXCISELABEL>AAAB123456</EXCISELABEL></ROW></EXCISELABELS></ROW></CHECKBODY>"""
EXAMPLE_CASH = """<CHECKTOTAL><SUM>77.50</SUM><RNDSUM>-0.15</RNDSUM><NORNDSUM>77.35</NORNDSUM></CHECKTOTAL>
<CHECKPAY><ROW ROWNUM="1"><PAYFORMCD>0</PAYFORMCD><PAYFORMNM>ГОТІВКА</PAYFORMNM><SUM>77.50</SUM>
  <PROVIDED>100.00</PROVIDED><REMAINS>22.50</REMAINS></ROW></CHECKPAY>
<CHECKTAX><ROW ROWNUM="1"><TYPE>0</TYPE><NAME>ПДВ</NAME><LETTER>А</LETTER><PRC>20.00</PRC><SIGN>false</SIGN>
  <TURNOVER>77.35</TURNOVER><SOURCESUM>77.35</SOURCESUM><SUM>12.89</SUM></ROW></CHECKTAX>
<CHECKBODY>
  <ROW ROWNUM="1"><CODE>3003</CODE><NAME>Зошит 48 арк.</NAME><UNITCD>2009</UNITCD><UNITNM>шт</UNITNM>
    <AMOUNT>2.000</AMOUNT><PRICE>31.15</PRICE><LETTERS>А</LETTERS><COST>62.30</COST></ROW>
  <ROW ROWNUM="2"><CODE>3010</CODE><NAME>Ручка</NAME><UNITCD>2009</UNITCD><UNITNM>шт</UNITNM>
    <AMOUNT>1.000</AMOUNT><PRICE>15.05</PRICE><LETTERS>А</LETTERS><COST>15.05</COST></ROW>
</CHECKBODY>"""
EXAMPLE_Z = """<ZREPREALIZ><SUM>767.32</SUM><RNDSUM>-0.15</RNDSUM><NORNDSUM>767.17</NORNDSUM><ORDERSCNT>2</ORDERSCNT>
  <PAYFORMS><ROW ROWNUM="1"><PAYFORMCD>0</PAYFORMCD><PAYFORMNM>ГОТІВКА</PAYFORMNM><SUM>77.50</SUM></ROW>
            <ROW ROWNUM="2"><PAYFORMCD>301</PAYFORMCD><PAYFORMNM>КАРТКА</PAYFORMNM><SUM>689.82</SUM></ROW></PAYFORMS>
  <TAXES><ROW ROWNUM="1"><TYPE>0</TYPE><NAME>ПДВ</NAME><LETTER>А</LETTER><PRC>20.00</PRC><SIGN>false</SIGN>
            <TURNOVER>797.15</TURNOVER><SOURCESUM>747.17</SOURCESUM><SUM>124.53</SUM></ROW>
         <ROW ROWNUM="2"><TYPE>1</TYPE><NAME>Акциз</NAME><LETTER>Г</LETTER><PRC>5.00</PRC><SIGN>false</SIGN>
            <TURNOVER>420.00</TURNOVER><SOURCESUM>420.00</SOURCESUM><SUM>20.00</SUM></ROW></TAXES></ZREPREALIZ>
<ZREPRETURN><SUM>77.50</SUM><RNDSUM>-0.15</RNDSUM><NORNDSUM>77.35</NORNDSUM><ORDERSCNT>1</ORDERSCNT>
  <PAYFORMS><ROW ROWNUM="1"><PAYFORMCD>0</PAYFORMCD><PAYFORMNM>ГОТІВКА</PAYFORMNM><SUM>77.50</SUM></ROW></PAYFORMS>
  <TAXES><ROW ROWNUM="1"><TYPE>0</TYPE><NAME>ПДВ</NAME><LETTER>А</LETTER><PRC>20.00</PRC><SIGN>false</SIGN>
            <TURNOVER>77.35</TURNOVER><SOURCESUM>77.35</SOURCESUM><SUM>12.89</SUM></ROW></TAXES></ZREPRETURN>
<ZREPBODY><SERVICEINPUT>500.00</SERVICEINPUT><SERVICEOUTPUT>300.00</SERVICEOUTPUT></ZREPBODY>"""
Z_OF_ONE = """<ZREPREALIZ><SUM>25.00</SUM><ORDERSCNT>1</ORDERSCNT><PAYFORMS><ROW ROWNUM="1"><PAYFORMCD>0</PAYFORMCD>
<PAYFORMNM>ГОТІВКА</PAYFORMNM><SUM>25.00</SUM></ROW></PAYFORMS><TAXES><ROW ROWNUM="1"><TYPE>0</TYPE><NAME>ПДВ</NAME>
<LETTER>А</LETTER><PRC>20.00</PRC><SIGN>false</SIGN><TURNOVER>25.00</TURNOVER><SOURCESUM>25.00</SOURCESUM>
<SUM>4.17</SUM></ROW></TAXES></ZREPREALIZ>"""
SALE, RETURN, DEPOSIT, ISSUE, STORNO = "0/0", "0/1", "0/2", "0/4", "0/5"
OPEN, CLOSE, BEGIN, END, Z = "100", "101", "102", "103", "Z"


def service(amount: str) -> str:
    return f"<CHECKTOTAL><SUM>{amount}</SUM></CHECKTOTAL>"


def control(seed: str, xml: bytes) -> int:
    """The control number of an offline document (§6.3), from its text."""
    text = xml.decode("cp1251")
    names = ["ORDERDATE", "ORDERTIME", "ORDERNUM", "CASHREGISTERNUM", "CASHDESKNUM"]
    values = [seed, *(re.search(f"<{name}>([^<]+)<", text)[1] for name in names)]  # type: ignore[index]
    total = re.search(r"<CHECKTOTAL>\s*<SUM>([^<]+)<", text)
    previous = re.search(r"<PREVDOCHASH>([^<]+)<", text)
    values += [found[1] for found in (total, previous) if found]
    crc = zlib.crc32(",".join(values).encode()).to_bytes(4, "big")
    return int.from_bytes(crc, "little") % 10000 or 1


def package(documents: Sequence[bytes]) -> bytes:
    return b"".join(len(each).to_bytes(4, "little") + each for each in documents)


@dataclass(frozen=True)
class Reply:
    """An answer, read as a client would."""

    status: int
    body: bytes
    fields: dict[str, str] = field(default_factory=dict)
    """Of a ticket that was proved."""

    @property
    def text(self) -> str:
        return self.body.decode("utf-8", "replace")

    @property
    def code(self) -> int | None:
        """Of a refusal by text or by ticket; 0 for a good ticket; None for anything else."""
        if self.fields:
            return int(self.fields.get("ERRORCODE", "0"))
        found = re.match(r"\s*Код помилки:\s*(\d+)\s*([A-Za-z]*)\s*(.*)", self.text, re.S)
        return int(found[1]) if found else None

    @property
    def number(self) -> str:
        """The fiscal number."""
        assert self.code == 0, self.text if not self.fields else self.fields
        return self.fields["ORDERTAXNUM"]

    @property
    def json(self) -> Any:
        return json.loads(self.body)


class Till:
    """A client of one registrar with one key. `next` is the local number it will use."""

    def __init__(self, emulator: FiscalEmulator, who: str = "cashier", *, fn: int = 4000123456, desk: int = 7) -> None:
        self.emulator = emulator
        self.fn, self.desk = fn, desk
        self.http = httpx.Client(timeout=20, verify=False)
        self.trust = Trust([emulator.demo.authority.certificate], demo=True)
        self.identify(emulator.demo.people[who])
        self.next = 1
        self.testing = False
        self.pair = ("", "")
        self.position = 1
        self.previous = b""
        self.sent: list[bytes] = []

    def identify(self, identity: Identity) -> None:
        self.signer = Signer(identity.key, identity.certificate)

    def close(self) -> None:
        self.http.close()

    # -- documents ------------------------------------------------------------------------------------------------

    def now(self) -> datetime:
        return kyiv(self.emulator.now()).replace(tzinfo=None, microsecond=0)

    def xml(
        self,
        kind: str,
        blocks: str = "",
        *,
        head: str = "",
        tail: str = "",
        at: datetime | None = None,
        local: int | None = None,
        uid: str = "",
        **changes: str | None,
    ) -> bytes:
        """A document; `head` goes after CASHREGISTERNUM, `tail` after VER, `changes` replace or (None) drop fields."""
        at = at or self.now()
        doctype, _, subtype = kind.partition("/")
        types = "" if kind == Z else f"<DOCTYPE>{doctype}</DOCTYPE>"
        types += f"<DOCSUBTYPE>{subtype}</DOCSUBTYPE>" if subtype else ""
        testing = "<TESTING>true</TESTING>" if self.testing and kind not in (BEGIN, END) else ""
        root = "ZREP" if kind == Z else "CHECK"
        text = (
            f'<?xml version="1.0" encoding="windows-1251"?>\n<{root} {ROOT}"{root.lower()}01.xsd"><{root}HEAD>{types}'
            f"<UID>{uid or str(uuid.uuid4()).upper()}</UID><TIN>12345678</TIN><IPN>123456712345</IPN>"
            '<ORGNM>ТОВ "Зразок"</ORGNM><POINTNM>Магазин "Ялинка"</POINTNM>'
            "<POINTADDR>УКРАЇНА, м. Київ, вул. Прикладна, 1</POINTADDR>"
            f"<ORDERDATE>{at:%d%m%Y}</ORDERDATE><ORDERTIME>{at:%H%M%S}</ORDERTIME>"
            f"<ORDERNUM>{self.next if local is None else local}</ORDERNUM><CASHDESKNUM>{self.desk}</CASHDESKNUM>"
            f"<CASHREGISTERNUM>{self.fn}</CASHREGISTERNUM>{head}<CASHIER>Коваль О. П.</CASHIER><VER>1</VER>"
            f"{tail}{testing}</{root}HEAD>{blocks}</{root}>"
        )
        for name, value in changes.items():
            replacement = "" if value is None else f"<{name}>{value}</{name}>"
            text, count = re.subn(f"<{name}>[^<]*</{name}>", replacement, text, count=1)
            assert count, name
        return text.encode("cp1251")

    def sign(self, content: bytes, at: datetime | None = None) -> bytes:
        return self.signer.sign(content, at=at or self.emulator.now())

    def post(self, path: str, body: bytes, **headers: str) -> httpx.Response:
        return self.http.post(f"{self.emulator.address}/{path}", content=body, headers=OCTETS | headers)

    def read(self, answer: httpx.Response) -> Reply:
        if answer.status_code != 200 or answer.headers["Content-Type"] != "application/octet-stream":
            return Reply(answer.status_code, answer.content)
        ticket = verify(answer.content, self.trust, at=self.emulator.now()).content.decode("cp1251")
        return Reply(200, answer.content, dict(re.findall(r"<([A-Z]+)>([^<]*)</", ticket)))

    def send(self, xml: bytes) -> Reply:
        """Sign and post a document; the number moves on when it was registered."""
        reply = self.read(self.post("doc", self.sign(xml)))
        if reply.code == 0:
            self.next += 1
            if "OFFLINESEED" in reply.fields:
                self.pair = (reply.fields["OFFLINESESSIONID"], reply.fields["OFFLINESEED"])
        return reply

    def register(self, kind: str, blocks: str = "", **how: Any) -> Reply:
        return self.send(self.xml(kind, blocks, **how))

    def open(self) -> Reply:
        return self.register(OPEN)

    def sell(self) -> Reply:
        return self.register(SALE, GOODS)

    # -- offline --------------------------------------------------------------------------------------------------

    def offline(
        self, kind: str, blocks: str = "", *, head: str = "", chain: bool = True, number: str = "", **how: Any
    ) -> bytes:
        """The next document of the offline session, signed."""
        linked = chain and self.position > 2
        link = f"<PREVDOCHASH>{hashlib.sha256(self.previous).hexdigest()}</PREVDOCHASH>" if linked else ""
        at = how.pop("at", None) or self.now()
        plain = self.xml(kind, blocks, head=head, tail=link, at=at, **how)
        given = number or f"{self.pair[0]}.{self.position}.{control(self.pair[1], plain)}"
        tail = f"<ORDERTAXNUM>{given}</ORDERTAXNUM><OFFLINE>true</OFFLINE>{link}"
        uid = re.search(rb"<UID>([^<]+)<", plain)
        assert uid is not None
        xml = self.xml(kind, blocks, head=head, tail=tail, at=at, uid=uid[1].decode(), **how)
        signed = self.sign(xml)
        self.previous = signed
        self.sent.append(signed)
        self.position += 1
        self.next += 1
        return signed

    def deliver(self, documents: Sequence[bytes] | None = None) -> Reply:
        """Send a package, all that waits by default."""
        content = package(self.sent if documents is None else documents)
        answer = self.post("pck", self.sign(content))
        reply = Reply(answer.status_code, answer.content)
        if answer.status_code == 200 and documents is None:
            self.sent = []
            if answer.content != b"OK":
                self.pair = (reply.json["OfflineSessionId"], reply.json["OfflineSeed"])
                self.position = 1
        return reply

    def rewind(self, count: int) -> None:
        """Take back the last offline documents that the server did not take."""
        self.next -= count
        self.position -= count
        del self.sent[len(self.sent) - count :]

    # -- commands -------------------------------------------------------------------------------------------------

    def command(self, name: str, *, signed: bool = True, **fields: Any) -> Any:
        """The answer as JSON with resultAsJson, errors included."""
        answer = self.ask(name, signed=signed, query="?resultAsJson=true", **fields)
        assert answer.status_code == 200, answer.text
        return answer.json()

    def ask(self, name: str, *, signed: bool = True, query: str = "", **fields: Any) -> httpx.Response:
        body = json.dumps({"Command": name, "UID": "a1", **fields}).encode()
        if signed:
            return self.post(f"cmd{query}", self.sign(body))
        kind = {"Content-Type": "application/json; charset=UTF-8"}
        return self.http.post(f"{self.emulator.address}/cmd{query}", content=body, headers=kind)

    def state(self, **fields: Any) -> Any:
        return self.command("TransactionsRegistrarState", NumFiscal=self.fn, **fields)


def later(moment: datetime, **how: int) -> datetime:
    return moment + timedelta(**how)
