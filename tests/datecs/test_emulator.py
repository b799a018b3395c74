"""The virtual printer as a stranger's client meets it: bytes by the dossier, no driver of ours in between."""

from __future__ import annotations

import os
import select
import termios
import tty
from collections.abc import Iterator
from dataclasses import dataclass

import pytest

from drivers.emulation.server import EmulatorServer
from tests.conftest import Launch


@dataclass(frozen=True)
class Answer:
    data: str
    status: str

    @property
    def ok(self) -> bool:
        return int(self.status.split()[0], 16) & 0x33 == 0


class Client:
    """A client written from datecs-fp3530t.md §2: frames built by hand, one descriptor, one SEQ after the other."""

    def __init__(self, path: str, speed: int = termios.B19200) -> None:
        self.port = os.open(path, os.O_RDWR | os.O_NOCTTY)
        tty.setraw(self.port)
        flags = termios.tcgetattr(self.port)
        flags[4] = flags[5] = speed
        termios.tcsetattr(self.port, termios.TCSANOW, flags)
        self.seq = 0x20

    def frame(self, command: int, data: bytes, seq: int) -> bytes:
        inner = bytes([0x20 + 4 + len(data), seq, command]) + data + b"\x05"
        check = sum(inner)
        return b"\x01" + inner + bytes(0x30 + (check >> shift) % 16 for shift in (12, 8, 4, 0)) + b"\x03"

    def raw(self, wire: bytes, wait: float = 2.0) -> bytes:
        os.write(self.port, wire)
        got = b""
        while select.select([self.port], [], [], wait)[0]:
            got += os.read(self.port, 4096)
            if got.endswith((b"\x03", b"\x15")):
                return got
        return got

    def ask(self, command: int, data: str = "") -> Answer:
        self.seq = 0x20 + (self.seq - 0x20 + 1) % 0x60
        reply = self.raw(self.frame(command, data.encode("cp1251"), self.seq))
        assert reply[:1] == b"\x01" and reply[2:4] == bytes([self.seq, command]), reply.hex(" ")
        assert reply[-5:-1] == bytes(0x30 + (sum(reply[1:-5]) >> shift) % 16 for shift in (12, 8, 4, 0))
        return Answer(reply[4:-13].decode("cp1251"), reply[-12:-6].hex(" ").upper())


@pytest.fixture
def printer(launch: Launch) -> EmulatorServer:
    return launch(clock="2024-03-07T10:15:30")


@pytest.fixture
def client(printer: EmulatorServer) -> Iterator[Client]:
    client = Client(printer.address)
    yield client
    os.close(client.port)


BREAD = "PА1,1,12.50,0000,Хліб"
OPEN = "00001,0000,00001,I"


