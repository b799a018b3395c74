"""A host that knows nothing but the frame and the dialogue of maria.md §2-3: bytes in, frames out."""

from __future__ import annotations

from collections.abc import Callable

from drivers.emulation.machine import Machine, Send


def kermit(data: bytes) -> int:
    """CRC-16/KERMIT, bit by bit."""
    value = 0
    for byte in data:
        value ^= byte
        for _ in range(8):
            value = value >> 1 ^ (0x8408 if value & 1 else 0)
    return value


def frame(payload: bytes, *, crc: bool = False) -> bytes:
    whole = b"\xfd" + payload + bytes([len(payload) + 1, 0xFE])
    return whole + kermit(whole).to_bytes(2, "little") if crc else whole


def split(stream: bytes, *, crc: bool = False) -> list[bytes]:
    """Payloads of a stream that holds nothing but whole frames."""
    payloads = []
    while stream:
        assert stream[0] == 0xFD, stream
        end = stream.index(0xFE)
        payload, length = stream[1 : end - 1], stream[end - 1]
        assert length == len(payload) + 1, stream
        if crc:
            assert stream[end + 1 : end + 3] == kermit(stream[: end + 1]).to_bytes(2, "little"), stream
        payloads.append(payload)
        stream = stream[end + (3 if crc else 1) :]
    return payloads


def line(
    name: str = "Хлеб",
    sum_: int = 2500,
    price: int = 1250,
    quantity: str = "00002",
    divisible: str = "1",
    rounding: str = "0",
    taxes: str = "А02000",
    code: str = "0001",
    tail: str = "",
) -> bytes:
    """Parameters of FISC and BFIS."""
    text = f"{name:<12}{sum_:09d}{price:09d}{quantity}{divisible}{rounding}{taxes:0<48}{code}{tail}"
    return text.encode("cp866")


def accounting_line(
    name: str = "2203000100#Пиво", sum_: int = 2500, price: int = 1250, quantity: str = "002000", taxes: str = "А0"
) -> bytes:
    """Parameters of FICD and BFCD."""
    return f"{name:<24}{sum_:09d}{price:09d}{quantity}00{taxes}{777:09d}".encode("cp866")


def payment(sold: int = 0, returned: int = 0, third: int = 0, second: int = 0, first: int = 0, cash: int = 0) -> bytes:
    """Parameters of COMP."""
    return "".join(f"{value:010d}" for value in (sold, returned, third, second, first, cash)).encode()


class Host:
    def __init__(self, exchange: Callable[[bytes], bytes]) -> None:
        self.raw = exchange
        self.crc = False

    def ask(self, name: str, params: bytes | str = b"") -> list[bytes]:
        """Everything between WAIT and READY."""
        params = params if isinstance(params, bytes) else params.encode("cp866")
        with_crc = self.crc or name == "CSIN"
        frames = split(self.raw(frame(name.encode() + params, crc=with_crc)), crc=with_crc)
        assert frames[0] == b"WAIT", frames
        assert frames[-1] == b"READY", frames
        return [payload for payload in frames[1:-1] if payload not in (b"WRK", b"PRN")]

    def done(self, name: str, params: bytes | str = b"") -> bytes:
        """The data of the reply behind the command's name; fails unless DONE is the only other word."""
        frames = self.ask(name, params)
        assert frames[-1] == b"DONE", (name, frames)
        assert len(frames) <= 2, frames
        return frames[0][4:] if len(frames) == 2 else b""

    def refused(self, name: str, params: bytes | str, *words: str) -> None:
        assert self.ask(name, params) == [word.encode() for word in words], name

    def login(self) -> None:
        self.done("UPAS", "1111111111007")

    def sale(self, cash: int = 3000) -> bytes:
        self.done("PREP", "Каса 1")
        assert self.done("FISC", line()) == b"0000000000"
        return self.done("COMP", payment(2500, cash=cash))

    def number(self) -> int:
        return int(self.done("GLCN")[:10])


def direct(machine: Machine) -> Callable[[bytes], bytes]:
    def exchange(data: bytes) -> bytes:
        return b"".join(action.data for action in machine.receive(data) if isinstance(action, Send))

    return exchange
