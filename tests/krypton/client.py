"""A host that knows nothing but the packet of datecs-krypton.md §2: bytes in, bytes out."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass

from drivers.emulation.machine import Machine, Send


def frame(seq: int, cmd: int, data: bytes) -> bytes:
    body = bytes([0x20 + 4 + len(data), seq, cmd]) + data + b"\x05"
    total = sum(body)
    return b"\x01" + body + bytes(0x30 + (total >> shift & 15) for shift in (12, 8, 4, 0)) + b"\x03"


@dataclass(frozen=True)
class Answer:
    code: str
    fields: list[str]
    status: bytes
    raw: bytes

    @property
    def state(self) -> int:
        return self.status[2] & 0x1F


class Host:
    """`exchange` carries bytes there and back: a machine in this process, or a port."""

    def __init__(self, exchange: Callable[[bytes], bytes], password: str = "000000") -> None:
        self._exchange = exchange
        self._password = password
        self.seq = 0x20

    def raw(self, data: bytes) -> bytes:
        return self._exchange(data)

    def ask(self, cmd: int, text: str = "", *, same_seq: bool = False) -> Answer:
        """One command with its fields after the password."""
        if not same_seq:
            self.seq = 0x20 + (self.seq - 0x20 + 1) % 0x60
        reply = self.raw(frame(self.seq, cmd, f"{self._password};{text}".encode("cp1251")))
        assert reply[0] == 1, reply
        assert reply[-1] == 3, reply
        assert reply[1] == 0x20 + len(reply) - 6, reply
        assert (reply[2], reply[3]) == (self.seq, cmd), reply
        data, status = reply[4:-13], reply[-12:-6]
        assert (reply[-13], reply[-6]) == (4, 5)
        code, *fields, empty = data.decode("cp1251").split(";")
        assert empty == ""
        return Answer(code, fields, status, reply)

    def done(self, cmd: int, text: str = "") -> list[str]:
        answer = self.ask(cmd, text)
        assert answer.code == "0000", (hex(cmd), text, answer)
        return answer.fields

    def refused(self, cmd: int, text: str, code: str) -> None:
        answer = self.ask(cmd, text)
        assert answer.code == code, (hex(cmd), text, answer)
        assert answer.fields == []

    def article(self, code: int = 100, name: str = "Хліб", tax: int = 0) -> None:
        self.done(0x24, f"{code};{name};{tax};1;00;шт;")

    def sale(self, price: str = "12.50", quantity: str = "2.000", paid: str = "0;30.00;", ret: int = 0) -> str:
        """One whole receipt; its number."""
        self.done(0x63, f"01;01;{ret};")
        self.done(0x64, f"100;{quantity};{price};")
        self.done(0x6D, "0;")
        self.done(0x67, paid)
        return self.done(0x65, "1;")[0]


def direct(machine: Machine) -> Callable[[bytes], bytes]:
    """Bytes into a machine of this process."""

    def exchange(data: bytes) -> bytes:
        return b"".join(action.data for action in machine.receive(data) if isinstance(action, Send))

    return exchange