def test_the_examples_of_the_dossier_in_their_order(client: Client) -> None:
    """§7, byte for byte, as one conversation; the clock alone ticks."""

    def say(request: str) -> str:
        return client.raw(bytes.fromhex(request)).hex(" ").upper()

    assert say("01 25 22 5A 30 05 30 30 3D 36 03") == (
        "01 57 22 5A 31 2E 33 31 20 31 32 4D 61 72 31 30 20 31 32 30 30 2C 46 46 46 46 2C 30 30 30 30 30 30 30 30 2C "
        "32 2C 41 42 31 32 33 34 35 36 37 38 04 80 80 80 80 80 BA 05 30 3D 36 31 03"
    )
    assert say("01 24 23 3E 05 30 30 38 3A 03").startswith("01 3C 23 3E 30 37 2D 30 33 2D 32 34 20 31 30 3A 31 35 3A")
    article = "01 39 24 6B 50 C0 31 2C 31 2C 31 32 2E 35 30 2C 30 30 30 30 2C D5 EB B3 E1 05 30 37 3F 39 03"
    assert say(article).startswith("01 2C 24 6B 50 04 80 80 80 80 80 BA 05")
    opening = "01 36 25 30 30 30 30 30 31 2C 30 30 30 30 2C 30 30 30 30 31 2C 49 05 30 33 3F 3F 03"
    assert " 04 80 80 88 80 80 BA 05 " in say(opening)
    assert " 04 80 80 88 80 80 BA 05 " in say("01 2B 26 3A 31 2A 32 2E 30 30 30 05 30 31 3D 3B 03")
    assert say("01 25 2E 4C 54 05 30 30 3F 38 03") == (
        "01 45 2E 4C 31 2C 30 30 30 31 2C 2B 30 30 30 30 32 35 30 30 2C 2B 30 30 30 30 30 30 30 30 "
        "04 80 80 88 80 80 BA 05 30 38 3D 3D 03"
    )
    assert say("01 26 28 33 31 30 05 30 30 3E 37 03").startswith("01 6C 28 33 30 30 30 30 30 30 32 35 30 30 2C")
    assert say("01 2B 29 35 09 50 33 30 2E 30 30 05 30 31 3D 38 03") == (
        "01 2F 29 35 52 35 30 30 04 80 80 88 80 80 BA 05 30 34 3B 3F 03"
    )
    assert say("01 24 2A 38 05 30 30 38 3B 03").startswith(
        "01 34 2A 38 30 30 30 31 2C 30 30 30 31 04 80 80 80 80 80 BA"
    )
    assert " 04 A0 82 80 80 80 BA 05 " in say("01 24 2B 39 05 30 30 38 3D 03"), "nothing is open to cancel"
    assert say("01 2A 2C 45 30 30 30 30 2C 32 05 30 31 3B 3E 03").startswith("01")
    assert say("01 2A 2D 45 30 30 30 30 2C 30 05 30 31 3B 3D 03").startswith("01")
    assert say("01 25 21 4A 58 05 30 30 3E 3D 03").startswith("01 31 21 4A 80 80 80 80 80 BA 04 80 80 80 80 80 BA 05")


def test_out_of_paper_and_out_of_place(printer: EmulatorServer, client: Client) -> None:
    client.ask(107, BREAD)
    refused = "01 2B 26 3A 04 A0 82 80 80 80 BA 05 30 33 3F 30 03"
    sell = bytes.fromhex("01 2B 26 3A 31 2A 32 2E 30 30 30 05 30 31 3D 3B 03")
    assert client.raw(sell).hex(" ").upper() == refused
    client.ask(48, OPEN)
    printer.set_paper(False)
    assert client.raw(sell).hex(" ").upper() == "01 2B 26 3A 04 A0 80 89 80 80 BA 05 30 33 3F 37 03"
    assert client.ask(76, "T").data == "1,0000,+00000000,+00000000"
    printer.set_paper(True)
    client.seq = 0x30
    assert client.ask(58, "1*2.000").ok


def test_every_seq(client: Client) -> None:
    for seq in range(0x20, 0x80):
        assert client.raw(client.frame(74, b"X", seq))[2] == seq


def test_the_same_seq_is_answered_from_memory(printer: EmulatorServer, client: Client) -> None:
    wire = client.frame(70, b"100.00", 0x44)
    first = client.raw(wire)
    assert client.raw(wire) == first
    assert printer.registers()["cash_in"] == 10_000
    other = client.raw(client.frame(113, b"", 0x44))
    assert other == first, "whatever the command, the SEQ decides"
    printer.power_off()
    printer.power_on()
    client.raw(wire)
    assert printer.registers()["cash_in"] == 20_000, "the memory of the SEQ does not survive the mains"


def test_every_flipped_bit_is_refused(printer: EmulatorServer, client: Client) -> None:
    wire = bytearray(client.frame(70, b"100.00", 0x45))
    for position in range(len(wire)):
        wire[position] ^= 0x02
        client.raw(bytes(wire), wait=0.01)
        client.raw(client.frame(74, b"X", 0x46 + position % 2), wait=0.2)
        wire[position] ^= 0x02
    assert printer.registers()["journal"] == []
    assert client.ask(74, "X").ok


def test_a_packet_byte_by_byte_and_two_at_once(client: Client) -> None:
    wire = client.frame(113, b"", 0x50)
    for value in wire[:-1]:
        assert client.raw(bytes([value]), wait=0.001) == b""
    assert client.raw(wire[-1:])[2:4] == bytes([0x50, 113])
    both = client.raw(client.frame(113, b"", 0x51) + client.frame(74, b"X", 0x52), wait=0.3)
    both += client.raw(b"", wait=0.1)
    assert bytes([0x51, 113]) in both and bytes([0x52, 74]) in both


