"""The vectors of datecs-krypton.md §2 and §7, both directions."""

from __future__ import annotations

import pytest

from drivers.datecs.frame import Parser, Reply, request
from drivers.document import Line
from drivers.errors import Code, LinkLost
from drivers.krypton import articles, commands, refusals
from drivers.krypton.status import Flags

IDLE = "80 80 80 80 B3 80"
PRINTING = "80 C0 80 80 B3 80"
REQUESTS = {
    "worked example": (commands.IDENTIFY, (), "01 2B 21 80 30 30 30 30 30 30 3B 05 30 32 32 3C 03"),
    "x": (commands.REPORT, ("1",), "01 2D 22 A1 30 30 30 30 30 30 3B 31 3B 05 30 32 3B 3C 03"),
    "z": (commands.REPORT, ("0",), "01 2D 23 A1 30 30 30 30 30 30 3B 30 3B 05 30 32 3B 3C 03"),
    "clock": (commands.CLOCK, (), "01 2B 24 21 30 30 30 30 30 30 3B 05 30 31 3D 30 03"),
    "find": (commands.FIND_ARTICLE, ("100",), "01 2F 25 25 30 30 30 30 30 30 3B 31 30 30 3B 05 30 32 3A 35 03"),
    "article": (
        commands.PROGRAM_ARTICLE,
        commands.article(100, "Хліб", 0, 1, "шт"),
        "01 3E 26 24 30 30 30 30 30 30 3B 31 30 30 3B D5 EB B3 E1 3B 30 3B 31 3B 30 30 3B F8 F2 3B 05 30 39 3D 3A 03",
    ),
    "open sale": (
        commands.RECEIPT_OPEN,
        commands.opening(1, 1, refund=False),
        "01 33 27 63 30 30 30 30 30 30 3B 30 31 3B 30 31 3B 30 3B 05 30 33 3C 30 03",
    ),
    "open return": (
        commands.RECEIPT_OPEN,
        commands.opening(1, 1, refund=True),
        "01 33 27 63 30 30 30 30 30 30 3B 30 31 3B 30 31 3B 31 3B 05 30 33 3C 31 03",
    ),
    "sell": (
        commands.SELL,
        commands.sell(100, 2000, 1250),
        "01 3B 28 64 30 30 30 30 30 30 3B 31 30 30 3B 32 2E 30 30 30 3B 31 32 2E 35 30 3B 05 30 35 34 3F 03",
    ),
    "total": (commands.TOTAL, ("0",), "01 2D 29 6D 30 30 30 30 30 30 3B 30 3B 05 30 32 38 3E 03"),
    "pay": (
        commands.PAY,
        commands.pay(0, 3000),
        "01 33 2A 67 30 30 30 30 30 30 3B 30 3B 33 30 2E 30 30 3B 05 30 33 3B 3B 03",
    ),
    "close": (commands.CLOSE, ("1",), "01 2D 2B 65 30 30 30 30 30 30 3B 31 3B 05 30 32 38 39 03"),
    "last": (commands.COUNTER, ("3",), "01 2D 2C E2 30 30 30 30 30 30 3B 33 3B 05 30 33 30 39 03"),
}
REPLIES = {
    "captured identify": (
        "01 74 21 80 30 30 30 30 3B 44 61 74 65 63 73 20 46 50 2D 54 38 38 3B 34 2E 30 30 3B D3 EA F0 E0 BF ED E0 3B "
        "4D 61 72 20 31 38 20 32 30 31 35 3B 33 37 30 39 32 3B 31 38 31 38 32 3B 36 34 30 30 3B 33 36 30 3B 34 30 3B "
        "35 3B 31 30 3B 04 80 80 80 80 B3 80 05 31 39 3A 32 03",
        "0000",
        ["Datecs FP-T88", "4.00", "Україна", "Mar 18 2015", "37092", "18182", "6400", "360", "40", "5", "10"],
        IDLE,
    ),
    "captured x": ("01 30 22 A1 30 30 30 30 3B 04 80 C0 80 80 B3 80 05 30 35 36 3A 03", "0000", [], PRINTING),
    "captured z": ("01 30 23 A1 30 30 30 30 3B 04 80 80 80 80 B3 80 05 30 35 32 3B 03", "0000", [], IDLE),
    "captured modem": (
        "01 4B 25 EA 30 30 30 30 3B 46 38 3B 32 35 30 38 31 35 3B 31 36 34 35 3B 31 37 30 36 31 35 3B 31 34 35 37 3B "
        "04 80 80 80 80 B3 80 05 30 3B 34 30 03",
        "0000",
        ["F8", "250815", "1645", "170615", "1457"],
        IDLE,
    ),
    "captured header": (
        "01 33 2E 23 30 30 30 30 3B 3B 30 3B 04 80 80 80 80 B3 80 05 30 35 36 31 03",
        "0000",
        ["", "0"],
        IDLE,
    ),
    "not found": (
        "01 37 25 25 30 30 30 30 3B 46 46 46 46 46 46 3B 04 80 80 80 80 B3 80 05 30 36 39 37 03",
        "0000",
        ["FFFFFF"],
        IDLE,
    ),
    "closed": (
        "01 34 2B 65 30 30 30 30 3B 31 32 34 3B 04 80 C0 80 80 B3 80 05 30 36 30 3D 03",
        "0000",
        ["124"],
        PRINTING,
    ),
    "24 h": ("01 30 27 63 30 39 30 35 3B 04 80 80 80 80 B3 80 05 30 34 3F 3F 03", "0905", [], IDLE),
    "72 h": ("01 30 27 63 30 46 30 35 3B 04 80 80 80 80 B3 80 05 30 35 30 3C 03", "0F05", [], IDLE),
    "paper out": (
        "01 30 28 64 30 31 30 31 3B 04 90 84 80 80 B3 80 05 30 35 30 39 03",
        "0101",
        [],
        "90 84 80 80 B3 80",
    ),
}


