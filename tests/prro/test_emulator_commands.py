"""Commands of the fiscal server (fiscal-server.md §2)."""

from __future__ import annotations

import base64
import json
import re
from collections.abc import Callable
from datetime import timedelta
from decimal import Decimal
from typing import Any

import pytest

from drivers.prro.emulator.web import FiscalEmulator
from drivers.prro.signing import cms, oids, timestamp, verify
from tests.prro.conftest import Launch
from tests.prro.fiscal import (
    BEGIN,
    CLOSE,
    DEPOSIT,
    END,
    EXAMPLE_CARD,
    EXAMPLE_CASH,
    GOODS,
    SALE,
    XSD,
    Z_OF_ONE,
    Till,
    Z,
    service,
)

Connect = Callable[..., Till]


def test_server_state(till: Till) -> None:
    answer = till.ask("ServerState", signed=False)
    assert answer.json()["UID"] == "a1"
    assert re.fullmatch(r"2026-03-05T10:0\d:\d\d\+02:00", answer.json()["Timestamp"])
    assert answer.headers["Date"].startswith("Thu, 05 Mar 2026 08:0")


def test_schemas(till: Till) -> None:
    if not XSD.is_dir():
        pytest.skip(f"the official schemas ({XSD}) are not here")
    answer = till.command("Schemas", signed=False)
    assert base64.b64decode(answer["XsdSchemaCheck"]) == (XSD / "check01.xsd").read_bytes()
    assert base64.b64decode(answer["XsdSchemaZRep"]) == (XSD / "zrep01.xsd").read_bytes()


def test_no_schemas(fiscal: Launch, connect: Connect, tmp_path: object) -> None:
    till = connect(fiscal(xsd=tmp_path))
    assert till.ask("Schemas", signed=False).status_code == 204
    assert till.command("Schemas", signed=False)["ErrorCode"] == 13


def test_objects_and_operators(till: Till, emulator: FiscalEmulator) -> None:
    (place,) = till.command("Objects")["TaxObjects"]
    assert (place["OrgName"], place["Name"], place["Tin"], place["Ipn"]) == (
        'ТОВ "Зразок"', 'Магазин "Ялинка"', "12345678", "123456712345",
    )  # fmt: skip
    assert place["TransactionsRegistrars"] == [
        {"NumFiscal": 4000123456, "NumLocal": 7, "Name": "Каса 1", "Closed": False}
    ]
    assert place["SingleTax"] is False and place["ChiefCashier"] is False
    operators = till.command("Operators")
    assert operators["Tin"] == "12345678" and len(operators["Operators"]) == 4
    own = next(each for each in operators["Operators"] if each["RegNum"] == "3184710691")
    key_id = emulator.demo.cashier.certificate.key_id
    assert key_id is not None and own["SubjectKeyId"] == key_id.hex() and len(own["SubjectKeyId"]) == 64
    emulator.withdraw_operator("second")
    assert len(till.command("Operators")["Operators"]) == 3


def test_an_unregistered_key_sees_nothing(till: Till, emulator: FiscalEmulator) -> None:
    till.identify(emulator.demo.authority.cashier(emulator.now(), drfo="12345678"))
    assert till.ask("Objects").status_code == 204
    assert till.command("Objects")["ErrorCode"] == 13
    assert till.command("Operators")["ErrorCode"] == 2


