"""Every byte-exact example of maria.md §2 and §6, and the frames that must be refused (emulators.md §4)."""

from __future__ import annotations

from collections.abc import Callable

import pytest
from hypothesis import given
from hypothesis import strategies as st

from drivers.emulation.faults import FaultPlan
from drivers.emulation.memory import StateFile, Tape
from drivers.maria.emulator import frames
from drivers.maria.emulator.commands import COMMANDS
from drivers.maria.emulator.machine import MariaMachine, build
from tests.maria.client import Host, direct, frame, kermit, line, payment, split
from tests.maria.conftest import Make

FISC = (
    "FD 46 49 53 43 95 AB A5 A1 20 20 20 20 20 20 20 20 30 30 30 30 30 32 35 30 30 30 30 30 30 30 31 32 35 30 30 "
    "30 30 30 32 31 30 80 30 32 30 30 30 30 30 30 30 30 30 30 30 30 30 30 30 30 30 30 30 30 30 30 30 30 30 30 30 "
    "30 30 30 30 30 30 30 30 30 30 30 30 30 30 30 30 30 30 30 30 30 31 5E FE"
)
COMP = (
    "FD 43 4F 4D 50 30 30 30 30 30 30 32 35 30 30 30 30 30 30 30 30 30 30 30 30 30 30 30 30 30 30 30 30 30 30 30 "
    "30 30 30 30 30 30 30 30 30 30 30 30 30 30 30 30 30 30 30 30 30 30 30 30 30 33 30 30 30 41 FE"
)
CARD = (
    "FD 43 4F 4D 50 30 30 30 30 30 30 32 35 30 30 30 30 30 30 30 30 30 30 30 30 30 30 30 30 30 30 30 30 30 30 30 "
    "30 30 30 30 30 30 30 30 30 30 30 30 30 30 30 32 35 30 30 30 30 30 30 30 30 30 30 30 30 41 FE"
)
REQUESTS = {
    "sync": (b"SYNC", "FD 53 59 4E 43 05 FE"),
    "login": (
        b"UPAS11111111112345     ",
        "FD 55 50 41 53 31 31 31 31 31 31 31 31 31 31 32 33 34 35 20 20 20 20 20 18 FE",
    ),
    "state": (b"CONF", "FD 43 4F 4E 46 05 FE"),
    "numbers": (b"GLCN", "FD 47 4C 43 4E 05 FE"),
    "prepare": ("PREPКаса 1".encode("cp866"), "FD 50 52 45 50 8A A0 E1 A0 20 31 0B FE"),
    "line": (b"FISC" + line(), FISC),
    "complete": (b"COMP" + payment(2500, cash=3000), COMP),
    "card": (b"COMP" + payment(2500, first=2500), CARD),
    "cash in": (b"CAIOI0000010000", "FD 43 41 49 4F 49 30 30 30 30 30 31 30 30 30 30 10 FE"),
    "x": (b"ZREP", "FD 5A 52 45 50 05 FE"),
    "z": (b"NREP", "FD 4E 52 45 50 05 FE"),
    "cancel": (b"CANC", "FD 43 41 4E 43 05 FE"),
}
READY = bytes.fromhex("FD 52 45 41 44 59 06 FE")
Bare = Callable[[], MariaMachine]


def wire(name: str) -> bytes:
    return bytes.fromhex(REQUESTS[name][1])


def bare() -> MariaMachine:
    machine = build({}, StateFile(None), Tape(), FaultPlan())
    machine.set_dtr(True, serial=False)
    return machine


def test_crc_check_values() -> None:
    for data, expected in ((b"123456789", 0x2189), (b"ABC", 0x59E3)):
        assert frames.crc(data) == kermit(data) == expected
    whole = frames.frame(b"SYNC", with_crc=True)
    assert whole == bytes.fromhex("FD 53 59 4E 43 05 FE AA E0")
    assert frames.crc(whole) == 0


