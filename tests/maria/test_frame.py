"""The vectors of maria.md §2 and §6, both directions."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from drivers.errors import Code, Invalid, LinkLost
from drivers.maria import commands, refusals, text
from drivers.maria.commands import Good, Tax
from drivers.maria.frame import MAX_PAYLOAD, Broken, Frame, Parser, crc, frame

VAT = Tax("А", "0", "2000")
BREAD = Good("Хлеб", 2500, 1250, 2000, (VAT,), 0)
SENT = {
    "sync": (b"SYNC", "FD 53 59 4E 43 05 FE"),
    "conf": (b"CONF", "FD 43 4F 4E 46 05 FE"),
    "glcn": (b"GLCN", "FD 47 4C 43 4E 05 FE"),
    "login": (
        b"UPAS" + commands.login("1111111111", "2345"),
        "FD 55 50 41 53 31 31 31 31 31 31 31 31 31 31 32 33 34 35 20 20 20 20 20 18 FE",
    ),
    "prep": (b"PREP" + text.encode("Каса 1"), "FD 50 52 45 50 8A A0 E1 A0 20 31 0B FE"),
    "line": (
        b"FISC" + commands.fisc(BREAD, 1),
        "FD 46 49 53 43 95 AB A5 A1 20 20 20 20 20 20 20 20 30 30 30 30 30 32 35 30 30 30 30 30 30 30 31 32 35 30 30 "
        "30 30 30 32 31 30 80 30 32 30 30 30 30 30 30 30 30 30 30 30 30 30 30 30 30 30 30 30 30 30 30 30 30 30 30 30 "
        "30 30 30 30 30 30 30 30 30 30 30 30 30 30 30 30 30 30 30 30 30 31 5E FE",
    ),
    "close with cash": (
        b"COMP" + commands.close(2500, 0, (0, 0, 0), 3000),
        "FD 43 4F 4D 50 30 30 30 30 30 30 32 35 30 30 30 30 30 30 30 30 30 30 30 30 30 30 30 30 30 30 30 30 30 30 30 "
        "30 30 30 30 30 30 30 30 30 30 30 30 30 30 30 30 30 30 30 30 30 30 30 30 30 33 30 30 30 41 FE",
    ),
    "close with card": (
        b"COMP" + commands.close(2500, 0, (2500, 0, 0), 0),
        "FD 43 4F 4D 50 30 30 30 30 30 30 32 35 30 30 30 30 30 30 30 30 30 30 30 30 30 30 30 30 30 30 30 30 30 30 30 "
        "30 30 30 30 30 30 30 30 30 30 30 30 30 30 30 32 35 30 30 30 30 30 30 30 30 30 30 30 30 41 FE",
    ),
    "cash in": (
        b"CAIOI" + commands.digits(10000, 10),
        "FD 43 41 49 4F 49 30 30 30 30 30 31 30 30 30 30 10 FE",
    ),
    "x": (b"ZREP", "FD 5A 52 45 50 05 FE"),
    "z": (b"NREP", "FD 4E 52 45 50 05 FE"),
    "cancel": (b"CANC", "FD 43 41 4E 43 05 FE"),
}
RECEIVED = {
    "ready": ("FD 52 45 41 44 59 06 FE", [b"READY"]),
    "sync": (
        "FD 57 41 49 54 05 FE FD 53 59 4E 43 05 FE FD 44 4F 4E 45 05 FE FD 52 45 41 44 59 06 FE",
        [b"WAIT", b"SYNC", b"DONE", b"READY"],
    ),
    "refused": (
        "FD 57 41 49 54 05 FE FD 53 4F 46 54 53 4C 57 4F 52 4B 0B FE FD 52 45 41 44 59 06 FE",
        [b"WAIT", b"SOFTSLWORK", b"READY"],
    ),
    "24 h": (
        "FD 57 41 49 54 05 FE FD 53 4F 46 54 32 34 48 4F 55 52 0B FE FD 53 4F 46 54 4E 52 45 50 09 FE FD 52 45 41 44 "
        "59 06 FE",
        [b"WAIT", b"SOFT24HOUR", b"SOFTNREP", b"READY"],
    ),
    "line": ("FD 46 49 53 43 30 30 30 30 30 30 30 30 30 30 0F FE", [b"FISC0000000000"]),
}
GLCN = (
    "FD 47 4C 43 4E 30 30 30 30 32 35 30 34 36 31 30 30 30 30 30 30 30 30 31 32 30 30 30 30 30 30 30 30 33 34 30 "
    "30 30 30 39 36 35 2A FE"
)
COMP = (
    "FD 43 4F 4D 50 30 30 30 30 32 35 30 34 36 32 30 30 30 30 30 30 32 35 30 30 30 30 30 30 30 30 30 30 30 30 30 "
    "30 30 30 30 30 30 34 31 37 30 30 30 30 30 30 30 30 30 30 30 30 30 30 30 30 30 30 30 30 30 30 30 30 30 30 30 "
    "30 30 30 30 30 30 30 30 30 30 30 30 30 30 30 30 30 30 30 30 30 30 30 5F FE"
)


def only(wire: str) -> bytes:
    (event,) = Parser().feed(bytes.fromhex(wire))
    assert isinstance(event, Frame)
    return event.payload


@pytest.mark.parametrize(("payload", "wire"), SENT.values(), ids=SENT.keys())
def test_sent(payload: bytes, wire: str) -> None:
    assert frame(payload) == bytes.fromhex(wire)
    assert only(wire) == payload


@pytest.mark.parametrize(("wire", "payloads"), RECEIVED.values(), ids=RECEIVED.keys())
def test_received(wire: str, payloads: list[bytes]) -> None:
    assert Parser().feed(bytes.fromhex(wire)) == [Frame(payload) for payload in payloads]


def test_crc() -> None:
    assert crc(b"123456789") == bytes.fromhex("89 21")
    assert crc(b"ABC") == bytes.fromhex("E3 59")
    assert frame(b"SYNC", checked=True) == bytes.fromhex("FD 53 59 4E 43 05 FE AA E0")
    assert frame(b"CSIN1", checked=True) == bytes.fromhex("FD 43 53 49 4E 31 06 FE D2 64")
    assert crc(frame(b"CSIN1", checked=True)) == b"\0\0"


def test_numbers() -> None:
    assert commands.numbers(only(GLCN)) == commands.Numbers(250461, 0, False, 965)


def test_receipt_number() -> None:
    assert commands.receipt_number(only(COMP)) == 250462


@pytest.mark.parametrize("wire", [GLCN, COMP, RECEIVED["line"][0]])
def test_one_flipped_bit_is_refused_with_crc(wire: str) -> None:
    body = bytes.fromhex(wire)
    whole = bytearray(body + crc(body))
    for position in range(len(whole)):
        for bit in range(8):
            whole[position] ^= 1 << bit
            parser = Parser()
            parser.checked = True
            assert not any(isinstance(event, Frame) for event in parser.feed(bytes(whole)))
            whole[position] ^= 1 << bit


def test_length_off_by_one() -> None:
    assert isinstance(Parser().feed(bytes.fromhex("FD 53 59 4E 43 06 FE"))[0], Broken)


def test_start_inside_a_frame() -> None:
    events = Parser().feed(bytes.fromhex("FD 53 59 FD 53 59 4E 43 05 FE"))
    assert events[-1] == Frame(b"SYNC")
    assert isinstance(events[0], Broken)


def test_endless_frame() -> None:
    events = Parser().feed(b"\xfd" + b"A" * 300 + frame(b"DONE"))
    assert events[-1] == Frame(b"DONE")
    assert isinstance(events[0], Broken)


@given(
    st.binary(min_size=4, max_size=MAX_PAYLOAD).filter(lambda data: max(data) < 0xFD), st.booleans(), st.integers(1, 9)
)
def test_any_payload_survives_any_chunking(payload: bytes, checked: bool, size: int) -> None:
    wire = b"noise" + frame(payload, checked=checked) + frame(b"READY", checked=checked)
    parser = Parser()
    parser.checked = checked
    events = [event for at in range(0, len(wire), size) for event in parser.feed(wire[at : at + size])]
    assert events == [Frame(payload), Frame(b"READY")]


@pytest.mark.parametrize("payload", [b"ABC", b"x" * 253, b"SYNC\xfd"])
def test_payload_out_of_range(payload: bytes) -> None:
    with pytest.raises(ValueError, match="payload"):
        frame(payload)


def test_fractions_discounts_and_long_names() -> None:
    cheese = Good("Сир твердий вагомий", 5497, 19990, 275, (VAT,), -497)
    line = commands.fisc(cheese, 12)
    assert line[:12] == text.encode("Сир твердий ")
    assert line[12:37] == b"0000054970000199900027500"
    assert line[85:89] == b"0012"
    assert line[89:] == b"-" + text.encode("Знижка").ljust(13) + b"000000497" + text.encode("вагомий")
    plain = commands.fisc(Good("Сир твердий вагомий", 1, 1, 1000, (VAT,), 0), 1)
    assert plain[89:] == b"-" + b" " * 13 + b"000000000" + text.encode("вагомий")


def test_accounting_codes() -> None:
    good = Good("1905000000#Хліб", 2500, 1250, 2000, (VAT, Tax("Б", "1", "0500")), 3)
    line = commands.ficd(good, 123456789)
    assert line == (
        text.encode("1905000000#Хліб").ljust(24) + b"000002500" b"000001250" b"000002" b"1" b"0"
        + text.encode("АБ") + b"123456789" + b"+" + text.encode("Надбавка").ljust(13) + b"000000003"
    )  # fmt: skip


def test_too_much_for_a_field() -> None:
    with pytest.raises(Invalid) as caught:
        commands.digits(10**9, 9)
    assert caught.value.code is Code.OVERFLOW


def test_values() -> None:
    assert commands.values("ABCD123456", "") == b"10ABCD12345600"


def test_taxes() -> None:
    rows = b"20240101102000" + b"20240101210700" + b"0" * (14 * 6)
    assert commands.taxes(b"CNAL" + rows) == {"А": VAT, "Б": Tax("Б", "1", "0700")}


def test_conf() -> None:
    body = b"MA000123453000012345" + text.encode("Крамниця").ljust(36) + b"20240307101530"
    body += b"\x01\x0c17   \x00000000000965000000250461COMP2.0120150318"
    body += b" " * 18 + b"20240101\x02UAH"
    conf = commands.conf(b"CONF" + body)
    assert conf == commands.Conf("MA00012345", "3000012345", 1, 12, True, "COMP", "2.01")
    assert conf.receipt_open


def test_transmission() -> None:
    counters = "".join(value.to_bytes(4, "little").hex() for value in (1, 2, 3, 4, 7200))
    assert commands.seconds_until_lock(b"MDMD47" + counters.encode()) == 7200
    free = "".join(value.to_bytes(4, "little").hex() for value in (1, 2, 3, 4, 999_999_999))
    assert commands.seconds_until_lock(b"MDMD47" + free.encode()) is None


def test_other_data_are_no_answer() -> None:
    with pytest.raises(LinkLost):
        commands.numbers(b"GLCN123")
    with pytest.raises(LinkLost):
        commands.cash(b"GLCN" + b"0" * 88)


def test_text() -> None:
    assert text.encode("Їжак і Єнот") == b"\xf4\xa6\xa0\xaa i \xf2\xad\xae\xe2"
    assert text.decode(b"\x95\xabi\xa1") == "Хлiб"
    assert b"\xfd" not in text.encode("¤■")
    with pytest.raises(Invalid):
        text.encode("日")


@pytest.mark.parametrize(
    ("words", "code"),
    [
        (["SOFT24HOUR", "SOFTNREP"], Code.SHIFT_EXPIRED),
        (["SOFTNREP"], Code.Z_REQUIRED),
        (["SOFTREGIST", "SOFTNEED"], Code.INSUFFICIENT_CASH),
        (["SOFTREGIST"], Code.NOT_FISCALISED),
        (["SOFTpOVER72H"], Code.TRANSMISSION_OVERDUE),
        (["HARDPAPER"], Code.PAPER_OUT),
        (["SOFTOVART"], Code.OVERFLOW),
        (["MEM_ERROR_CODE_07"], Code.SERVICE_BLOCK),
        ([], Code.HARDWARE),
    ],
)
def test_meaning(words: list[str], code: Code) -> None:
    assert refusals.meaning(words)[0] is code