def test_the_state_of_a_registrar(till: Till, emulator: FiscalEmulator) -> None:
    before = till.state()
    assert before["ShiftState"] == 0 and before["ShiftId"] == 0 and before["FirstLocalNum"] == 0
    assert before["NextLocalNum"] == 1 and before["OfflineSessionId"] is None and before["Name"] is None
    opened = till.open()
    sale = till.sell()
    state = till.state(IncludeTaxObject=True)
    key_id = emulator.demo.cashier.certificate.key_id
    assert key_id is not None
    assert state["UID"] == "a1" and state["Timestamp"].startswith("2026-03-05T10:0")
    facts = ("ShiftState", "ZRepPresent", "Testing", "FirstLocalNum", "NextLocalNum")
    assert {name: state[name] for name in facts} == {
        "ShiftState": 1, "ZRepPresent": False, "Testing": False, "FirstLocalNum": 1, "NextLocalNum": 3,
    }  # fmt: skip
    assert (state["OpenShiftFiscalNum"], state["LastFiscalNum"]) == (opened.number, sale.number)
    assert (state["Name"], state["SubjectKeyId"]) == ("Коваль Олена Петрівна", key_id.hex())
    assert (state["OfflineSessionId"], state["OfflineSeed"], state["OfflineNextLocalNum"]) == (*till.pair, "1")
    assert state["OfflineSupported"] is True and state["OfflineSessionRolledBack"] is False
    assert state["TaxObject"]["Name"] == 'Магазин "Ялинка"'
    till.register(Z, Z_OF_ONE)
    assert till.state()["ZRepPresent"] is True
    till.register(CLOSE)
    assert (till.state()["ShiftState"], till.state()["NextLocalNum"]) == (0, 5)


def test_the_secret_is_not_for_everybody(shop: Till, emulator: FiscalEmulator, connect: Connect) -> None:
    second, senior, head = (connect(emulator, who) for who in ("second", "senior", "head"))
    hidden = {
        name: value
        for name, value in second.state().items()
        if name.startswith("Offline") and name != "OfflineSupported"
    }
    assert set(hidden.values()) == {None, False} and len(hidden) == 7
    assert second.state()["ShiftState"] == 1 and second.state()["ChiefCashier"] is False
    for entitled in (senior, head):
        assert entitled.state()["OfflineSeed"] == shop.pair[1] and entitled.state()["ChiefCashier"] is True


def test_a_cancelled_registration(shop: Till, emulator: FiscalEmulator) -> None:
    emulator.cancel_registration()
    assert shop.state()["Closed"] is True
    shop.register(Z)
    shop.register(CLOSE)
    assert shop.ask("TransactionsRegistrarState", NumFiscal=shop.fn).status_code == 204
    assert shop.command("Objects")["TaxObjects"][0]["TransactionsRegistrars"] == []


def test_a_receipt_is_fetched(shop: Till) -> None:
    xml = shop.xml(SALE, GOODS)
    signed = shop.sign(xml)
    number = shop.read(shop.post("doc", signed)).number
    answer = shop.ask("Check", signed=False, RegistrarNumFiscal=shop.fn, NumFiscal=number)
    document = verify(answer.content, shop.trust, at=shop.emulator.now()).content.decode("cp1251")
    assert f"<VER>1</VER><ORDERTAXNUM>{number}</ORDERTAXNUM>" in document and "<NAME>Кава</NAME>" in document
    assert cms.parse(answer.content).unsigned(oids.SIGNATURE_TIMESTAMP) is None
    stamped = shop.ask("Check", signed=False, RegistrarNumFiscal=str(shop.fn), NumLocal="2", SetTimestamp="true")
    message = cms.parse(stamped.content)
    token = message.unsigned(oids.SIGNATURE_TIMESTAMP)
    assert token is not None and timestamp.check(token, message.signature, shop.trust).trusted
    original = shop.ask("Check", signed=False, RegistrarNumFiscal=shop.fn, NumLocal=2, Original=True)
    assert original.content == signed
    assert shop.ask("Check", signed=False, RegistrarNumFiscal=shop.fn, NumLocal=99).status_code == 204
    assert shop.ask("ZRep", RegistrarNumFiscal=shop.fn, NumLocal=2).status_code == 204
    unknown = shop.ask("Check", signed=False, RegistrarNumFiscal=4000999999, NumLocal=1)
    assert (unknown.status_code, unknown.text.splitlines()[0]) == (404, "Код помилки: 1 TransactionsRegistrarAbsent")