@given(st.binary(max_size=100))
def test_crc_by_nibbles_is_crc_by_bits(data: bytes) -> None:
    assert frames.crc(data) == kermit(data)


@pytest.mark.parametrize(("payload", "text"), REQUESTS.values(), ids=REQUESTS.keys())
def test_request_vectors(payload: bytes, text: str) -> None:
    data = bytes.fromhex(text)
    assert frame(payload) == data
    inbox = frames.Inbox()
    *before, last = (inbox.push(byte, with_crc=False) for byte in data)
    assert set(before) == {None}
    assert last == frames.Command(payload[:4].decode(), payload[4:])


def test_captured_ready_after_auto_baud() -> None:
    machine = build({}, StateFile(None), Tape(), FaultPlan())
    exchange = direct(machine)
    assert exchange(b"UU") == b""  # no DTR
    machine.set_dtr(True, serial=True)
    assert machine.line_matches(57600, "N", 2)
    assert exchange(wire("sync")) == b""
    assert exchange(b"U") == b""
    assert exchange(b"x") == b""
    assert exchange(b"U") == b""
    assert exchange(b"U") == READY
    assert exchange(b"UU") == b""
    assert exchange(wire("sync")).endswith(READY)
    assert not machine.line_matches(9600, "N", 2)


def test_captured_sync() -> None:
    reply = "FD 57 41 49 54 05 FE FD 53 59 4E 43 05 FE FD 44 4F 4E 45 05 FE FD 52 45 41 44 59 06 FE"
    assert direct(bare())(wire("sync")) == bytes.fromhex(reply)


def test_captured_login(make: Make) -> None:
    machine = make()
    assert split(direct(machine)(wire("login"))) == [b"WAIT", b"DONE", b"READY"]
    assert machine.till.session.cashier == "2345     "


def test_captured_refusal_of_the_key(make: Make) -> None:
    machine = make(key=8)
    Host(direct(machine)).login()
    reply = "FD 57 41 49 54 05 FE FD 53 4F 46 54 53 4C 57 4F 52 4B 0B FE FD 52 45 41 44 59 06 FE"
    assert direct(machine)(wire("prepare")) == bytes.fromhex(reply)


def test_captured_sale_with_discount(machine: MariaMachine, host: Host) -> None:
    machine.till.memory.receipt_number = 250_460
    host.done("PREP", "7865")
    tail = f"-{'Знижка':<13}000000100"
    host.done("FISC", line("тарас", 3000, 1000, "00003", code="0008", tail=tail))
    reply = host.done("COMP", payment(2900, cash=2900))
    assert reply[:50] == b"00002504610000002900000000000000000004830000000000"
    assert reply[50:] == b"0" * 40


def test_computed_sale(machine: MariaMachine, host: Host) -> None:
    memory = machine.till.memory
    memory.receipt_number, memory.host_documents, memory.device_documents = 250_461, 12, 34
    memory.books.z_number = 965
    memory.books.begin(machine.till.now())
    numbers = (
        "FD 47 4C 43 4E 30 30 30 30 32 35 30 34 36 31 30 30 30 30 30 30 30 30 31 32 30 30 30 30 30 30 30 30 33 34 30 "
        "30 30 30 39 36 35 2A FE"
    )
    assert bytes.fromhex(numbers) in host.raw(wire("numbers"))
    assert split(host.raw(wire("prepare"))) == [b"WAIT", b"DONE", b"READY"]
    added = "FD 46 49 53 43 30 30 30 30 30 30 30 30 30 30 0F FE"
    assert host.raw(wire("line"))[7:-15] == bytes.fromhex(added)
    done = (
        "FD 43 4F 4D 50 30 30 30 30 32 35 30 34 36 32 30 30 30 30 30 30 32 35 30 30 30 30 30 30 30 30 30 30 30 30 30 "
        "30 30 30 30 30 30 34 31 37 30 30 30 30 30 30 30 30 30 30 30 30 30 30 30 30 30 30 30 30 30 30 30 30 30 30 30 "
        "30 30 30 30 30 30 30 30 30 30 30 30 30 30 30 30 30 30 30 30 30 30 30 5F FE"
    )
    assert bytes.fromhex(done) in host.raw(wire("complete"))
    assert machine.registers()["drawer"] == 102_500


