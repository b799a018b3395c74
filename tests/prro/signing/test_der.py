"""The DER reader and writer: round trips, a second parser's opinion, and everything that is refused."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta, timezone

import pytest
from asn1crypto import core, parser  # type: ignore[import-untyped]
from hypothesis import given, settings
from hypothesis import strategies as st

from drivers.prro.signing import der
from drivers.prro.signing.der import Malformed

OIDS = st.tuples(st.integers(0, 2), st.integers(0, 39), st.lists(st.integers(0, 2**40), max_size=6)).map(
    lambda parts: ".".join(map(str, (parts[0], parts[1], *parts[2])))
)


@given(st.integers(-(2**300), 2**300))
def test_integers(value: int) -> None:
    encoded = der.integer(value)
    assert der.parse(encoded).integer() == value
    assert core.Integer.load(encoded, strict=True).native == value
    assert core.Integer(value).dump() == encoded


@given(OIDS)
def test_identifiers(dotted: str) -> None:
    encoded = der.oid(dotted)
    assert der.parse(encoded).oid() == dotted
    assert core.ObjectIdentifier.load(encoded, strict=True).dotted == dotted


@given(st.binary(max_size=400), st.text(max_size=50))
def test_strings(data: bytes, text: str) -> None:
    assert der.parse(der.octets(data)).octets() == data
    assert der.parse(der.bits(data)).bits() == data
    assert der.parse(der.utf8(text)).text() == text
    assert core.OctetString.load(der.octets(data), strict=True).native == data
    assert core.UTF8String.load(der.utf8(text), strict=True).native == text
    assert der.octets(data) == core.OctetString(data).dump()


@given(st.integers(-631_000_000, 200_000_000_000))
@settings(max_examples=30)
def test_times(seconds: int) -> None:
    aware = (datetime(1970, 1, 1, tzinfo=UTC) + timedelta(seconds=seconds)).astimezone(timezone(timedelta(hours=2)))
    expected = aware.astimezone(UTC).replace(microsecond=0)
    assert der.parse(der.generalized_time(aware)).time() == expected
    assert der.parse(der.time(aware)).time() == expected
    tag = der.parse(der.time(aware)).tag
    assert tag == (der.UTC_TIME if 1950 <= expected.year < 2050 else der.GENERALIZED_TIME)


def test_naive_times_are_refused() -> None:
    for write in (der.time, der.generalized_time):
        with pytest.raises(ValueError, match="naive"):
            write(datetime.now(UTC).replace(tzinfo=None))


@pytest.mark.parametrize("size", [0, 1, 127, 128, 255, 256, 65535, 65536])
def test_lengths(size: int) -> None:
    encoded = der.octets(bytes(size))
    assert encoded == core.OctetString(bytes(size)).dump()
    assert len(der.parse(encoded).octets()) == size


@pytest.mark.parametrize(
    ("why", "data"),
    [
        ("empty", ""),
        ("no length", "30"),
        ("cut", "0405aabb"),
        ("trailing octet", "040100ff"),
        ("indefinite length", "30800000"),
        ("padded length", "04810100"),
        ("padded long length", "0482000100"),
        ("zero before a long length", "04820080" + "00" * 128),
        ("five length octets", "048500000000010a"),
        ("cut length", "0482"),
        ("long tag", "1f0100"),
    ],
)
def test_broken_frames(why: str, data: str) -> None:
    with pytest.raises(Malformed):
        der.parse(bytes.fromhex(data))


@pytest.mark.parametrize(
    ("reader", "data"),
    [
        ("integer", "0200"),
        ("integer", "02020001"),
        ("integer", "0202ffff"),
        ("integer", "040101"),
        ("boolean", "0100"),
        ("oid", "0600"),
        ("oid", "060180"),
        ("oid", "06032a8001"),
        ("oid", "06022a86"),
        ("bits", "0300"),
        ("bits", "030201f0"),
        ("text", "0c02c328"),
        ("text", "020101"),
        ("time", "170d323630313031303030303030"),
        ("time", "170d3236303133323030303030305a"),
        ("time", "170d2b3630313031303030303030305a"),
        ("time", "180f32303236303130313030303030305b"),
        ("time", "02020101"),
    ],
)
def test_broken_values(reader: str, data: str) -> None:
    with pytest.raises(Malformed):
        getattr(der.parse(bytes.fromhex(data)), reader)()


def test_a_fraction_of_a_second_is_cut() -> None:
    element = der.parse(der.write(der.GENERALIZED_TIME, b"20260305101112.123Z"))
    assert element.time() == datetime(2026, 3, 5, 10, 11, 12, tzinfo=UTC)


def test_members_are_taken_in_order() -> None:
    items = der.parse(der.sequence(der.integer(1), der.null(), der.boolean(True))).items(der.SEQUENCE)
    assert items.peek() == der.INTEGER
    assert items.maybe(der.NULL) is None
    assert items.take(der.INTEGER).small(1) == 1
    assert items.maybe(der.NULL) is not None
    with pytest.raises(Malformed, match="more members"):
        items.end()
    assert items.take().boolean()
    items.end()
    assert items.peek() == -1
    with pytest.raises(Malformed, match="cut"):
        items.take()
    with pytest.raises(Malformed, match="outside"):
        der.parse(der.integer(5)).small(4)


def test_a_set_is_sorted() -> None:
    members = [der.integer(5), der.boolean(True), der.integer(3)]
    assert der.set_of(*members) == der.set_of(*reversed(members))
    assert [each.raw for each in der.parse(der.set_of(*members)).items(der.SET)] == sorted(members)


@given(st.binary(max_size=60))
@settings(max_examples=300)
def test_any_octets_are_read_or_refused(data: bytes) -> None:
    """Whatever is read, the same octets come out again, and the second parser agrees about tag and length."""
    try:
        element = der.parse(data)
    except Malformed:
        return
    assert element.raw == data
    assert der.write(element.tag, element.body) == data
    kind, method, number, head, body, _ = parser.parse(data, strict=True)
    assert (kind << 6 | method << 5 | number, head + body, body) == (element.tag, data, element.body)
    for reader in ("integer", "boolean", "octets", "bits", "oid", "text", "time"):
        try:
            getattr(element, reader)()
        except Malformed:
            continue


def test_deep_nesting_does_not_exhaust_the_stack() -> None:
    data = b""
    for _ in range(5000):
        data = der.sequence(data)
    element = der.parse(data)
    for _ in range(20):
        element = element.inside(der.SEQUENCE)
    assert element.tag == der.SEQUENCE