def test_a_copy_follows_the_official_schema(shop: Till) -> None:
    if not XSD.is_dir():
        pytest.skip(f"the official schemas ({XSD}) are not here")
    from lxml import etree

    shop.sell()
    number = shop.sell().number
    shop.register("0/5", head=f"<ORDERSTORNUM>{number}</ORDERSTORNUM>")
    ticket = verify(
        shop.read(shop.post("doc", shop.sign(shop.xml(SALE, GOODS)))).body, shop.trust, at=shop.emulator.now()
    )
    schemas = {
        name: etree.XMLSchema(etree.fromstring((XSD / f"{name}01.xsd").read_bytes())) for name in ("check", "ticket")
    }
    assert schemas["ticket"].validate(etree.fromstring(ticket.content))
    for local in (1, 2, 3, 4):
        answer = shop.ask("Check", signed=False, RegistrarNumFiscal=shop.fn, NumLocal=local)
        content = verify(answer.content, shop.trust, at=shop.emulator.now()).content
        assert schemas["check"].validate(etree.fromstring(content)), schemas["check"].error_log
        assert (b"<STORNED>true</STORNED>" in content) == (local == 3)


def test_every_form_of_a_receipt(shop: Till) -> None:
    signed = shop.sign(shop.xml(SALE, EXAMPLE_CARD))
    number = shop.read(shop.post("doc", signed)).number

    def data(kind: object) -> bytes:
        answer = shop.command("CheckExt", signed=False, RegistrarNumFiscal=shop.fn, NumFiscal=number, Type=kind)
        assert (answer["ResultCode"], answer["ResultText"]) == (0, "Ok") and answer["ShiftId"] == shop.state()[
            "ShiftId"
        ]
        return base64.b64decode(answer["Data"] or "")

    assert data(0) == data("Availability") == b""
    assert data(1) == data("OriginalXml") == cms.parse(signed).content
    by_server = verify(data(2), shop.trust, at=shop.emulator.now()).content
    assert f"<ORDERTAXNUM>{number}<".encode() in by_server
    text = data("3").decode()
    assert "Кава мелена" in text and text.splitlines()[-1] == "Державна податкова служба України"
    assert max(map(len, text.splitlines())) <= 70
    assert data(4) == signed
    assert verify(data(5), shop.trust, at=shop.emulator.now()).content == signed


def test_the_link_to_the_cabinet(shop: Till) -> None:
    number = shop.sell().number
    fields = {"RegistrarNumFiscal": shop.fn, "NumFiscal": number, "Type": 0}
    assert shop.command("CheckExt", signed=False, **fields)["CabinetUrl"] is None
    url = shop.command("CheckExt", signed=False, AcquireCabinetUrl="true", **fields)["CabinetUrl"]
    assert re.fullmatch(
        rf"https://cabinet.tax.gov.ua/cashregs/check\?date=20260305&time=10\d{{4}}&id={number}&sm=25.00&fn=4000123456",
        url,
    )


@pytest.mark.parametrize(
    ("fields", "code"),
    [
        ({"NumFiscal": "999"}, 1),
        ({"NumFiscal": "SESSION.1.44"}, 2),
        ({"NumFiscal": "1.1.44"}, 3),
        ({"RegistrarNumFiscal": 4000999999, "NumLocal": 1}, 4),
        ({"NumLocal": 77}, 5),
    ],
)
def test_why_a_receipt_is_absent(shop: Till, fields: dict[str, object], code: int) -> None:
    asked = {name: str(value).replace("SESSION", shop.pair[0]) for name, value in fields.items()}
    answer = shop.command("CheckExt", signed=False, **({"RegistrarNumFiscal": shop.fn} | asked))
    assert (answer["ResultCode"], answer["Data"]) == (code, None)


def test_a_z_report_is_fetched(shop: Till) -> None:
    shop.sell()
    number = shop.register(Z, Z_OF_ONE).number
    original = shop.command("ZRepExt", RegistrarNumFiscal=shop.fn, NumFiscal=number, Type=1)
    assert b"<ZREPREALIZ>" in base64.b64decode(original["Data"]) and "CabinetUrl" not in original
    whole = verify(
        shop.ask("ZRep", RegistrarNumFiscal=shop.fn, NumFiscal=number).content, shop.trust, at=shop.emulator.now()
    )
    assert number.encode() in whole.content
    assert shop.command("CheckExt", signed=False, RegistrarNumFiscal=shop.fn, NumFiscal=number)["ResultCode"] == 1


