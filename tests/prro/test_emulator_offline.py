"""Offline sessions of the fiscal server: numbers, chain, packages, limits (fiscal-server.md §6)."""

from __future__ import annotations

import hashlib
import zlib
from collections.abc import Callable
from datetime import datetime

import pytest

from drivers.prro.emulator import offline
from drivers.prro.emulator.web import FiscalEmulator
from tests.prro.conftest import Launch
from tests.prro.fiscal import (
    BEGIN,
    CLOSE,
    DEPOSIT,
    END,
    GOODS,
    OPEN,
    RETURN,
    SALE,
    STORNO,
    Z_OF_ONE,
    Reply,
    Till,
    Z,
    control,
    later,
    package,
    service,
)

Connect = Callable[..., Till]


def refused(reply: Reply, code: int, position: int, text: str = "") -> None:
    assert reply.status == 400 and reply.code == code, reply.text
    assert f"Помилка обробки документа за № {position} в пакеті" in reply.text
    assert text in reply.text


HASHES = [
    "cdd68bb111f8993f3603f0179341571b35b73a07d5acee9b28fbfb714698e1b3",
    "49496c323e0033ffc1fd56b9fbbfe0fc6456b9589aa82efa18cefdb680bde796",
    "53a04dba89f73ea27096c6b91343e97dceb9a22d07537e84e4057b24e013204a",
    "4fae75e8111663bfad52844fa9a9d7fd70b394837edb8500c308692d6ace0cd0",
    "57ecdc3fa39bc5c117df310515e963d99a47edbcacd4f36094f49c2f2f7c1dae",
    "682ee1e51649bb24472d1f6753539b50f0a447df54ad28cb7549ce3ca8bc4af8",
]


@pytest.mark.parametrize(
    ("seed", "at", "local", "fn", "desk", "total", "previous", "expected"),
    [
        ("179625192271939", "20082020142338", 10, 4000002411, 10, "", HASHES[0], 4758),
        ("100018245479310", "12032021175253", 1836, 4000000202, 6, "", None, 9536),
        ("100018245479310", "12032021175253", 1837, 4000000202, 6, "", None, 7773),
        ("100018245479310", "12032021175322", 1838, 4000000202, 6, "50.00", HASHES[1], 5807),
        ("100018245479310", "12032021175337", 1839, 4000000202, 6, "50.00", HASHES[2], 7473),
        ("100018245479310", "12032021175346", 1840, 4000000202, 6, "", HASHES[3], 8814),
        ("100018245479310", "12032021175346", 1841, 4000000202, 6, "", HASHES[4], 1734),
        ("100018245479310", "12032021175346", 1842, 4000000202, 6, "", HASHES[5], 44),
        ("271828182845904", "05032026101500", 601, 4000123456, 7, "", None, 3355),
        ("271828182845904", "05032026101700", 602, 4000123456, 7, "77.50", None, 8471),
        ("271828182845904", "05032026101700", 602, 4000123456, 7, "77.50", "0" * 64, 1229),
        ("271828182845904", "05032026102000", 603, 4000123456, 7, "", "f" * 64, 9829),
        ("271828182845904", "05032026102000", 603, 4000123456, 7, "0.05", "f" * 64, 4194),
        ("271828182845904", "05032026101500", 934, 4000123456, 7, "", None, 1),
    ],
)  # fmt: skip
def test_control_numbers_of_the_page(
    seed: str, at: str, local: int, fn: int, desk: int, total: str, previous: str | None, expected: int
) -> None:
    moment = datetime.strptime(at, "%d%m%Y%H%M%S")  # noqa: DTZ007
    assert offline.control_of(seed, moment, local, fn, desk, total, previous) == expected


def test_packages_of_the_page() -> None:
    assert package([b"abc", b"de"]) == bytes.fromhex("03000000616263020000006465")
    assert offline.unpack(bytes.fromhex("03000000616263020000006465")) == [(4, b"abc"), (11, b"de")]
    for broken in ("", "0300", "0400000061", "00000000"):
        with pytest.raises(ValueError):
            offline.unpack(bytes.fromhex(broken))


