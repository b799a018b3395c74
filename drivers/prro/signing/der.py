"""A small strict DER reader and writer (X.690), enough for certificates, CMS and key containers.

    TAG  one octet: class (2 bits), constructed (1 bit), number below 31 (5 bits)
    LEN  one octet below 80h, or 80h + count and the big-endian length without leading zeros
    the contents, LEN octets

Refused: indefinite and padded lengths, long tags, contents that overrun their parent, trailing octets. The reader
walks only where its caller steps, so nesting cannot exhaust the stack; every value is a slice of the input, so work is
bounded by the input's length. All refusals are `Malformed`, which the layers above turn into their own faults.
"""

from __future__ import annotations

from collections.abc import Iterator
from datetime import UTC, datetime

BOOLEAN, INTEGER, BIT_STRING, OCTET_STRING, NULL, OID = 0x01, 0x02, 0x03, 0x04, 0x05, 0x06
UTF8_STRING, PRINTABLE_STRING, T61_STRING, IA5_STRING = 0x0C, 0x13, 0x14, 0x16
UTC_TIME, GENERALIZED_TIME, UNIVERSAL_STRING, BMP_STRING = 0x17, 0x18, 0x1C, 0x1E
SEQUENCE, SET = 0x30, 0x31

_TEXT = {
    UTF8_STRING: "utf-8",
    PRINTABLE_STRING: "latin-1",
    T61_STRING: "latin-1",
    IA5_STRING: "latin-1",
    UNIVERSAL_STRING: "utf-32-be",
    BMP_STRING: "utf-16-be",
}


class Malformed(ValueError):
    """The octets are not the DER that was expected."""


def context(number: int, *, constructed: bool = True) -> int:
    """The tag [number]."""
    return (0xA0 if constructed else 0x80) | number


