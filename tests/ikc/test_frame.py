"""The codec against every frame of ikc.md §2 and §7, in both directions, and against what a bad cable does."""

from __future__ import annotations

from datetime import date, datetime

import pytest
from hypothesis import given
from hypothesis import strategies as st

from drivers.errors import Code, Invalid, LinkLost
from drivers.ikc import commands, text
from drivers.ikc.frame import Ack, Broken, Nak, Parser, Reply, Syn, crc16, request
from drivers.ikc.status import Flags, refusal


def octets(text: str) -> bytes:
    return bytes.fromhex(text)


REQUESTS = [
    (1, 0, b"", "10 02 01 00 FF 10 03"),
    (0x10, 0, b"", "10 02 10 10 00 F0 10 03"),
    (3, commands.GET_DATE, b"", "10 02 03 01 FC 10 03"),
    (4, commands.LOGIN, commands.login(0, 0, "Олена"), "10 02 04 06 00 00 00 05 8E AB A5 AD A0 C6 10 03"),
    (
        5,
        commands.SALE_LINE,
        commands.line(2000, 1250, "А", "Хлеб", 100),
        "10 02 05 12 02 00 00 00 E2 04 00 00 80 04 95 AB A5 A1 64 00 00 00 00 00 93 10 03",
    ),
    (6, commands.DISCOUNT, commands.percent(0, -1000), "10 02 06 23 00 0A 00 00 82 00 4B 10 03"),
    (7, commands.PAYMENT, commands.payment(3, 3000), "10 02 07 14 03 B8 0B 00 00 00 00 1F 10 03"),
    (8, commands.PAYMENT, commands.pay_the_rest(0), "10 02 08 14 00 00 00 00 80 00 00 64 10 03"),
    (
        9,
        commands.COMMENT,
        commands.comment("ВИДАТКОВИЙ ЧЕК", opens_payout=True),
        "10 02 09 0B 8E 82 88 84 80 92 8A 8E 82 88 89 20 97 85 8A 4D 10 03",
    ),
    (0x10, commands.CASH_IN, commands.money(10000), "10 02 10 10 10 10 10 10 27 00 00 A9 10 03"),
    (0x0B, commands.Z_REPORT, commands.password(0), "10 02 0B 0D 00 00 E8 10 03"),
    (0x0C, commands.DAY_DATA, b"\x00", "10 02 0C 2A 00 CA 10 03"),
]


@pytest.mark.parametrize(("num", "code", "parameters", "wire"), REQUESTS, ids=[row[3][:17] for row in REQUESTS])
def test_requests(num: int, code: int, parameters: bytes, wire: str) -> None:
    assert request(num, code, parameters) == octets(wire)


def test_request_with_crc() -> None:
    assert request(1, 0, checked=True) == octets("10 02 01 00 FF 10 03 E0 D1")


REPLIES = [
    ("06 16 16 10 02 02 0F 00 00 30 BF 10 03", [Ack(), Syn(), Syn(), Reply(2, 15, 0, 0, 0x30, b"")]),
    ("06 10 02 03 01 00 00 10 10 07 03 24 BE 10 03", [Ack(), Reply(3, 1, 0, 0, 0x10, octets("07 03 24"))]),
    (
        "06 10 02 05 12 00 00 70 C4 09 00 00 C4 09 00 00 DF 10 03",
        [Ack(), Reply(5, 18, 0, 0, 0x70, octets("C4 09 00 00 C4 09 00 00"))],
    ),
    (
        "06 10 02 07 14 00 00 30 F4 01 00 80 64 00 00 00 DC 10 03",
        [Ack(), Reply(7, 20, 0, 0, 0x30, octets("F4 01 00 80 64 00 00 00"))],
    ),
    ("06 10 02 05 12 20 00 30 99 10 03", [Ack(), Reply(5, 18, 0x20, 0, 0x30, b"")]),
    ("06 10 02 05 12 00 2F 30 8A 10 03", [Ack(), Reply(5, 18, 0, 47, 0x30, b"")]),
    ("06 10 02 07 14 01 02 36 AC 10 03", [Ack(), Reply(7, 20, 1, 2, 0x36, b"")]),
    ("15", [Nak()]),
]


@pytest.mark.parametrize(("wire", "events"), REPLIES, ids=[row[0][:20] for row in REPLIES])
@pytest.mark.parametrize("size", [1, 2, 5, 100])
def test_replies(wire: str, events: list[object], size: int) -> None:
    data, parser = octets(wire), Parser()
    assert [event for at in range(0, len(data), size) for event in parser.feed(data[at : at + size])] == events
    assert not parser.pending


def test_what_the_replies_mean() -> None:
    assert commands.read_date(octets("07 03 24")) == date(2024, 3, 7)
    assert commands.number(octets("C4 09 00 00 C4 09 00 00"), 4, 4) == 2500
    assert commands.rest(octets("F4 01 00 80")) == (500, True)
    assert commands.rest(octets("F4 01 00 00")) == (500, False)
    assert refusal(0, 0, 0x30) is None
    assert [(refusal(*at) or ("",))[0] for at in ((0x20, 0, 0x30), (0, 47, 0x30), (1, 2, 0x36))] == [
        Code.SHIFT_EXPIRED,
        Code.TRANSMISSION_OVERDUE,
        Code.PAPER_OUT,
    ]
    unfinished = Flags(1, 0x36)
    assert unfinished.unfinished and unfinished.paper_out and unfinished.shift_open and not unfinished.receipt_open