def test_the_other_requests(machine: MariaMachine, host: Host) -> None:
    for name in ("cash in", "x", "z", "cancel"):
        assert split(host.raw(wire(name)))[-2:] == [b"DONE", b"READY"], name
    host.raw(wire("prepare"))
    host.raw(wire("line"))
    assert split(host.raw(wire("card")))[-2:] == [b"DONE", b"READY"]
    registers = machine.registers()
    assert (registers["drawer"], registers["sales_by_form"]) == (110_000, {"cheque": 2500})


def test_24_hours(machine: MariaMachine, host: Host) -> None:
    host.sale()
    machine.advance_clock(86_401)
    reply = (
        "FD 57 41 49 54 05 FE FD 53 4F 46 54 32 34 48 4F 55 52 0B FE FD 53 4F 46 54 4E 52 45 50 09 FE "
        "FD 52 45 41 44 59 06 FE"
    )
    assert host.raw(wire("prepare")) == bytes.fromhex(reply)


def test_csin_and_crc_everywhere(host: Host) -> None:
    assert split(host.raw(bytes.fromhex("FD 43 53 49 4E 31 06 FE D2 64")), crc=True) == [b"WAIT", b"DONE", b"READY"]
    host.crc = True
    assert host.done("SYNC", "тест") == "тест".encode("cp866")
    assert split(host.raw(bytes.fromhex("FD 53 59 4E 43 05 FE AA E1")), crc=True) == [b"SOFTBADCS", b"READY"]
    host.done("CSIN", "0")
    host.crc = False
    assert host.done("SYNC") == b""


def test_no_crc_of_a_usual_frame_looks_like_a_frame() -> None:
    """A host that does not expect CRC drops it as noise between frames."""
    for word in (b"WAIT", b"DONE", b"READY", b"WRK", b"PRN"):
        assert not set(frames.frame(word, with_crc=True)[-2:]) & {0xFD, 0xFE}


def test_crc_bytes_are_ignored_while_crc_is_off(host: Host) -> None:
    for payload in (b"SYNC", b"GETD", b"CCAS"):
        whole = frame(payload, crc=True)
        assert split(host.raw(whole))[-2:] == [b"DONE", b"READY"]
        assert split(host.raw(whole[:-2]))[-1] == b"READY"
        assert host.raw(whole[-2:]) == b""


def test_csin_waits_for_its_crc_and_checks_it(host: Host) -> None:
    assert host.raw(bytes.fromhex("FD 43 53 49 4E 31 06 FE")) == b""
    assert split(host.raw(b"\x00\x00")) == [b"SOFTBADCS", b"READY"]


def test_recovery_sequence(host: Host) -> None:
    again = bytes.fromhex("FD FD FE FE FE FE")
    assert split(host.raw(again)) == [b"SOFTBLOCK", b"READY"]
    assert host.raw(b"\xfdSYN") == b""
    assert split(host.raw(again)) == [b"SOFTBLOCK", b"READY"]
    host.done("CSIN", "1")
    assert split(host.raw(again), crc=True) == [b"SOFTBLOCK", b"READY"]


def test_commands_sent_while_it_works_are_lost(machine: MariaMachine, host: Host) -> None:
    assert split(host.raw(wire("cash in") + wire("cash in")))[-1] == b"READY"
    assert machine.registers()["cash_in"] == 10_000