def test_a_day_without_a_line(till: Till) -> None:
    """§6.2: 102, 100, sale, return, service, Z, 101, 103 as one package; then online again."""
    till.open()
    till.register(Z)
    till.register(CLOSE)
    pair = till.pair
    till.offline(BEGIN)
    till.offline(OPEN)
    till.offline(SALE, GOODS)
    till.offline(DEPOSIT, service("10.00"))
    till.offline(Z, f"{Z_OF_ONE}<ZREPBODY><SERVICEINPUT>10.00</SERVICEINPUT></ZREPBODY>")
    till.offline(CLOSE)
    till.offline(END)
    reply = till.deliver()
    assert reply.status == 200 and till.pair != pair, reply.text
    assert reply.json.keys() == {"OfflineSessionId", "OfflineSeed"}
    registers = till.emulator.registers()
    assert registers["next_local"] == till.next == 11
    assert registers["journal"][5]["fiscal"].startswith(f"{pair[0]}.3.") and registers["drawer"] == 3500
    till.open()
    assert till.sell().number


def test_a_session_in_several_packages(shop: Till) -> None:
    """§6.6: a package without 103 answers OK; the chain goes on."""
    shop.offline(BEGIN)
    shop.offline(SALE, GOODS)
    assert shop.deliver().body == b"OK"
    state = shop.state(UID="a7")
    assert (state["OfflineNextLocalNum"], state["NextLocalNum"], state["OfflineSessionId"]) == ("3", 4, shop.pair[0])
    online = shop.send(shop.xml(SALE, GOODS))
    assert (online.code, "Офлайн-сесію не завершено" in online.text) == (9, True)
    shop.offline(SALE, GOODS)
    assert shop.deliver().body == b"OK"
    shop.offline(END)
    assert shop.deliver().json["OfflineSeed"]
    assert shop.sell().number


def test_a_return_of_an_offline_receipt(shop: Till) -> None:
    shop.offline(BEGIN)
    sale = shop.offline(SALE, GOODS)
    number = sale[sale.index(b"<ORDERTAXNUM>") + 13 : sale.index(b"</ORDERTAXNUM>")].decode()
    shop.offline(RETURN, GOODS, head=f"<ORDERRETNUM>{number}</ORDERRETNUM>")
    shop.offline(END)
    assert shop.deliver().status == 200
    assert shop.emulator.registers()["refunds_turnover"] == 2500


def test_a_refusal_in_the_middle_leaves_the_earlier_ones(shop: Till) -> None:
    documents = [shop.offline(BEGIN), shop.offline(SALE, GOODS)]
    shop.offline(SALE, GOODS.replace("4.17", "4.00"))
    offset = 4 + sum(len(each) + 4 for each in documents)
    reply = shop.deliver()
    refused(reply, 10, 2, f"дислокація {offset}: DocumentValidationError")
    state = shop.state()
    assert (state["NextLocalNum"], state["OfflineNextLocalNum"]) == (4, "3")
    shop.rewind(1)
    shop.previous = documents[-1]
    good = shop.offline(SALE, GOODS)
    refused(shop.deliver([*documents, good]), 7, 0)  # all from the beginning again: the first is there already
    assert shop.deliver([good]).body == b"OK"
    assert shop.emulator.registers()["sales_turnover"] == 5000


def test_the_first_offset_is_four(shop: Till) -> None:
    shop.offline(SALE, GOODS)  # a session begins with 102
    refused(shop.deliver(), 10, 0, "дислокація 4")


@pytest.mark.parametrize("wrong", ["control", "session", "position", "form", "zero"])
def test_offline_numbers_are_checked(shop: Till, wrong: str) -> None:
    at = shop.now()
    right = control(shop.pair[1], shop.xml(BEGIN, at=at))
    number = {
        "control": f"{shop.pair[0]}.1.{right % 9999 + 1}",
        "session": f"{int(shop.pair[0]) + 1}.1.{right}",
        "position": f"{shop.pair[0]}.2.{right}",
        "form": f"{shop.pair[0]}-1-{right}",
        "zero": f"{shop.pair[0]}.1.0{right}",
    }[wrong]
    shop.offline(BEGIN, number=number, at=at)
    refused(shop.deliver(), 10, 0)
    shop.rewind(1)
    shop.offline(BEGIN, number=f"{shop.pair[0]}.1.{right}", at=at)
    assert shop.deliver().body == b"OK"