def test_a_weighed_line() -> None:
    assert commands.line(1250, 1250, "А", "Хлеб", 100)[:4] == octets("E2 04 00 03")


def test_corrections_by_sum() -> None:
    assert commands.correction(commands.SUM_OF_RECEIPT, -250) == octets("03 FA 00 00 80 00")
    assert commands.correction(commands.SUM_OF_LINE, 2) == octets("01 02 00 00 00 00")


def test_identity() -> None:
    data = octets("00 20") + "IK00012345 07-03-20".encode("cp866") + octets("07 03 20 10 15") + b"3000012345"
    data += b"".join(bytes((len(row),)) + row.encode("cp866") for row in ("Крамниця", "Київ", "", "ПН 123456789012"))
    data += "ЕП-09".encode("cp866")
    found = commands.identity(data)
    assert (found.serial, found.fiscal_number, found.firmware) == ("IK00012345", "3000012345", "ЕП-09")
    assert found.tax_number == "ПН 123456789012" and found.configuration & commands.FINISHES
    with pytest.raises(LinkLost):
        commands.identity(data[:-6])


def test_day_data() -> None:
    block = (3).to_bytes(2, "little") + b"".join((100 + row).to_bytes(4, "little") for row in range(19))
    sales, payouts = commands.day_data(block + bytes(78))
    assert (sales.count, sales.taxes, sales.forms[3]) == (3, (100, 101, 102, 103, 104, 105), 109)
    assert (sales.surcharge, sales.discount, sales.cash) == (116, 117, 118)
    assert payouts.count == payouts.cash == 0
    with pytest.raises(LinkLost):
        commands.day_data(block)


def test_counters() -> None:
    found = commands.counters(octets("0C 00 03 00 01 00 08 03 24 10 15 07 03 24 05 00"))
    assert (found.z_number, found.sales, found.payouts) == (12, 3, 1)
    assert found.ends == datetime(2024, 3, 8, 10, 15)  # noqa: DTZ001 - the wall clock of a device
    assert commands.counters(bytes(16)).ends is None


def test_find_packet() -> None:
    assert commands.find_packet(0, commands.SALE_PACKET, 258) == octets("00 00 06 00 09 00 00 01 02 01")


def test_a_crc_behind_a_reply_is_no_signal() -> None:
    """Firmware ЕП-11 sends it unasked; the samples differ in its order (§2)."""
    body = octets("02 0F 00 00 30 BF")
    crc = crc16(body + b"\x03").to_bytes(2, "little")
    frame = octets("10 02") + body + octets("10 03")
    for tail in (crc, crc[::-1]):
        parser = Parser()
        assert parser.feed(frame + tail + b"\x06") == [Reply(2, 15, 0, 0, 0x30, b""), Ack()]
    assert Parser().feed(frame + b"\x06\x16") == [Reply(2, 15, 0, 0, 0x30, b""), Ack(), Syn()]


def test_a_crc_that_looks_like_a_nak() -> None:
    for data in range(0x10000):
        body = bytes((2, 1, 0, 0, 0x30)) + data.to_bytes(2, "little")
        body += bytes((-sum(body) & 0xFF,))
        crc = crc16(body + b"\x03").to_bytes(2, "little")
        if crc[0] == 0x15 and b"\x10" not in body:
            break
    parser = Parser()
    assert parser.feed(octets("10 02") + body + octets("10 03"))
    parser.reset()
    assert parser.feed(crc[:1]) == [] and parser.feed(crc[1:] + b"\x06") == [Ack()]


def test_an_echo_is_no_reply() -> None:
    assert Parser().feed(octets("10 02 01 00 FF 10 03")) == [Broken("too short for a reply: an echo of a request")]


@given(st.integers(0, 255), st.integers(0, 255), st.binary(max_size=60), st.booleans())
def test_every_byte_travels(num: int, code: int, data: bytes, crc: bool) -> None:
    wire = request(num, code, b"\x00\x10\x30" + data, checked=crc)
    assert Parser().feed(wire) == [Reply(num, code, 0, 0x10, 0x30, data)]


@given(st.data())
def test_one_flipped_bit_is_refused(data: st.DataObject) -> None:
    wire = bytearray(octets("10 02 05 12 00 00 70 C4 09 00 00 C4 09 00 00 DF 10 03"))
    place, bit = data.draw(st.integers(0, len(wire) - 1)), data.draw(st.integers(0, 7))
    wire[place] ^= 1 << bit
    assert not any(isinstance(event, Reply) for event in Parser().feed(bytes(wire)))


@given(st.binary(max_size=300))
def test_noise_is_survived(noise: bytes) -> None:
    parser = Parser()
    parser.feed(noise + b"\x00\x00")
    parser.reset()
    assert Reply(2, 15, 0, 0, 0x30, b"") in parser.feed(octets("00 00 10 02 02 0F 00 00 30 BF 10 03"))


def test_text() -> None:
    assert text.encode("Хліб") == "Хлiб".encode("cp866")
    assert text.decode(text.encode("Їжак №5")) == "Їжак №5"
    with pytest.raises(Invalid) as caught:
        text.encode("寿司", "lines[0].name")
    assert caught.value.field == "lines[0].name"