@pytest.mark.parametrize("name", REQUESTS)
def test_one_flipped_bit_with_crc_is_refused(name: str) -> None:
    data = bytearray(frame(REQUESTS[name][0], crc=True))
    for position in range(len(data)):
        for bit in range(8):
            data[position] ^= 1 << bit
            inbox = frames.Inbox()
            found = [inbox.push(byte, with_crc=True) for byte in data]
            assert not any(isinstance(each, frames.Command) for each in found), (position, bit)
            data[position] ^= 1 << bit


@pytest.mark.parametrize("name", REQUESTS)
@pytest.mark.parametrize("step", [-1, 1])
def test_len_off_by_one_is_refused(name: str, step: int) -> None:
    data = bytearray(wire(name))
    data[-2] += step
    assert split(direct(bare())(bytes(data))) == [b"SOFTBLOCK", b"READY"]


def test_fd_inside_the_payload_begins_anew(host: Host) -> None:
    assert split(host.raw(b"\xfdSY\xfdNC\x05\xfe")) == [b"SOFTBLOCK", b"READY"]
    assert split(host.raw(b"\xfdSYNC\xfdSYNC\x05\xfe")) == [b"WAIT", b"SYNC", b"DONE", b"READY"]


def test_lower_case_is_another_command(host: Host) -> None:
    for name in ("sync", "Prep", "comp", "glcn"):
        host.refused(name, "", "SOFTCOMMAN")


def test_the_longest_frame_and_beyond(host: Host) -> None:
    longest = b"SYNC" + b"x" * 248
    assert frame(longest)[-2] == 0xFD
    assert split(host.raw(frame(longest)))[1] == longest
    assert host.raw(b"\xfd" + b"x" * 260 + b"\x05\xfe") == b""
    assert split(host.raw(wire("sync")))[-1] == b"READY"


@pytest.mark.parametrize("payload", [b"", b"S", b"SYN"])
def test_too_short_frames(payload: bytes) -> None:
    assert split(direct(bare())(frame(payload))) == [b"SOFTBLOCK", b"READY"]


def test_what_the_device_says_holds_no_frame_bytes() -> None:
    assert frames.frame(b"SYNC\xfd\xfe\xff", with_crc=False) == b"\xfdSYNC   \x08\xfe"


@given(st.lists(st.binary(max_size=80), max_size=8), st.booleans())
def test_any_bytes_are_survived(chunks: list[bytes], with_crc: bool) -> None:
    inbox = frames.Inbox()
    for chunk in chunks:
        for byte in chunk:
            assert isinstance(inbox.push(byte, with_crc=with_crc), frames.Command | frames.Broken | None)
    inbox.clear()
    found = [inbox.push(byte, with_crc=True) for byte in frame(b"SYNC", crc=True)]
    assert found[-1] == frames.Command("SYNC", b"")


NAMES = st.sampled_from([*COMMANDS, "xxxx"])
PARAMS = st.one_of(
    st.binary(max_size=240).map(lambda data: bytes(min(value, 0xFC) for value in data)),
    st.text("01IOА-+ ", max_size=120).map(lambda text: text.encode("cp866")),
    st.just(line()),
    st.builds(payment, st.integers(0, 9999)),
)


@given(st.lists(st.tuples(NAMES, PARAMS), max_size=6))
def test_any_command_with_any_parameters_is_answered(steps: list[tuple[str, bytes]]) -> None:
    machine = bare()
    exchange = direct(machine)
    Host(exchange).login()
    for name, params in steps:
        with_crc = machine.till.session.crc or name == "CSIN"
        answer = exchange(frame(name.encode() + params, crc=with_crc))
        said = split(answer, crc=with_crc)
        assert said[0] == b"WAIT"
        assert said[-1] == b"READY"
        words = [word for word in said if word[:4] in (b"DONE", b"SOFT", b"HARD")]
        assert words
    registers = machine.registers()
    assert registers["drawer"] >= 0
    assert registers["last_document"] == registers["receipts"]