def test_shifts_and_their_documents(shop: Till, emulator: FiscalEmulator) -> None:
    sale = shop.sell().number
    shop.register("0/5", head=f"<ORDERSTORNUM>{sale}</ORDERSTORNUM>")
    z = shop.register(Z).number
    closed = shop.register(CLOSE).number
    emulator.advance_clock(86400)
    shop.open()
    day: dict[str, Any] = {"From": "2026-03-05T00:00:00", "To": "2026-03-05T23:59:59+02:00"}
    (first,) = shop.command("Shifts", NumFiscal=shop.fn, **day)["Shifts"]
    assert (first["ZRepFiscalNum"], first["CloseShiftFiscalNum"], first["OpenName"]) == (
        z,
        closed,
        "Коваль Олена Петрівна",
    )
    both = shop.command("Shifts", NumFiscal=shop.fn, From="/Date(1772661600000)/", To="2026-03-07T00:00:00+02:00")[
        "Shifts"
    ]
    assert [each["Closed"] is None for each in both] == [False, True]
    assert shop.command("Shifts", NumFiscal=shop.fn, ShiftId=str(first["ShiftId"]))["Shifts"] == [first]
    documents = shop.command("Documents", NumFiscal=shop.fn, OpenShiftFiscalNum=first["OpenShiftFiscalNum"])[
        "Documents"
    ]
    assert documents == shop.command("Documents", NumFiscal=shop.fn, ShiftId=first["ShiftId"])["Documents"]
    kinds = [(each["DocClass"], each["CheckDocType"], each["CheckDocSubType"], each["Storned"]) for each in documents]
    assert kinds == [
        ("Check", "OpenShift", "CheckGoods", False), ("Check", "SaleGoods", "CheckGoods", True),
        ("Check", "SaleGoods", "CheckStorno", False), ("ZRep", None, None, False),
        ("Check", "CloseShift", "CheckGoods", False),
    ]  # fmt: skip
    assert [each["NumLocal"] for each in documents] == [1, 2, 3, 4, 5]
    assert documents[1]["NumFiscal"] == sale and documents[1]["DocDateTime"].startswith("2026-03-05T10:0")
    assert shop.command("Documents", NumFiscal=shop.fn, ShiftId=1)["Documents"] == []


def test_totals_of_the_last_shift(till: Till) -> None:
    assert till.ask("LastShiftTotals", NumFiscal=till.fn).status_code == 204
    till.open()
    till.register(DEPOSIT, service("500.00"))
    assert till.command("LastShiftTotals", NumFiscal=till.fn)["Totals"]["Real"] is None
    till.register(SALE, EXAMPLE_CARD)
    till.register(SALE, EXAMPLE_CASH)
    answer = json.loads(till.ask("LastShiftTotals", NumFiscal=till.fn).content, parse_float=Decimal)
    totals = answer["Totals"]
    real = totals["Real"]
    assert (real["Sum"], real["RndSum"], real["NoRndSum"], real["OrdersCount"]) == (
        Decimal("767.32"), Decimal("-0.15"), Decimal("767.17"), 2,
    )  # fmt: skip
    assert [(form["PayFormCode"], form["Sum"]) for form in real["PayForm"]] == [
        (301, Decimal("689.82")),
        (0, Decimal("77.50")),
    ]
    vat, excise = real["Tax"]
    assert (vat["Letter"], vat["Prc"], vat["Turnover"], vat["SourceSum"], vat["Sum"]) == (
        "А", Decimal("20.00"), Decimal("797.15"), Decimal("747.17"), Decimal("124.53"),
    )  # fmt: skip
    assert (excise["Type"], excise["Sum"], excise["Sign"]) == (1, Decimal("20.00"), False)
    assert (totals["Ret"], totals["ServiceInput"], totals["ServiceOutput"]) == (
        None,
        Decimal("500.00"),
        Decimal("0.00"),
    )


