"""A host that knows nothing but the packet and the dialogue of ikc.md §2-4: bytes in, replies out."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path

from drivers.emulation.faults import FaultPlan
from drivers.emulation.machine import Machine, Send
from drivers.emulation.memory import StateFile, Tape
from drivers.ikc.emulator.machine import IkcMachine, build

CLOCK = "2026-11-24T10:15:00"


def virtual(folder: Path, plan: FaultPlan | None = None, **options: object) -> IkcMachine:
    settings = {"clock": CLOCK, **{name: str(value) for name, value in options.items()}}
    return build(settings, StateFile(folder / "state.json"), Tape(folder / "tape.txt"), plan or FaultPlan())


def direct(machine: Machine) -> Callable[[bytes], bytes]:
    def exchange(data: bytes) -> bytes:
        return b"".join(action.data for action in machine.receive(data) if isinstance(action, Send))

    return exchange


def frame(num: int, code: int, params: bytes = b"") -> bytes:
    body = bytes([num, code]) + params
    body += bytes([(256 - sum(body) % 256) % 256])
    return b"\x10\x02" + body.replace(b"\x10", b"\x10\x10") + b"\x10\x03"


@dataclass(frozen=True)
class Reply:
    status: int
    result: int
    reserve: int
    data: bytes

    def number(self, start: int, size: int = 4) -> int:
        part = self.data[start : start + size]
        assert len(part) == size, self.data
        return int.from_bytes(part, "little")


def split(wire: bytes, num: int, code: int) -> Reply:
    """One reply without a CRC and nothing else."""
    assert wire[:2] == b"\x10\x02" and wire[-2:] == b"\x10\x03", wire
    inner = wire[2:-2]
    body = inner.replace(b"\x10\x10", b"\x10")
    assert inner == body.replace(b"\x10", b"\x10\x10"), wire
    assert sum(body) % 256 == 0 and tuple(body[:2]) == (num, code), wire
    return Reply(body[2], body[3], body[4], body[5:-1])


def item(
    name: str = "Хлеб", price: int = 1250, quantity: int = 2, decimals: int = 0, tax: int = 0x80, code: int = 100
) -> bytes:
    """Parameters of 18 and 8; a price of 2**31 and more is a void."""
    text = name.encode("cp866")
    head = quantity.to_bytes(3, "little") + bytes([decimals]) + price.to_bytes(4, "little")
    return head + bytes([tax, len(text)]) + text + code.to_bytes(6, "little")


def tender(amount: int = 0, form: int = 3, *, closing: bool = False, service: bool = False, text: str = "") -> bytes:
    """Parameters of 20."""
    sum_ = (amount | 1 << 31 if closing else amount).to_bytes(4, "little")
    data = text.encode("cp866")
    return bytes([form | 0x40 * service]) + sum_ + bytes([0, len(data)]) + data


def counted(text: str, extra: int = 0) -> bytes:
    data = text.encode("cp866")
    return bytes([len(data) | extra]) + data


PASSWORD = bytes(2)
CLOSE = tender(closing=True)


class Host:
    def __init__(self, exchange: Callable[[bytes], bytes]) -> None:
        self.raw = exchange
        self.num = 0x20

    def ask(self, code: int, params: bytes = b"") -> Reply:
        self.num = (self.num + 1) & 0xFF
        wire = self.raw(frame(self.num, code, params))
        assert wire[:1] == b"\x06", wire
        return split(wire[1:].lstrip(b"\x16"), self.num, code)

    def done(self, code: int, params: bytes = b"") -> Reply:
        reply = self.ask(code, params)
        assert (reply.status, reply.result) == (0, 0), (code, reply)
        return reply

    def refused(self, result: int, code: int, params: bytes = b"") -> None:
        reply = self.ask(code, params)
        assert (reply.status, reply.result, reply.data) == (0, result, b""), (code, reply)

    def blocked(self, status: int, code: int, params: bytes = b"") -> Reply:
        reply = self.ask(code, params)
        assert (reply.status, reply.result, reply.data) == (status, 0, b""), (code, reply)
        return reply

    def login(self, name: str = "Олена") -> None:
        self.done(6, PASSWORD + b"\0" + counted(name))

    def sale(self, amount: int = 3000) -> Reply:
        self.done(18, item())
        return self.done(20, tender(amount))

    def payout(self) -> Reply:
        self.done(11, counted("ВИДАТКОВИЙ ЧЕК", 0x80))
        self.done(8, item())
        return self.done(20, CLOSE)

    def modem(self, tag: int, params: bytes = b"") -> tuple[int, bytes]:
        data = self.done(53, PASSWORD + (1 + len(params)).to_bytes(2, "little") + bytes([tag]) + params).data
        assert len(data) == 3 + int.from_bytes(data[1:3], "little")
        return data[0], data[3:]