class Element:
    """One value: `tag`, its contents `body`, and `raw`, the whole encoding as it stands in the input."""

    __slots__ = ("body", "raw", "tag")

    def __init__(self, tag: int, body: bytes, raw: bytes) -> None:
        self.tag = tag
        self.body = body
        self.raw = raw

    def expect(self, tag: int) -> Element:
        """This element, when it carries `tag`."""
        if self.tag != tag:
            raise Malformed(f"tag {self.tag:02x} where {tag:02x} belongs")
        return self

    def items(self, tag: int) -> Items:
        """The members of a constructed element that carries `tag`."""
        return Items(self.expect(tag).body)

    def inside(self, tag: int) -> Element:
        """The only member of a constructed element that carries `tag`."""
        items = self.items(tag)
        member = items.take()
        items.end()
        return member

    def integer(self) -> int:
        body = self.expect(INTEGER).body
        if not body or (len(body) > 1 and (body[0], body[1] >= 0x80) in ((0, False), (0xFF, True))):
            raise Malformed("an integer is empty or padded")
        return int.from_bytes(body, "big", signed=True)

    def small(self, limit: int) -> int:
        """An integer in 0…limit."""
        value = self.integer()
        if not 0 <= value <= limit:
            raise Malformed(f"a number outside 0…{limit}")
        return value

    def boolean(self) -> bool:
        body = self.expect(BOOLEAN).body
        if len(body) != 1:
            raise Malformed("a boolean has one octet")
        return body != b"\x00"

    def octets(self) -> bytes:
        return self.expect(OCTET_STRING).body

    def bits(self) -> bytes:
        """A bit string of whole octets."""
        body = self.expect(BIT_STRING).body
        if not body or body[0] != 0:
            raise Malformed("a bit string of whole octets belongs here")
        return body[1:]

    def oid(self) -> str:
        body = self.expect(OID).body
        if not body or body[-1] & 0x80 or len(body) > 64:
            raise Malformed("an object identifier is empty, cut or too long")
        arcs: list[int] = []
        value = 0
        fresh = True
        for octet in body:
            if fresh and octet == 0x80:
                raise Malformed("an object identifier holds a padded arc")
            value = value << 7 | octet & 0x7F
            fresh = octet < 0x80
            if fresh:
                arcs.append(value)
                value = 0
        top = min(arcs[0] // 40, 2)
        return ".".join(map(str, (top, arcs[0] - 40 * top, *arcs[1:])))

    def text(self) -> str:
        """Any of the string types."""
        encoding = _TEXT.get(self.tag)
        if encoding is None:
            raise Malformed(f"tag {self.tag:02x} is no text")
        try:
            return self.body.decode(encoding)
        except UnicodeDecodeError as error:
            raise Malformed("a text does not decode") from error

    def time(self) -> datetime:
        """UTCTime or GeneralizedTime with seconds and Z, as aware UTC; fractions are cut."""
        text = self.body.decode("latin-1")
        if self.tag == UTC_TIME and len(text) == 13:
            text = ("19" if text[:2] >= "50" else "20") + text
        elif self.tag == GENERALIZED_TIME and text[14:15] == "." and text[15:-1].isdecimal() and text[-1] == "Z":
            text = text[:14] + "Z"
        elif self.tag != GENERALIZED_TIME:
            raise Malformed("a time belongs here")
        if len(text) != 15 or not (text[:14].isascii() and text[:14].isdecimal()) or text[14] != "Z":
            raise Malformed("a time is not YYYYMMDDhhmmssZ")
        try:
            return datetime.strptime(text[:14], "%Y%m%d%H%M%S").replace(tzinfo=UTC)
        except ValueError as error:
            raise Malformed("a time does not exist") from error


class Items:
    """The members of a constructed value, taken in order."""

    __slots__ = ("_at", "_data")

    def __init__(self, data: bytes) -> None:
        self._data = data
        self._at = 0

    def __bool__(self) -> bool:
        return self._at < len(self._data)

    def __iter__(self) -> Iterator[Element]:
        while self:
            yield self.take()

    def peek(self) -> int:
        """The tag of the next member, or −1 at the end."""
        return self._data[self._at] if self else -1

    def take(self, tag: int = -1) -> Element:
        """The next member, with `tag` when one is given."""
        element, self._at = _read(self._data, self._at)
        return element if tag < 0 else element.expect(tag)

    def maybe(self, tag: int) -> Element | None:
        """The next member when it carries `tag`, else nothing is taken."""
        return self.take() if self.peek() == tag else None

    def end(self) -> None:
        """Refuse further members."""
        if self:
            raise Malformed("more members than expected")


def parse(data: bytes) -> Element:
    """The one element that fills `data`."""
    element, end = _read(data, 0)
    if end != len(data):
        raise Malformed("octets follow the end of the value")
    return element


def _read(data: bytes, at: int) -> tuple[Element, int]:
    start = at
    if at + 2 > len(data):
        raise Malformed("the value is cut")
    tag, length = data[at], data[at + 1]
    at += 2
    if tag & 0x1F == 0x1F:
        raise Malformed("a long tag")
    if length >= 0x80:
        count = length & 0x7F
        if not 1 <= count <= 4:
            raise Malformed("an indefinite or absurd length")
        length = int.from_bytes(data[at : at + count], "big")
        if at + count > len(data) or length < 0x80 or length >> 8 * (count - 1) == 0:
            raise Malformed("a padded or cut length")
        at += count
    end = at + length
    if end > len(data):
        raise Malformed("a length overruns its parent")
    return Element(tag, data[at:end], data[start:end]), end


def write(tag: int, *contents: bytes) -> bytes:
    """One element around the joined contents."""
    body = b"".join(contents)
    size = len(body)
    if size < 0x80:
        return bytes((tag, size)) + body
    length = size.to_bytes((size.bit_length() + 7) // 8, "big")
    return bytes((tag, 0x80 | len(length))) + length + body


def sequence(*members: bytes) -> bytes:
    return write(SEQUENCE, *members)


def set_of(*members: bytes) -> bytes:
    """SET OF, sorted as DER wants it."""
    return write(SET, *sorted(members))


def integer(value: int) -> bytes:
    return write(INTEGER, value.to_bytes(value.bit_length() // 8 + 1, "big", signed=True))


def boolean(value: bool) -> bytes:
    return write(BOOLEAN, b"\xff" if value else b"\x00")


def octets(value: bytes) -> bytes:
    return write(OCTET_STRING, value)


def bits(value: bytes, unused: int = 0) -> bytes:
    return write(BIT_STRING, bytes((unused,)), value)


def null() -> bytes:
    return write(NULL)


def utf8(text: str) -> bytes:
    return write(UTF8_STRING, text.encode())


def printable(text: str) -> bytes:
    return write(PRINTABLE_STRING, text.encode("ascii"))


def oid(dotted: str) -> bytes:
    """Raises ValueError unless `dotted` is an object identifier."""
    first, second, *rest = (int(arc) for arc in dotted.split("."))
    body = bytearray()
    for arc in (40 * first + second, *rest):
        groups = [arc & 0x7F]
        while arc := arc >> 7:
            groups.append(arc & 0x7F | 0x80)
        body += bytes(reversed(groups))
    return write(OID, bytes(body))


def time(moment: datetime) -> bytes:
    """UTCTime through 2049, GeneralizedTime from then on, cut to seconds. `moment` must be aware."""
    if moment.tzinfo is None:
        raise ValueError("a naive time has no zone: pass aware UTC")
    text = moment.astimezone(UTC).strftime("%Y%m%d%H%M%SZ")
    if 1950 <= int(text[:4]) < 2050:
        return write(UTC_TIME, text[2:].encode())
    return write(GENERALIZED_TIME, text.encode())


def generalized_time(moment: datetime) -> bytes:
    """GeneralizedTime, cut to seconds. `moment` must be aware."""
    if moment.tzinfo is None:
        raise ValueError("a naive time has no zone: pass aware UTC")
    return write(GENERALIZED_TIME, moment.astimezone(UTC).strftime("%Y%m%d%H%M%SZ").encode())