def test_totals_are_gone_with_the_shift(shop: Till) -> None:
    shop.register(Z)
    shop.register(CLOSE)
    answer = shop.command("LastShiftTotals", NumFiscal=shop.fn)
    assert answer["ShiftState"] == 0 and answer["Totals"] is None and answer["ZRepFiscalNum"] and answer["Closed"]


def test_a_document_by_its_local_number(shop: Till) -> None:
    number = shop.sell().number
    answer = shop.command("DocumentInfoByLocalNum", NumFiscal=shop.fn, NumLocal=2)
    facts = ("NumFiscal", "DocClass", "CheckDocType", "CheckDocSubType", "Revoked", "Storned")
    assert {name: answer[name] for name in facts} == {
        "NumFiscal": number, "DocClass": "Check", "CheckDocType": "SaleGoods", "CheckDocSubType": "CheckGoods",
        "Revoked": False, "Storned": False,
    }  # fmt: skip
    assert shop.ask("DocumentInfoByLocalNum", NumFiscal=shop.fn, NumLocal=3).status_code == 204
    absent = shop.command("DocumentInfoByLocalNum", NumFiscal=shop.fn, NumLocal="3")
    assert absent["ErrorCode"] == 13 and absent["ErrorMessage"] and absent["UID"] == "a1"


def test_a_document_as_a_command(till: Till) -> None:
    signed = base64.b64encode(till.sign(till.xml("100"))).decode()
    answer = till.command("SendDocument", signed=False, Document=signed)
    ticket = verify(base64.b64decode(answer["Ticket"]), till.trust, at=till.emulator.now()).content
    assert b"<ERRORCODE>0</ERRORCODE>" in ticket and b"<OFFLINESEED>" in ticket
    again = till.command("SendDocument", signed=False, Document=signed)
    assert again["ErrorCode"] == 4 and "наразі відкрито" in again["ErrorMessage"]
    for wrong in ("!!!", 7, None):
        assert till.command("SendDocument", signed=False, Document=wrong)["ErrorCode"] == 11


def test_a_package_as_a_command(shop: Till) -> None:
    first = [shop.offline(BEGIN), shop.offline(SALE, GOODS)]
    last = [shop.offline(END)]
    answer = shop.command("SendOflPackage", Documents=[base64.b64encode(each).decode() for each in first])
    assert "OfflineSeed" not in answer and "ErrorCode" not in answer
    answer = shop.command("SendOflPackage", Documents=[base64.b64encode(each).decode() for each in last])
    assert answer["OfflineSeed"] == shop.state()["OfflineSeed"] != shop.pair[1]
    wrong = shop.command("SendOflPackage", Documents=[base64.b64encode(last[0]).decode()])
    assert wrong["ErrorCode"] == 7 and "за № 0" in wrong["ErrorMessage"]
    assert shop.command("SendOflPackage", Documents=[])["ErrorCode"] == 11


def test_two_devices(till: Till, emulator: FiscalEmulator, connect: Connect) -> None:
    ours, theirs = "a" * 64, "b" * 64
    assert till.command("DeviceRegister", NumFiscal=till.fn, DeviceId=ours)["DeviceId"] == ours
    other = connect(emulator, "second")
    assert other.command("DeviceRegister", NumFiscal=till.fn, DeviceId=theirs)["DeviceId"] == ours
    assert other.command("DeviceRegister", NumFiscal=till.fn, DeviceId=theirs, Forced="false")["DeviceId"] == ours
    assert other.command("DeviceRegister", NumFiscal=till.fn, DeviceId=theirs, Forced=True)["DeviceId"] == theirs
    assert till.command("DeviceRegister", NumFiscal=till.fn, DeviceId="short")["ErrorCode"] == 11


