"""Documents of others: the tax service's own examples, and bytes that are no document."""

from __future__ import annotations

import pytest

from drivers.errors import Invalid
from drivers.prro.documents import Act, build, figures, read_document
from drivers.prro.documents.sums import problems
from drivers.prro.documents.taxes import TAXES, Taxed, tax_rows
from tests.prro.documents.shop import SHOP, heading, line, official, sale

SAMPLE = build(SHOP, heading(7, uid="0f8b6a10-0000-4000-8000-000000000007"), sale(line("Хліб", 100)))


@pytest.mark.parametrize(
    ("file", "act"),
    [
        ("check01(Відкриття зміни).xml", Act.OPEN_SHIFT),
        ("check01(Закриття зміни).xml", Act.CLOSE_SHIFT),
        ("check01(Початок офлайн сесії).xml", Act.BEGIN_OFFLINE),
        ("check01(Службове внесення).xml", Act.CASH_IN),
        ("check01(Сторно).xml", Act.STORNO),
        ("check01(Повернення).xml", Act.REFUND),
        ("check01(Товар).xml", Act.SALE),
        ("zrep01(Товар).xml", Act.Z_REPORT),
    ],
)
def test_the_services_own_examples_are_understood(file: str, act: Act) -> None:
    record = read_document(official(file))
    assert record.act is act
    assert record.number > 0 and record.outlet.tin


@pytest.mark.parametrize("file", ["check01(Два податки).xml", "check01(Заокруглення).xml", "check01(Знижки).xml"])
def test_the_services_own_sums_are_ours(file: str) -> None:
    """These three add up, and our arithmetic of taxes gives their numbers."""
    record = read_document(official(file))
    assert list(problems(record)) == []
    lines = [Taxed(row.letters, row.cost, row.cost - row.discount) for row in record.rows]
    ours = tax_rows(lines, TAXES.at(record.moment.date()), pays_vat=True)
    told = [(tax.letter, tax.percent, tax.turnover, tax.sum) for tax in record.taxes]
    assert [(tax.letter, tax.percent, tax.turnover, tax.sum) for tax in ours] == told
    assert figures([record]).sales.taxes == record.taxes


def test_the_services_own_rounding() -> None:
    total = read_document(official("check01(Заокруглення).xml")).total
    assert total is not None
    assert (total.sum, total.exact, total.rounding) == (1260, 1257, 3)


def test_the_services_own_z_report() -> None:
    shift = read_document(official("zrep01(Податки).xml")).figures
    assert shift is not None
    assert (shift.sales.sum, shift.sales.count, shift.cash_out) == (268130, 4, 450000)
    assert [(tax.letter, tax.sum) for tax in shift.sales.taxes] == [("А", 16994), ("В", 0), ("Г", 3862)]
    assert shift.refunds.count == 0


def test_a_copy_from_the_server_names_its_number() -> None:
    told = SAMPLE.replace(b"<VER>1</VER>", b"<VER>1</VER><ORDERTAXNUM>834000504</ORDERTAXNUM>")
    assert read_document(told, "something else").fiscal_number == "834000504"
    assert read_document(SAMPLE, "834000504").fiscal_number == "834000504"


def test_what_others_may_write() -> None:
    text = SAMPLE.decode("cp1251")
    text = text.replace("<ORDERDATE>05032026<", "<ORDERDATE>5032026<").replace("<SUM>1.00<", "<SUM>1<")
    text = text.replace("<AMOUNT>1.000<", "<AMOUNT>1<").replace("<CHECKBODY>", "<STRANGE><A>1</A></STRANGE><CHECKBODY>")
    record = read_document(text.encode("cp1251"))
    assert (record.moment, record.money) == (read_document(SAMPLE).moment, 100)
    assert record.rows == read_document(SAMPLE).rows


def test_utf8_with_a_mark_though_another_encoding_is_declared() -> None:
    assert read_document(b"\xef\xbb\xbf" + SAMPLE.decode("cp1251").encode()) == read_document(SAMPLE)


BOMB = (
    b'<?xml version="1.0"?><!DOCTYPE CHECK [<!ENTITY a "aaaaaaaaaa"><!ENTITY b "&a;&a;&a;&a;&a;&a;&a;&a;">]>'
    b"<CHECK>&b;</CHECK>"
)


def test_a_document_type_is_refused_whatever_it_declares() -> None:
    head, rest = SAMPLE.split(b"\n", 1)
    declared = head + b'<!DOCTYPE CHECK [<!ENTITY name "x">]>' + rest
    assert read_document(head + rest) == read_document(SAMPLE)
    with pytest.raises(Invalid, match="document type"):
        read_document(declared)


@pytest.mark.parametrize(
    "data",
    [
        b"",
        b"OK",
        b"<html></html>",
        b"<CHECK/>",
        b"<ZREP><ZREPHEAD/></ZREP>",
        BOMB,
        b"<CHECK>" + b"<A>" * 5000,
        b'<?xml version="1.0" encoding="klingon"?><CHECK/>',
        b'<?xml version="1.0" encoding="rot13"?><CHECK/>',
        b"\xff\xfe\x00",
        SAMPLE[:-1],
        SAMPLE + b"<CHECK/>",
        SAMPLE.replace(b"<ORDERNUM>7", b"<ORDERNUM>x"),
        SAMPLE.replace(b"<ORDERDATE>05032026", b"<ORDERDATE>05132026"),
        SAMPLE.replace(b"<SUM>1.00", b"<SUM>much"),
        SAMPLE.replace(b"<SUM>1.00", b"<SUM>" + b"9" * 5000),
        SAMPLE.replace(b"<UID>", b"<UIDS>").replace(b"</UID>", b"</UIDS>"),
    ],
    ids=lambda data: f"{len(data)} bytes",
)
def test_what_is_no_document(data: bytes) -> None:
    with pytest.raises(Invalid):
        read_document(data)


def test_a_document_whose_sums_are_wrong_is_told() -> None:
    wrong = [
        SAMPLE.replace(b"<CHECKTOTAL><SUM>1.00", b"<CHECKTOTAL><SUM>2.00"),
        SAMPLE.replace(b"<COST>1.00", b"<COST>1.01"),
        SAMPLE.replace("<PAYFORMNM>ГОТІВКА</PAYFORMNM><SUM>1.00".encode("cp1251"), b"<SUM>0.99"),
        SAMPLE.replace(b"</COST>", b"</COST><DISCOUNTSUM>0.10</DISCOUNTSUM>"),
        SAMPLE.replace(
            b"</SUM></ROW></CHECKPAY>", b"</SUM><PROVIDED>5.00</PROVIDED><REMAINS>3.00</REMAINS></ROW></CHECKPAY>"
        ),
    ]
    assert list(problems(read_document(SAMPLE))) == []
    for data in wrong:
        assert data != SAMPLE
        assert list(problems(read_document(data)))
