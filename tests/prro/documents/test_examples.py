"""The worked examples of fiscal-server.md §3.9 and §4, element by element."""

from __future__ import annotations

import re

import pytest

from drivers.document import (
    DocumentKind,
    Original,
    PaymentForm,
)
from drivers.errors import Invalid
from drivers.prro.documents import (
    Act,
    begin_offline,
    build,
    close_shift,
    end_offline,
    figures,
    open_shift,
    qr_text,
    read_document,
    storno,
    z_report,
)
from tests.prro.documents.shop import SHOP, SLIP, act, by_schema, heading, line, paid, sale

ROOT = 'xmlns:xsi="http://www.w3.org/2001/XMLSchema-instance" xsi:noNamespaceSchemaLocation="check01.xsd"'
ID = (
    '<TIN>12345678</TIN><IPN>123456712345</IPN><ORGNM>ТОВ "Зразок"</ORGNM><POINTNM>Магазин "Ялинка"</POINTNM>'
    "<POINTADDR>УКРАЇНА, м. Київ, вул. Прикладна, 1</POINTADDR>"
)
REG = "<CASHDESKNUM>7</CASHDESKNUM><CASHREGISTERNUM>4000123456</CASHREGISTERNUM>"
UID = "6B1F0C52-7D0E-4E0B-9B0A-1D2E3F405162"

CARD_SALE = f"""<?xml version="1.0" encoding="windows-1251"?>
<CHECK {ROOT}>
<CHECKHEAD><DOCTYPE>0</DOCTYPE><DOCSUBTYPE>0</DOCSUBTYPE><UID>{UID}</UID>
  {ID}<ORDERDATE>05032026</ORDERDATE><ORDERTIME>101142</ORDERTIME>
  <ORDERNUM>503</ORDERNUM>{REG}
  <CASHIER>Коваль О. П.</CASHIER><VER>1</VER></CHECKHEAD>
<CHECKTOTAL><SUM>689.82</SUM><DISCOUNTSUM>29.98</DISCOUNTSUM></CHECKTOTAL>
<CHECKPAY><ROW ROWNUM="1"><PAYFORMCD>301</PAYFORMCD><PAYFORMNM>КАРТКА</PAYFORMNM><SUM>689.82</SUM>
  <PAYSYS><ROW ROWNUM="1"><NAME>Mastercard</NAME><ACQUIREID>PB00417</ACQUIREID><ACQUIRENM>АТ "Банк-Еквайр"</ACQUIRENM>
    <ACQUIRETRANSID>606410117725</ACQUIRETRANSID><POSTRANSDATE>05032026101135</POSTRANSDATE><POSTRANSNUM>000622</POSTRANSNUM>
    <DEVICEID>S1K70000</DEVICEID><EPZDETAILS>XXXXXXXXXXXX1713</EPZDETAILS><AUTHCD>130432</AUTHCD><SUM>689.82</SUM></ROW></PAYSYS>
</ROW></CHECKPAY>
<CHECKTAX><ROW ROWNUM="1"><TYPE>0</TYPE><NAME>ПДВ</NAME><LETTER>А</LETTER><PRC>20.00</PRC><SIGN>false</SIGN>
    <TURNOVER>719.80</TURNOVER><SOURCESUM>669.82</SOURCESUM><SUM>111.64</SUM></ROW>
  <ROW ROWNUM="2"><TYPE>1</TYPE><NAME>Акциз</NAME><LETTER>Г</LETTER><PRC>5.00</PRC><SIGN>false</SIGN>
    <TURNOVER>420.00</TURNOVER><SOURCESUM>420.00</SOURCESUM><SUM>20.00</SUM></ROW></CHECKTAX>
<CHECKBODY><ROW ROWNUM="1"><CODE>1001</CODE><BARCODE>4820000000017</BARCODE><NAME>Кава мелена 250 г</NAME>
    <UNITCD>2009</UNITCD><UNITNM>шт</UNITNM><AMOUNT>2.000</AMOUNT><PRICE>149.90</PRICE><LETTERS>А</LETTERS>
    <COST>299.80</COST>
    <DISCOUNTTYPE>1</DISCOUNTTYPE><DISCOUNTPERCENT>10.00</DISCOUNTPERCENT><DISCOUNTSUM>29.98</DISCOUNTSUM></ROW>
  <ROW ROWNUM="2"><CODE>2044</CODE><BARCODE>4820000000024</BARCODE><UKTZED>2208201200</UKTZED>
    <NAME>Коньяк 3 зірки 0,5 л</NAME>
    <UNITCD>2009</UNITCD><UNITNM>шт</UNITNM><AMOUNT>1.000</AMOUNT><PRICE>420.00</PRICE><LETTERS>АГ</LETTERS><COST>420.00</COST>
    <EXCISELABELS><ROW ROWNUM="1"><EXCISELABEL>AAAB123456</EXCISELABEL></ROW></EXCISELABELS></ROW></CHECKBODY>
</CHECK>"""