def test_an_unswapped_crc_is_refused(shop: Till) -> None:
    """§6.3 step 2: the numbers that the step's absence would give."""
    at = shop.now()
    values = f"{shop.pair[1]},{at:%d%m%Y},{at:%H%M%S},2,4000123456,7"
    shop.offline(BEGIN, number=f"{shop.pair[0]}.1.{zlib.crc32(values.encode()) % 10000 or 1}", at=at)
    refused(shop.deliver(), 10, 0, "Контрольне число")


def test_numbers_have_no_gaps(shop: Till) -> None:
    shop.offline(BEGIN, local=shop.next + 1)
    refused(shop.deliver(), 7, 0, "повинен дорівнювати 2")


def test_the_chain_of_hashes(shop: Till) -> None:
    begin = shop.offline(BEGIN)
    first = shop.offline(SALE, GOODS)
    shop.previous = begin  # a hash of the wrong document
    shop.offline(SALE, GOODS)
    refused(shop.deliver(), 10, 2, "PREVDOCHASH")
    shop.rewind(1)
    shop.previous = first
    shop.offline(SALE, GOODS, chain=False)
    refused(shop.deliver(shop.sent[2:]), 10, 0, "PREVDOCHASH")
    shop.rewind(1)
    shop.previous = first
    shop.offline(SALE, GOODS)
    shop.offline(END, chain=False)
    reply = shop.deliver(shop.sent[2:])
    refused(reply, 10, 1, "PREVDOCHASH")  # as in the official package, 103 carries it too


def test_a_hash_where_there_is_none(shop: Till) -> None:
    shop.offline(BEGIN)
    at = shop.now()
    link = f"<PREVDOCHASH>{hashlib.sha256(shop.previous).hexdigest()}</PREVDOCHASH>"
    number = f"{shop.pair[0]}.2.{control(shop.pair[1], shop.xml(SALE, GOODS, tail=link, at=at))}"
    tail = f"<ORDERTAXNUM>{number}</ORDERTAXNUM><OFFLINE>true</OFFLINE>{link}"
    shop.sent.append(shop.sign(shop.xml(SALE, GOODS, tail=tail, at=at)))
    refused(shop.deliver(), 10, 1, "PREVDOCHASH")


def test_the_lenient_chain(fiscal: Launch, connect: Connect) -> None:
    """§6.4, what working clients send: hashes of the XML, none on documents 100–103."""
    till = connect(fiscal(chain="lenient"))
    till.open()
    till.offline(BEGIN)
    till.offline(SALE, GOODS)
    plain = till.sent[-1]
    till.previous = plain[plain.index(b"<?xml") : plain.index(b"</CHECK>") + 8]
    till.offline(SALE, GOODS)
    till.offline(END, chain=False)
    assert till.deliver().json["OfflineSessionId"]


def test_times_inside_a_session(shop: Till) -> None:
    """They may repeat, as in the official package, and never go back; the past is no obstacle."""
    now = shop.now()
    shop.emulator.advance_clock(7200)
    begin = shop.offline(BEGIN, at=now)
    same = shop.offline(SALE, GOODS, at=now)
    shop.offline(SALE, GOODS, at=later(now, seconds=-1))
    refused(shop.deliver(), 10, 2, "не може бути меншим часу попереднього документа")
    assert begin and same
    shop.rewind(1)
    shop.previous = same
    shop.offline(SALE, GOODS, at=later(now, hours=3))
    refused(shop.deliver(shop.sent[2:]), 10, 0, "не відповідає поточному часу")


def test_thirty_six_hours(shop: Till) -> None:
    now = shop.now()
    shop.emulator.advance_clock(40 * 3600)
    shop.offline(BEGIN, at=now)
    shop.offline(SALE, GOODS, at=later(now, hours=36))
    sale = shop.sent[-1]
    shop.offline(SALE, GOODS, at=later(now, hours=36, seconds=1))
    refused(shop.deliver(), 10, 2, "36 годин")
    shop.rewind(1)
    shop.previous = sale
    state = shop.state()
    assert (state["OfflineSessionDuration"], state["OfflineSessionsMonthlyDuration"]) == (2160, 2160)
    shop.offline(END)  # the end itself may come later
    assert shop.deliver(shop.sent[2:]).json["OfflineSeed"]
    state = shop.state()
    assert (state["OfflineSessionDuration"], state["OfflineSessionsMonthlyDuration"]) == (0, 2160)


