"""A host that knows nothing but the packet of datecs-fp3530t.md §2: bytes in, bytes out."""

from __future__ import annotations

from collections.abc import Callable

from drivers.emulation.machine import Machine, Send


def frame(seq: int, cmd: int, data: bytes = b"") -> bytes:
    body = bytes([0x24 + len(data), seq, cmd]) + data.replace(b"\x10", b"\x10\x50") + b"\x05"
    return b"\x01" + body + bytes(0x30 + (sum(body) >> shift & 15) for shift in (12, 8, 4, 0)) + b"\x03"


def direct(machine: Machine) -> Callable[[bytes], bytes]:
    def exchange(data: bytes) -> bytes:
        return b"".join(action.data for action in machine.receive(data) if isinstance(action, Send))

    return exchange


class Host:
    def __init__(self, exchange: Callable[[bytes], bytes]) -> None:
        self.raw = exchange
        self.seq = 0x20

    def ask(self, cmd: int, text: str = "") -> tuple[str, bytes]:
        """Data and status bytes of the reply."""
        self.seq = 0x20 + (self.seq - 0x20 + 1) % 0x5F
        reply = self.raw(frame(self.seq, cmd, text.encode("cp1251")))
        assert (reply[0], reply[1], reply[-1]) == (1, 0x20 + len(reply) - 6, 3), reply
        assert (reply[2], reply[3], reply[-13], reply[-6]) == (self.seq, cmd, 4, 5), reply
        return reply[4:-13].decode("cp1251"), reply[-12:-6]

    def done(self, cmd: int, text: str = "") -> str:
        data, status = self.ask(cmd, text)
        assert not status[0] & 0x20, (cmd, text, data, status.hex())
        return data

    def refused(self, cmd: int, text: str, *, s0: int = 0xA0, s1: int = 0x82) -> None:
        data, status = self.ask(cmd, text)
        assert data == ""
        assert status[0] == s0, status.hex()
        assert status[1] | 0x08 == s1 | 0x08, status.hex()

    def stock(self, code: int = 1, tax: str = "А", name: str = "Хліб", price: str = "12.50") -> None:
        assert self.done(107, f"P{tax}{code},1,{price},0000,{name}") == "P"

    def sale(self, payment: str = "P") -> None:
        self.done(48, "00001,0000,00001,I")
        self.done(58, "1*2.000")
        assert self.done(53, f"\t{payment}") == "R0"
        self.done(56)