CASH_BLOCKS = """<CHECKTOTAL><SUM>77.50</SUM><RNDSUM>-0.15</RNDSUM><NORNDSUM>77.35</NORNDSUM></CHECKTOTAL>
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

Z = f"""<ZREP {ROOT.replace("check", "zrep")}>
<ZREPHEAD><UID>0F8B6A10-0000-4000-8000-000000000507</UID>{ID}<ORDERDATE>05032026</ORDERDATE><ORDERTIME>180105</ORDERTIME>
  <ORDERNUM>507</ORDERNUM>{REG}<CASHIER>Коваль О. П.</CASHIER><VER>1</VER></ZREPHEAD>
<ZREPREALIZ><SUM>767.32</SUM><RNDSUM>-0.15</RNDSUM><NORNDSUM>767.17</NORNDSUM><ORDERSCNT>2</ORDERSCNT>
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
<ZREPBODY><SERVICEINPUT>500.00</SERVICEINPUT><SERVICEOUTPUT>300.00</SERVICEOUTPUT></ZREPBODY></ZREP>"""


def squeezed(text: str) -> str:
    return re.sub(r">\s+<", "><", text).strip()


def written(data: bytes) -> str:
    """The document's text; every document of this file is also put before the official schema."""
    by_schema(data)
    return squeezed(data.decode("cp1251"))


def blocks(text: str) -> str:
    """What follows the head."""
    return squeezed(text.split("</CHECKHEAD>", 1)[1].removesuffix("</CHECK>"))


BY_CARD = sale(
    line("Кава мелена 250 г", 14990, 2000, code="1001", barcode="4820000000017", percent=10_00),
    line(
        "Коньяк 3 зірки 0,5 л",
        42000,
        tax="АГ",
        code="2044",
        barcode="4820000000024",
        uktzed="2208201200",
        excise=("AAAB123456",),
    ),
    payments=(paid(68982, PaymentForm.CARD, card=SLIP),),
)
GOODS = (line("Зошит 48 арк.", 3115, 2000, code="3003"), line("Ручка", 1505, code="3010"))
BY_CASH = sale(*GOODS, payments=(paid(10000),), rounding=15)
GIVEN_BACK = sale(*GOODS, rounding=15, kind=DocumentKind.REFUND, original=Original(number="834000504"))


def test_a_sale_by_card_with_discount_excise_and_stamp() -> None:
    assert written(build(SHOP, heading(503, uid=UID), BY_CARD)) == squeezed(CARD_SALE)


def test_a_sale_for_cash_with_rounding_and_change() -> None:
    assert blocks(written(build(SHOP, heading(504, "101500"), BY_CASH))) == squeezed(CASH_BLOCKS)


def test_a_refund_mirrors_its_sale() -> None:
    text = written(build(SHOP, heading(505), GIVEN_BACK))
    assert "<DOCSUBTYPE>1</DOCSUBTYPE><UID>" in text
    assert f"{REG}<ORDERRETNUM>834000504</ORDERRETNUM><CASHIER>" in text
    expected = squeezed(CASH_BLOCKS).replace("<PROVIDED>100.00</PROVIDED><REMAINS>22.50</REMAINS>", "")
    assert blocks(text) == expected