def test_a_hundred_and_sixty_eight_hours_a_month(shop: Till) -> None:
    """The duration counts to the last financial document, by the month it fell into."""
    for _ in range(4):
        now = shop.now()
        shop.emulator.advance_clock(36 * 3600)
        shop.offline(BEGIN, at=now)
        shop.offline(SALE, GOODS, at=later(now, hours=36))
        shop.offline(END)
        assert shop.deliver().status == 200
    now = shop.now()
    shop.emulator.advance_clock(36 * 3600)
    shop.offline(BEGIN, at=now)
    shop.offline(SALE, GOODS, at=later(now, hours=24))
    shop.offline(SALE, GOODS, at=later(now, hours=24, minutes=1))
    refused(shop.deliver(), 10, 2, "168 годин")
    shop.rewind(1)
    shop.previous = shop.sent[1]
    shop.offline(END)
    assert shop.deliver(shop.sent[2:]).status == 200
    assert shop.state()["OfflineSessionsMonthlyDuration"] == 168 * 60
    state = shop.state()
    shop.pair, shop.position, shop.sent = (state["OfflineSessionId"], state["OfflineSeed"]), 1, []
    shop.offline(BEGIN)
    refused(shop.deliver(), 10, 0, "168 годин")
    shop.rewind(1)
    shop.emulator.advance_clock(30 * 86400)  # April
    shop.offline(BEGIN)
    assert shop.deliver().body == b"OK"
    assert shop.state()["OfflineSessionsMonthlyDuration"] == 0


def test_months_of_a_period() -> None:
    begin, end = datetime(2026, 3, 31, 23, 0), datetime(2026, 4, 1, 2, 0)  # noqa: DTZ001
    assert offline.months(begin, end) == {"2026-03": 3600, "2026-04": 7200}
    assert offline.months(datetime(2026, 12, 31, 23, 59), datetime(2027, 1, 1)) == {"2026-12": 60}  # noqa: DTZ001


REVOKE = "<REVOKELASTONLINEDOC>true</REVOKELASTONLINEDOC>"


def test_a_duplicate_is_revoked(shop: Till) -> None:
    """§6.8: the answer to N was lost, the receipt went offline again as N+2."""
    shop.sell()
    shop.offline(BEGIN, head=REVOKE)
    shop.offline(SALE, GOODS)
    shop.offline(END)
    assert shop.deliver().status == 200
    registers = shop.emulator.registers()
    assert [entry["revoked"] for entry in registers["journal"]] == [False, True, False, False, False]
    assert (registers["sales_turnover"], registers["drawer"]) == (2500, 2500)
    assert shop.command("DocumentInfoByLocalNum", NumFiscal=shop.fn, NumLocal=2)["Revoked"] is True


def test_a_revoked_storno_gives_the_receipt_back(shop: Till) -> None:
    number = shop.sell().number
    shop.register(STORNO, head=f"<ORDERSTORNUM>{number}</ORDERSTORNUM>")
    assert shop.emulator.registers()["sales_turnover"] == 0
    shop.offline(BEGIN, head=REVOKE)
    assert shop.deliver().body == b"OK"
    assert shop.emulator.registers()["sales_turnover"] == 2500
    shop.emulator.lose_documents()
    journal = shop.emulator.registers()["journal"]
    assert [entry["revoked"] for entry in journal] == [False] * 3
    assert journal[1]["storned"] and shop.emulator.registers()["sales_turnover"] == 0


def test_an_opening_is_not_revoked(shop: Till) -> None:
    shop.offline(BEGIN, head=REVOKE)
    refused(shop.deliver(), 10, 0, "має тип 'OpenShift' і не може бути відкликаний")