@pytest.mark.parametrize("speed", [termios.B9600, termios.B115200])
def test_another_speed_is_not_heard(printer: EmulatorServer, speed: int) -> None:
    client = Client(printer.address, speed)
    assert client.raw(client.frame(74, b"X", 0x20), wait=0.1) == b""
    os.close(client.port)


MINIMUM: list[tuple[int, str]] = [
    (33, ""), (35, "Хліб"), (38, ""), (42, "Товарний чек"), (39, ""), (43, "0Магазин"), (43, "I0"), (44, "3"),
    (45, ""), (47, "25.00"), (61, "08-03-24 10:00:00"), (62, ""), (65, "0"), (65, "1"), (67, ""), (68, ""),
    (69, "0000,2"), (70, ""), (74, "W"), (76, ""), (79, "0000,010124,311224"), (80, ""), (83, ""), (90, "1"),
    (94, "0000,010124,311224"), (95, "0000,0001,0001"), (97, ""), (99, ""), (103, ""), (106, "15"),
    (107, BREAD), (107, "R1"), (107, "I"), (107, "F"), (107, "x"), (110, ""), (112, "1"), (113, ""), (64, "0"),
    (101, "1,0000,4321"), (102, "2,0000,Олена"), (105, "0000"), (111, "0000,S"),
]  # fmt: skip
WITHOUT_DATA = {33, 35, 42, 43, 44, 45, 47, 61, 79, 80, 94, 95, 101, 102, 105, 106, 111}


@pytest.mark.parametrize(("command", "data"), MINIMUM, ids=[f"{command} {data}" for command, data in MINIMUM])
def test_the_minimum_command_set(client: Client, command: int, data: str) -> None:
    if command in (39, 42):
        client.ask(38)
    if data in ("R1", "F"):
        client.ask(107, BREAD)
    if data == "I0":
        client.ask(43, "0Магазин")
    answer = client.ask(command, data)
    assert answer.ok, answer
    assert answer.data or command in WITHOUT_DATA


def test_a_receipt_with_everything(printer: EmulatorServer, client: Client) -> None:
    client.ask(107, BREAD)
    assert client.ask(48, OPEN).data == "0001,0001"
    client.ask(58, "1*2.000,-10.00")
    client.ask(58, "-1*1.000")
    client.ask(58, "1*1.000;-0.50")
    client.ask(54, "Акцизна марка АБВГ123456")
    assert client.ask(51, "10;-1.00").data.split(",")[0] == "0000002100"
    assert client.ask(103).data.startswith("1,")
    assert client.ask(53, "\tD10.00").data == "D1100"
    assert not client.ask(58, "1*1.000").ok, "after a payment nothing is sold"
    assert not client.ask(51, "00").ok
    assert client.ask(53, "\tC20.00").data == "F0", "change is given from cash only"
    assert client.ask(53, "\t").data == "R0"
    assert client.ask(56).data == "0001,0001"
    assert client.ask(76, "T").data == "0,0003,+00002100,+00002100"
    assert client.ask(110).data == "+00001100,+00000000,+00001000,+00000000,0000,0002"
    assert client.ask(113).data == "0000001"
    assert printer.registers()["drawer"] == 1100
    assert client.ask(109, "1").ok


def test_a_return(printer: EmulatorServer, client: Client) -> None:
    client.ask(107, BREAD)
    client.ask(70, "20.00")
    assert client.ask(85, OPEN).status == "80 88 88 80 80 BA"
    client.ask(58, "1*2.000")
    assert client.ask(53, "\tP25.00").data == "F0", "the drawer holds less"
    assert client.ask(57).ok
    client.ask(70, "5.00")
    client.ask(85, OPEN)
    client.ask(58, "1*2.000")
    assert client.ask(53, "\tP25.00").data == "R0"
    client.ask(56)
    assert (printer.registers()["refunds_turnover"], printer.registers()["drawer"]) == (2500, 0)