def test_a_refund_of_another_registrars_sale() -> None:
    original = Original(number="834000504", fiscal_number="4000123457", at="2026-03-04T23:30:00+02:00")
    document = sale(*GOODS, rounding=15, kind=DocumentKind.REFUND, original=original)
    assert (
        "<CASHREGISTERNUM>4000123456</CASHREGISTERNUM><ORDERRETCASHREGNUM>4000123457</ORDERRETCASHREGNUM>"
        "<ORDERRETDATE>04032026</ORDERRETDATE><ORDERRETNUM>834000504</ORDERRETNUM><CASHIER>"
    ) in written(build(SHOP, heading(505), document))


def test_a_refund_on_the_same_registrar_names_only_the_receipt() -> None:
    original = Original(number="834000504", fiscal_number="4000123456", at="2026-03-04T23:30:00+02:00")
    document = sale(*GOODS, rounding=15, kind=DocumentKind.REFUND, original=original)
    assert "ORDERRETDATE" not in written(build(SHOP, heading(505), document))


@pytest.mark.parametrize(
    "original", [None, Original(number="834000504", fiscal_number="4000123457")], ids=["no number", "no date"]
)
def test_a_refund_that_does_not_say_what_it_gives_back(original: Original | None) -> None:
    document = sale(*GOODS, kind=DocumentKind.REFUND, original=original)
    with pytest.raises(Invalid) as caught:
        build(SHOP, heading(505), document)
    assert caught.value.field.startswith("original")


def test_opening_and_closing_a_shift() -> None:
    uid = "0f8b6a10-0000-4000-8000-000000000501"
    expected = (
        f"<CHECK {ROOT}><CHECKHEAD><DOCTYPE>100</DOCTYPE><UID>0F8B6A10-0000-4000-8000-000000000501</UID>{ID}"
        f"<ORDERDATE>05032026</ORDERDATE><ORDERTIME>090000</ORDERTIME><ORDERNUM>501</ORDERNUM>{REG}"
        "<CASHIER>Коваль О. П.</CASHIER><VER>1</VER></CHECKHEAD></CHECK>"
    )
    opened = written(open_shift(SHOP, heading(501, "090000", uid=uid)))
    assert opened.removeprefix('<?xml version="1.0" encoding="windows-1251"?>') == expected
    assert written(build(SHOP, heading(501, "090000", uid=uid), act(DocumentKind.OPEN_SHIFT))) == opened
    closed = written(close_shift(SHOP, heading(501, "090000", uid=uid)))
    assert closed == opened.replace("<DOCTYPE>100<", "<DOCTYPE>101<")


@pytest.mark.parametrize(("kind", "subtype"), [(DocumentKind.CASH_IN, 2), (DocumentKind.CASH_OUT, 4)])
def test_service_cash(kind: DocumentKind, subtype: int) -> None:
    text = written(build(SHOP, heading(502), act(kind, amount=50000)))
    assert f"<DOCTYPE>0</DOCTYPE><DOCSUBTYPE>{subtype}</DOCSUBTYPE>" in text
    assert blocks(text) == "<CHECKTOTAL><SUM>500.00</SUM></CHECKTOTAL>"


def test_a_storno_is_a_head_only() -> None:
    document = act(DocumentKind.STORNO, original=Original(number="834000504"))
    uid = "0f8b6a10-0000-4000-8000-000000000505"
    text = written(build(SHOP, heading(505, "101630", uid=uid), document))
    assert text.endswith(
        f"{REG}<ORDERSTORNUM>834000504</ORDERSTORNUM><CASHIER>Коваль О. П.</CASHIER><VER>1</VER></CHECKHEAD></CHECK>"
    )
    assert "<DOCTYPE>0</DOCTYPE><DOCSUBTYPE>5</DOCSUBTYPE>" in text
    assert text == written(storno(SHOP, heading(505, "101630", uid=uid), "834000504"))