def test_no_test_mark_on_the_ends_of_a_session(till: Till) -> None:
    till.testing = True
    till.open()
    till.offline(BEGIN)
    till.offline(SALE, GOODS)
    till.offline(END)
    assert till.deliver().status == 200
    at = till.now()
    marked = till.xml(BEGIN, tail="<OFFLINE>true</OFFLINE><TESTING>true</TESTING>", at=at).decode("cp1251")
    number = f"{till.pair[0]}.1.{control(till.pair[1], till.xml(BEGIN, at=at))}"
    marked = marked.replace("<OFFLINE>", f"<ORDERTAXNUM>{number}</ORDERTAXNUM><OFFLINE>")
    refused(till.deliver([till.sign(marked.encode("cp1251"))]), 10, 0, "TESTING")


def test_who_sends_a_package(shop: Till, emulator: FiscalEmulator, connect: Connect) -> None:
    shop.offline(BEGIN)
    shop.offline(SALE, GOODS)
    second, senior = connect(emulator, "second"), connect(emulator, "senior")
    stranger = second.deliver(shop.sent)
    assert (stranger.status, stranger.code) == (401, 2)
    assert senior.deliver(shop.sent).body == b"OK"


def test_a_certificate_withdrawn_after_the_sale(shop: Till, emulator: FiscalEmulator, connect: Connect) -> None:
    """§6.6: the documents stay as they are, a senior cashier sends the package."""
    shop.offline(BEGIN)
    shop.offline(SALE, GOODS)
    emulator.advance_clock(60)
    emulator.withdraw_operator("cashier")
    own = shop.deliver(shop.sent)
    assert own.code == 2
    assert connect(emulator, "head").deliver(shop.sent).body == b"OK"


def test_another_cashier_does_not_go_on_offline(shop: Till, emulator: FiscalEmulator, connect: Connect) -> None:
    shop.offline(BEGIN)
    senior = connect(emulator, "senior")
    senior.pair, senior.position, senior.next, senior.previous = shop.pair, 2, shop.next, shop.previous
    senior.offline(Z)
    refused(senior.deliver([*shop.sent, *senior.sent]), 10, 1, "OperatorAccess")


def test_limits_of_a_package(shop: Till) -> None:
    shop.offline(BEGIN)
    one = shop.sent[0]
    too_many = shop.post("pck", shop.sign(package([one[:12]] * 101)))
    assert (too_many.status_code, too_many.text.splitlines()[0]) == (400, "Код помилки: 10 PackageValidationError")
    assert "100" in too_many.text
    broken = shop.post("pck", shop.sign(package([one])[:-3]))
    assert broken.text.startswith("Код помилки: 10 ")
    refused(shop.deliver([b"not a document"]), 10, 0)
    assert shop.deliver().body == b"OK"


def test_documents_of_two_registrars_do_not_mix(fiscal: Launch, connect: Connect) -> None:
    emulator = fiscal(registrars=2)
    first, second = connect(emulator), connect(emulator, fn=4000123457, desk=8)
    first.open()
    second.open()
    first.offline(BEGIN)
    second.offline(BEGIN)
    refused(first.deliver([*first.sent, *second.sent]), 10, 1, "різним ПРРО")


def test_offline_is_not_for_everybody(fiscal: Launch, connect: Connect) -> None:
    till = connect(fiscal(offline=0))
    assert "OFFLINESEED" not in till.open().fields
    assert till.state()["OfflineSupported"] is False and till.state()["OfflineSeed"] is None
    till.pair = ("48866", "271828182845904")
    till.offline(BEGIN)
    refused(till.deliver(), 10, 0, "не дозволено")


def test_a_session_that_the_server_closed(shop: Till) -> None:
    """§2.6, §6.6: the old pair, shown to the state command, brings the session back."""
    shop.offline(BEGIN)
    shop.offline(SALE, GOODS)
    shop.emulator.close_offline_session()
    refused(shop.deliver(), 10, 0, "не є поточною")
    assert shop.state()["OfflineSessionId"] != shop.pair[0]
    shown = shop.command(
        "TransactionsRegistrarState",
        NumFiscal=shop.fn,
        OfflineSessionId=shop.pair[0],
        OfflineSeed=shop.pair[1],
        UID="b9",
    )
    assert (shown["OfflineSessionId"], shown["OfflineSessionRolledBack"]) == (shop.pair[0], True)
    assert shown["OfflineSessionRollbackCmdUID"] == "b9"
    shop.offline(END)
    assert shop.deliver().status == 200
    assert shop.state()["OfflineSessionRolledBack"] is False