@pytest.mark.parametrize(("command", "fields", "frame"), REQUESTS.values(), ids=REQUESTS.keys())
def test_requests(command: int, fields: tuple[str, ...], frame: str) -> None:
    wire = bytes.fromhex(frame)
    data = commands.data("000000", *fields).encode("cp1251")
    assert request(wire[2], command, data, last_command=commands.LAST_COMMAND, max_data=commands.MAX_DATA) == wire


@pytest.mark.parametrize(("frame", "error", "fields", "flags"), REPLIES.values(), ids=REPLIES.keys())
def test_replies(frame: str, error: str, fields: list[str], flags: str) -> None:
    wire = bytes.fromhex(frame)
    (reply,) = Parser().feed(wire)
    assert isinstance(reply, Reply)
    assert (reply.seq, reply.command) == (wire[2], wire[3])
    assert commands.answer(reply.data.decode("cp1251")) == (error, fields)
    assert Flags(reply.status).hex == flags


@pytest.mark.parametrize("frame", [frame for frame, *_ in REPLIES.values()])
def test_one_flipped_bit_is_refused(frame: str) -> None:
    wire = bytearray.fromhex(frame)
    for position in range(len(wire)):
        for bit in range(8):
            wire[position] ^= 1 << bit
            assert not any(isinstance(event, Reply) for event in Parser().feed(bytes(wire)))
            wire[position] ^= 1 << bit


def test_longest_request() -> None:
    frame = request(0x20, 0xFF, b"x" * 219, last_command=0xFF, max_data=219)
    assert frame[1] == 0xFF
    with pytest.raises(ValueError, match="220"):
        request(0x20, 0xFF, b"x" * 220, last_command=0xFF, max_data=219)
    with pytest.raises(ValueError, match="CMD"):
        request(0x20, 0x80, b"")


def test_identity() -> None:
    _, fields = commands.answer("0000;" + ";".join(REPLIES["captured identify"][2]) + ";")
    assert commands.identity(fields) == commands.Identity("Datecs FP-T88", "4.00", "Україна", "Mar 18 2015", 5)


def test_payment_forms() -> None:
    assert commands.form(0, ["83", "Готівка"]) == commands.Form(0, "Готівка", True, True, True)
    assert commands.form(1, ["03", "КАРТКА"]) == commands.Form(1, "КАРТКА", True, True, False)


def test_status_bits() -> None:
    paper = Flags(bytes.fromhex("90 84 80 80 B3 80"))
    assert paper.paper_out
    assert paper.obstacle() == (Code.PAPER_OUT, "out of paper")
    printing = Flags(bytes.fromhex(PRINTING))
    assert printing.printing and printing.obstacle() is None and printing.problems() == []
    assert Flags(bytes.fromhex("80 90 80 80 B3 80")).cover_open
    refund = Flags(bytes.fromhex("80 80 92 80 B3 80"))
    assert refund.receipt_open and not refund.slip_open
    assert Flags(bytes.fromhex("80 80 81 80 B3 80")).slip_open


@pytest.mark.parametrize(
    ("error", "code"),
    [
        ("0006", Code.PASSWORD),
        ("0905", Code.SHIFT_EXPIRED),
        ("0405", Code.Z_REQUIRED),
        ("0F05", Code.TRANSMISSION_OVERDUE),
        ("0507", Code.NOT_PERSONALISED),
        ("080B", Code.INSUFFICIENT_CASH),
        ("000B", Code.WRONG_STATE),
        ("040A", Code.ARTICLE_CONFLICT),
        ("0203", Code.BAD_FIELD),
        ("1104", Code.BAD_FIELD),
        ("08D0", Code.HARDWARE),
        ("0F01", Code.HARDWARE),
        ("77AA", Code.HARDWARE),
    ],
)
def test_meaning_of_errors(error: str, code: Code) -> None:
    assert refusals.meaning(error)[0] is code


def test_field_number_of_an_error() -> None:
    assert "value of field 17" in refusals.meaning("1104")[1]


def test_semicolons_cannot_forge_a_field() -> None:
    assert commands.data("000000", "а;1", "2") == "000000;а,1;2;"


@pytest.mark.parametrize("text", ["", "000;", "00000;", "ok"])
def test_no_error_code(text: str) -> None:
    with pytest.raises(LinkLost):
        commands.answer(text)


def test_article_code_follows_content() -> None:
    line = Line(code="7", name="Хліб", quantity=1000, price=1250, sum=1250, tax="А")
    dearer = Line(code="7", name="Хліб", quantity=1000, price=1300, sum=1300, tax="А")
    other_tax = Line(code="7", name="Хліб", quantity=1000, price=1250, sum=1250, tax="Б")
    assert articles.code(line) == articles.code(dearer) != articles.code(other_tax)
    assert 0 < articles.code(line) < 10**14
    coded = Line(code="7", name="Хліб " * 20, quantity=1000, price=1250, sum=1250, tax="А", uktzed="1905")
    assert articles.printed_name(coded).startswith("1905#Хліб")
    assert len(articles.printed_name(coded)) <= 75