def test_a_day_ends_with_its_z_report() -> None:
    documents = [
        open_shift(SHOP, heading(501, "090000")),
        build(SHOP, heading(502), act(DocumentKind.CASH_IN, amount=50000)),
        build(SHOP, heading(503), BY_CARD),
        build(SHOP, heading(504), BY_CASH),
        build(SHOP, heading(505), GIVEN_BACK),
        build(SHOP, heading(506), act(DocumentKind.CASH_OUT, amount=30000)),
    ]
    shift = figures(read_document(data, str(number)) for number, data in enumerate(documents))
    head = heading(507, "180105", uid="0f8b6a10-0000-4000-8000-000000000507")
    data = build(SHOP, head, act(DocumentKind.Z_REPORT), figures=shift)
    assert written(data).removeprefix('<?xml version="1.0" encoding="windows-1251"?>') == squeezed(Z)
    assert shift.drawer() == 20000
    assert read_document(data).act is Act.Z_REPORT


def test_an_empty_shift_has_a_z_report_of_zeros() -> None:
    text = written(z_report(SHOP, heading(2), figures([])))
    assert text.endswith(
        "</ZREPHEAD><ZREPBODY><SERVICEINPUT>0.00</SERVICEINPUT><SERVICEOUTPUT>0.00</SERVICEOUTPUT></ZREPBODY></ZREP>"
    )


def test_a_z_report_needs_its_shift() -> None:
    with pytest.raises(Invalid):
        build(SHOP, heading(2), act(DocumentKind.Z_REPORT))


def test_an_offline_session_begins_and_ends() -> None:
    begun = written(begin_offline(SHOP, heading(601, "101500", place=1)))
    assert (
        "<CASHREGISTERNUM>4000123456</CASHREGISTERNUM><REVOKELASTONLINEDOC>false</REVOKELASTONLINEDOC>"
        "<CASHIER>Коваль О. П.</CASHIER><VER>1</VER><ORDERTAXNUM>48866.1.3355</ORDERTAXNUM><OFFLINE>true</OFFLINE>"
        "</CHECKHEAD>"
    ) in begun
    revoking = begin_offline(SHOP, heading(601, "101500", place=1), revoke_last=True)
    assert "<REVOKELASTONLINEDOC>true</REVOKELASTONLINEDOC>" in written(revoking)
    assert read_document(revoking).revokes_last is True
    first = written(build(SHOP, heading(602, "101700", place=2), BY_CASH))
    assert "<VER>1</VER><ORDERTAXNUM>48866.2.8471</ORDERTAXNUM><OFFLINE>true</OFFLINE></CHECKHEAD>" in first
    ended = written(end_offline(SHOP, heading(603, "102000", place=3, previous="f" * 64)))
    assert f"<ORDERTAXNUM>48866.3.9829</ORDERTAXNUM><OFFLINE>true</OFFLINE><PREVDOCHASH>{'f' * 64}<" in ended


def test_the_link_in_the_qr_code() -> None:
    online = read_document(build(SHOP, heading(504, "101500"), BY_CASH), "834000504")
    assert qr_text(online) == (
        "https://cabinet.tax.gov.ua/cashregs/check?date=20260305&time=101500&id=834000504&sm=77.50&fn=4000123456"
    )
    assert "&time=1015&" in qr_text(online, seconds=False)
    first = read_document(build(SHOP, heading(602, "101700", place=2), BY_CASH))
    assert "mac=" not in qr_text(first) and "id=48866.2.8471" in qr_text(first)
    later = read_document(build(SHOP, heading(602, "101700", place=3, previous="0" * 64), BY_CASH))
    assert qr_text(later) == (
        f"https://cabinet.tax.gov.ua/cashregs/check?mac={'0' * 64}&date=20260305&time=101700&id=48866.3.1229&sm=77.50"
        "&fn=4000123456"
    )
    assert f"?mac={'a' * 64}&" in qr_text(later, mac="a" * 64)
    assert qr_text(read_document(build(SHOP, heading(502), act(DocumentKind.CASH_IN, amount=1)), "1")) == ""
    assert qr_text(read_document(build(SHOP, heading(504), BY_CASH))) == ""