def test_a_late_command_is_dropped(till: Till, emulator: FiscalEmulator) -> None:
    early = (emulator.now() - timedelta(seconds=20)).isoformat()
    late = till.command("TransactionsRegistrarState", NumFiscal=till.fn, Timestamp=early, Timeout=15000)
    assert late["ErrorCode"] == 11
    assert "ErrorCode" not in till.command(
        "TransactionsRegistrarState", NumFiscal=till.fn, Timestamp=early, Timeout="60000"
    )


@pytest.mark.parametrize(
    "command",
    [
        {"Command": "OperatorsInfo"},
        {"Command": "CashRegistersState"},
        {},
        {"Command": "TransactionsRegistrarState"},
        {"Command": "TransactionsRegistrarState", "NumFiscal": "сорок"},
        {"Command": "TransactionsRegistrarState", "NumFiscal": True},
        {"Command": "ServerState", "Timestamp": "вчора", "Timeout": 1},
        {"Command": "Shifts", "NumFiscal": 4000123456, "From": "2026-03-05"},
        {"Command": "Documents", "NumFiscal": 4000123456},
        {"Command": "CheckExt", "RegistrarNumFiscal": 4000123456, "NumLocal": 1, "Type": 9},
        {"Command": "CheckExt", "RegistrarNumFiscal": 4000123456},
        {"Command": "TransactionsRegistrarState", "NumFiscal": 4000123456, "IncludeTaxObject": "maybe"},
    ],
)
def test_commands_that_make_no_sense(till: Till, command: dict[str, object]) -> None:
    body = till.sign(json.dumps(command).encode())
    answer = till.post("cmd", body)
    assert (answer.status_code, answer.text.splitlines()[0]) == (400, "Код помилки: 11 InvalidQueryParameter")
    assert till.post("cmd?resultAsJson=true", body).json()["ErrorCode"] == 11


@pytest.mark.parametrize("body", [b"not JSON at all", b'["Command", "ServerState"]', b'{"Command": "\xff\xfe"}'])
def test_bodies_that_are_no_commands(till: Till, body: bytes) -> None:
    answer = till.http.post(f"{till.emulator.address}/cmd", content=body, headers={"Content-Type": "application/json"})
    assert (answer.status_code, answer.text.splitlines()[0]) == (400, "Код помилки: 11 InvalidQueryParameter")


@pytest.mark.parametrize(
    "name",
    ["Objects", "Operators", "TransactionsRegistrarState", "ZRep", "ZRepExt", "Shifts", "Documents", "LastShiftTotals",
     "DocumentInfoByLocalNum", "SendOflPackage", "DeviceRegister"],
)  # fmt: skip
def test_what_has_to_be_signed(till: Till, name: str) -> None:
    assert till.command(name, signed=False, NumFiscal=till.fn)["ErrorCode"] == 12


def test_a_registrar_that_nobody_knows(till: Till) -> None:
    for name in ("TransactionsRegistrarState", "Shifts", "Documents", "LastShiftTotals", "DocumentInfoByLocalNum"):
        assert till.command(name, NumFiscal=4000999999, ShiftId=1, NumLocal=1)["ErrorCode"] == 1
        assert till.command(name, NumFiscal=10**17, ShiftId=1, NumLocal=1)["ErrorCode"] == 1


def test_numbers_as_text_and_enums_as_numbers(fiscal: Launch, connect: Connect) -> None:
    """§2.1: tolerant readers are needed; here is what they are needed for."""
    till = connect(fiscal(numbers="strings", enums="numbers"))
    till.open()
    till.sell()
    state = till.state()
    assert (state["NextLocalNum"], state["ShiftState"], state["ZRepPresent"]) == ("3", "1", False)
    info = till.command("DocumentInfoByLocalNum", NumFiscal=str(till.fn), NumLocal="2")
    assert (info["DocClass"], info["CheckDocType"], info["CheckDocSubType"]) == ("0", "0", "0")
    assert till.command("LastShiftTotals", NumFiscal=till.fn)["Totals"]["Real"]["Sum"] == "25.00"