@pytest.mark.parametrize(
    ("command", "data", "status"),
    [
        (36, "", "A2 80"),
        (127, "", "A2 80"),
        (58, "two loaves", "A1 80"),
        (48, "1", "A1 80"),
        (48, "00014,0000,00001,I", "A1 80"),
        (61, "31-02-24 10:00", "A1 80"),
        (69, "0000,7", "A1 80"),
        (70, "-", "A1 80"),
        (107, "Z1", "A1 80"),
        (65, "9", "A1 80"),
        (56, "", "A0 82"),
        (57, "", "A0 82"),
        (53, "\t", "A0 82"),
        (58, "1*1.000", "A0 82"),
        (54, "text", "A0 82"),
        (39, "", "A0 82"),
        (48, "00001,9999,00001,I", "A0 82"),
        (69, "9999,0", "A0 82"),
        (83, "0000,2,1111,20.00,7.00", "A0 82"),
    ],
)
def test_what_is_refused_changes_nothing(
    printer: EmulatorServer, client: Client, command: int, data: str, status: str
) -> None:
    before = printer.registers()
    answer = client.ask(command, data)
    assert (answer.status[:5], answer.data) == (status, "")
    assert printer.registers() == before


def test_three_wrong_passwords_block_until_the_mains_go(printer: EmulatorServer, client: Client) -> None:
    for _ in range(3):
        assert not client.ask(48, "00001,9999,00001,I").ok
    assert not client.ask(48, OPEN).ok
    printer.power_off()
    printer.power_on()
    assert client.ask(48, OPEN).ok


def test_a_new_password_counts(client: Client) -> None:
    assert client.ask(101, "1,0000,4321").ok
    assert not client.ask(48, OPEN).ok
    assert client.ask(48, "00001,4321,00001,I").ok


def test_articles_keep_their_name_until_z(client: Client) -> None:
    client.ask(107, BREAD)
    client.ask(48, OPEN)
    client.ask(58, "1*1.000")
    client.ask(53, "\t")
    client.ask(56)
    assert client.ask(107, "PБ1,1,12.50,0000,Хліб").data == "F"
    assert client.ask(107, "PА1,1,13.00,0000,Хліб").data == "P"
    assert client.ask(107, "C1,14.00,0000").data == "P"
    assert client.ask(107, "D1,0000").data == "F"
    assert client.ask(107, "R1").data == "P1,А,1,14.00,1.000,+00001250,0.000,+00000000,Хліб"
    client.ask(69, "0000,0")
    assert client.ask(107, "PБ1,1,12.50,0000,Хліб").data == "P"
    assert client.ask(107, "DA,0000").data == "P"


def test_a_z_and_its_clock(printer: EmulatorServer, client: Client) -> None:
    client.ask(70, "5.00")
    assert not client.ask(61, "08-03-24 10:00:00").ok, "the clock is set with a closed day only"
    assert client.ask(69, "0000,0").data.startswith("0001,")
    assert not client.ask(61, "06-03-24 10:00:00").ok, "and never before the last record"
    assert client.ask(61, "08-03-24 10:00:00").ok
    assert client.ask(62).data.startswith("08-03-24 10:00:0")
    assert client.ask(64, "0").data.endswith("070324")


def test_a_day_and_a_second(printer: EmulatorServer, client: Client) -> None:
    client.ask(70, "5.00")
    printer.advance_clock(86_399)
    assert client.ask(48, OPEN).ok
    client.ask(57)
    printer.advance_clock(2)
    assert client.ask(48, OPEN).status.startswith("A0 82")
    assert client.ask(85, OPEN).status.startswith("A0 82")
    assert client.ask(69, "0000,2").ok and client.ask(70, "").ok and client.ask(69, "0000,0").ok
    assert client.ask(48, OPEN).ok


def test_power_off_inside_a_receipt_keeps_it(printer: EmulatorServer, client: Client) -> None:
    client.ask(107, BREAD)
    client.ask(48, OPEN)
    client.ask(58, "1*2.000")
    printer.power_off()
    assert client.raw(client.frame(74, b"X", 0x7F), wait=0.1) == b""
    printer.power_on()
    assert client.ask(76, "T").data == "1,0001,+00002500,+00000000"
    client.ask(53, "\t")
    assert client.ask(56).ok
