"""The vectors of datecs-fp3530t.md §7, both directions, and the noise that a packet must survive."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from drivers.datecs import commands
from drivers.datecs.emulator import packets
from drivers.datecs.frame import Broken, Nak, Parser, Reply, Syn, escape, request, unescape

REQUESTS = {
    "worked example": (0x21, 74, "X", "01 25 21 4A 58 05 30 30 3E 3D 03"),
    "identify": (0x22, commands.IDENTIFY, "0", "01 25 22 5A 30 05 30 30 3D 36 03"),
    "clock": (0x23, commands.CLOCK, "", "01 24 23 3E 05 30 30 38 3A 03"),
    "article": (
        0x24,
        commands.ARTICLE,
        commands.program_article(1, "А", 1250, "0000", "Хліб"),
        "01 39 24 6B 50 C0 31 2C 31 2C 31 32 2E 35 30 2C 30 30 30 30 2C D5 EB B3 E1 05 30 37 3F 39 03",
    ),
    "open": (
        0x25,
        commands.SALE_OPEN,
        commands.open_receipt(1, "0000", 1),
        "01 36 25 30 30 30 30 30 31 2C 30 30 30 30 2C 30 30 30 30 31 2C 49 05 30 33 3F 3F 03",
    ),
    "sell": (0x26, commands.SELL, commands.sell(1, 2000), "01 2B 26 3A 31 2A 32 2E 30 30 30 05 30 31 3D 3B 03"),
    "sell with discount": (
        0x26,
        commands.SELL,
        "1*2.000,-10.00",
        "01 32 27 3A 31 2A 32 2E 30 30 30 2C 2D 31 30 2E 30 30 05 30 33 32 3B 03",
    ),
    "subtotal": (0x28, commands.SUBTOTAL, commands.subtotal(printed=True), "01 26 28 33 31 30 05 30 30 3E 37 03"),
    "cash": (0x29, commands.PAY, commands.pay("cash", 3000), "01 2B 29 35 09 50 33 30 2E 30 30 05 30 31 3D 38 03"),
    "close": (0x2A, commands.CLOSE, "", "01 24 2A 38 05 30 30 38 3B 03"),
    "cancel": (0x2B, commands.CANCEL, "", "01 24 2B 39 05 30 30 38 3D 03"),
    "x": (0x2C, commands.REPORT, "0000,2", "01 2A 2C 45 30 30 30 30 2C 32 05 30 31 3B 3E 03"),
    "z": (0x2D, commands.REPORT, "0000,0", "01 2A 2D 45 30 30 30 30 2C 30 05 30 31 3B 3D 03"),
    "transaction": (0x2E, commands.TRANSACTION, "T", "01 25 2E 4C 54 05 30 30 3F 38 03"),
    "captured status": (0x3C, commands.STATUS, "X", "01 25 3C 4A 58 05 30 31 30 38 03"),
    "captured identify": (0x3D, commands.IDENTIFY, "1", "01 25 3D 5A 31 05 30 30 3F 32 03"),
    "captured tax number": (0x3E, commands.TAX_NUMBER, "", "01 24 3E 63 05 30 30 3C 3A 03"),
}
REPLIES = {
    "identify": (
        "01 57 22 5A 31 2E 33 31 20 31 32 4D 61 72 31 30 20 31 32 30 30 2C 46 46 46 46 2C 30 30 30 30 30 30 30 30 2C "
        "32 2C 41 42 31 32 33 34 35 36 37 38 04 80 80 80 80 80 BA 05 30 3D 36 31 03",
        "1.31 12Mar10 1200,FFFF,00000000,2,AB12345678",
    ),
    "clock": (
        "01 3C 23 3E 30 37 2D 30 33 2D 32 34 20 31 30 3A 31 35 3A 33 30 04 80 80 80 80 80 BA 05 30 37 32 38 03",
        "07-03-24 10:15:30",
    ),
    "change": ("01 2F 29 35 52 35 30 30 04 80 80 88 80 80 BA 05 30 34 3B 3F 03", "R500"),
    "closed": ("01 34 2A 38 30 30 31 32 2C 30 30 31 30 04 80 80 80 80 80 BA 05 30 35 38 39 03", "0012,0010"),
    "transaction": (
        "01 45 2E 4C 31 2C 30 30 30 31 2C 2B 30 30 30 30 32 35 30 30 2C 2B 30 30 30 30 30 30 30 30 "
        "04 80 80 88 80 80 BA 05 30 38 3D 3D 03",
        "1,0001,+00002500,+00000000",
    ),
    "paper out": ("01 2B 26 3A 04 A0 80 89 80 80 BA 05 30 33 3F 37 03", ""),
    "refused": ("01 2B 26 3A 04 A0 82 80 80 80 BA 05 30 33 3F 30 03", ""),
    "captured identify": (
        "01 5C 3D 5A 34 2E 32 32 53 52 20 32 30 46 45 42 31 33 20 31 30 30 30 2C 38 41 33 33 2C 31 30 31 30 2C 38 2C "
        "C0 A3 30 37 34 30 33 30 2C 30 30 30 30 30 30 30 30 04 80 80 80 85 80 BA 05 30 3F 30 30 03",
        "4.22SR 20FEB13 1000,8A33,1010,8,АЈ074030,00000000",
    ),
    "captured tax number": (
        "01 38 3E 63 31 30 30 30 37 37 35 35 36 2C CF C8 C1 04 80 80 80 85 80 BA 05 30 38 37 34 03",
        "100077556,ПИБ",
    ),
}


@pytest.mark.parametrize(("seq", "command", "data", "frame"), REQUESTS.values(), ids=REQUESTS.keys())
def test_request_vectors(seq: int, command: int, data: str, frame: str) -> None:
    wire = bytes.fromhex(frame)
    assert request(wire[2], command, data.encode("cp1251")) == wire
    assert list(packets.Inbox().take(wire)) == [packets.Packet(wire[2], command, data.encode("cp1251"))]


@pytest.mark.parametrize(("frame", "text"), REPLIES.values(), ids=REPLIES.keys())
def test_reply_vectors(frame: str, text: str) -> None:
    wire = bytes.fromhex(frame)
    (reply,) = Parser().feed(wire)
    assert isinstance(reply, Reply)
    assert reply.data.decode("cp1251") == text
    assert packets.answer(reply.seq, reply.command, reply.data, reply.status) == wire


def test_captured_status_reply() -> None:
    wire = bytes.fromhex("01 31 3C 4A 80 80 80 85 80 BA 04 80 80 80 85 80 BA 05 30 37 33 3E 03")
    (reply,) = Parser().feed(wire)
    assert isinstance(reply, Reply)
    assert reply.data == reply.status == bytes.fromhex("80 80 80 85 80 BA")


@given(st.binary(max_size=80), st.integers(0x20, 0x7F), st.integers(0x20, 0x7F), st.integers(1, 9))
def test_any_reply_survives_any_chunking(data: bytes, seq: int, command: int, size: int) -> None:
    wire = b"\x16" + packets.answer(seq, command, escape(data), b"\x80" * 6) + b"\x15"
    parser = Parser()
    events = [event for at in range(0, len(wire), size) for event in parser.feed(wire[at : at + size])]
    assert events == [Syn(), Reply(seq, command, data, b"\x80" * 6), Nak()]
    assert unescape(escape(data)) == data


@pytest.mark.parametrize("frame", [frame for frame, _ in REPLIES.values()])
def test_one_flipped_bit_is_refused(frame: str) -> None:
    wire = bytearray.fromhex(frame)
    for position in range(len(wire)):
        for bit in range(8):
            wire[position] ^= 1 << bit
            assert not any(isinstance(event, Reply) for event in Parser().feed(bytes(wire)))
            wire[position] ^= 1 << bit


def test_an_echo_is_no_reply() -> None:
    assert isinstance(Parser().feed(request(0x30, 74, b"X"))[0], Broken)


@pytest.mark.parametrize("seq", [0x1F, 0x80])
def test_seq_out_of_range(seq: int) -> None:
    with pytest.raises(ValueError, match="SEQ"):
        request(seq, 74)


def test_data_too_long() -> None:
    with pytest.raises(ValueError, match="219"):
        request(0x20, 74, b"x" * 219)


@given(st.lists(st.binary(max_size=300), max_size=20))
def test_any_bytes_end_in_events_and_little_memory(chunks: list[bytes]) -> None:
    """Noise never raises, never hangs, and leaves at most one unfinished frame behind."""
    parser = Parser()
    for chunk in chunks:
        for event in parser.feed(chunk):
            assert isinstance(event, Reply | Nak | Syn | Broken)
        assert len(parser._buffer) < 300
    assert parser.pending == bool(parser._buffer)


@given(st.binary(max_size=400))
def test_any_bytes_do_not_upset_the_printer(noise: bytes) -> None:
    inbox = packets.Inbox()
    for packet in inbox.take(noise):
        assert isinstance(packet, packets.Packet | packets.Garbled)
    assert len(inbox._bytes) <= 400
    inbox.clear()
    assert list(inbox.take(request(0x30, 74, b"X"))) == [packets.Packet(0x30, 74, b"X")]


@given(st.binary(max_size=60).filter(lambda noise: b"\x01" not in noise), st.integers(0x20, 0x7F))
def test_a_reply_behind_noise_is_found(noise: bytes, seq: int) -> None:
    wire = packets.answer(seq, 74, b"", b"\x80" * 6)
    events = Parser().feed(noise + wire)
    assert [event for event in events if isinstance(event, Reply)] == [Reply(seq, 74, b"", b"\x80" * 6)]


def test_half_a_frame_then_a_whole_one() -> None:
    wire = packets.answer(0x40, 62, b"07-03-24 10:15:30", b"\x80" * 6)
    events = Parser().feed(wire[:9] + wire)
    assert any(isinstance(event, Broken) for event in events)
    assert not any(isinstance(event, Reply) and event.seq != 0x40 for event in events)
