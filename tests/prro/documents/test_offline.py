"""Control numbers, the hash chain and packages against the reference's vectors (fiscal-server.md §6.3–6.6)."""

from __future__ import annotations

from itertools import pairwise

import pytest
from hypothesis import given
from hypothesis import strategies as st

from drivers.errors import Code, Invalid
from drivers.prro.documents import (
    Act,
    Chain,
    OfflineMark,
    chained,
    control_number,
    fiscal_number,
    package,
    packages,
    previous_hash,
    unpack,
)

OWN = ("05032026", "4000123456", 7, "271828182845904")
PACKAGE = ("12032021", "4000000202", 6, "100018245479310")
"""Date, register, desk and seed (the sample's is a surrogate that gives the same numbers, §6.5)."""


def number(series: tuple[str, str, int, str], hour: str, local: int, total: str, previous: str) -> int:
    day, register, desk, seed = series
    return control_number(seed, day, hour, local, register, desk, total, previous)


def test_the_example_of_the_interface_description() -> None:
    previous = "cdd68bb111f8993f3603f0179341571b35b73a07d5acee9b28fbfb714698e1b3"
    assert control_number("179625192271939", "20082020", "142338", 10, "4000002411", 10, previous=previous) == 4758


@pytest.mark.parametrize(
    ("hour", "local", "total", "previous", "expected"),
    [
        ("175253", 1836, "", "", 9536),
        ("175253", 1837, "", "", 7773),
        ("175322", 1838, "50.00", "49496c323e0033ffc1fd56b9fbbfe0fc6456b9589aa82efa18cefdb680bde796", 5807),
        ("175337", 1839, "50.00", "53a04dba89f73ea27096c6b91343e97dceb9a22d07537e84e4057b24e013204a", 7473),
        ("175346", 1840, "", "4fae75e8111663bfad52844fa9a9d7fd70b394837edb8500c308692d6ace0cd0", 8814),
        ("175346", 1841, "", "57ecdc3fa39bc5c117df310515e963d99a47edbcacd4f36094f49c2f2f7c1dae", 1734),
        ("175346", 1842, "", "682ee1e51649bb24472d1f6753539b50f0a447df54ad28cb7549ce3ca8bc4af8", 44),
    ],
)
def test_the_official_package(hour: str, local: int, total: str, previous: str, expected: int) -> None:
    assert number(PACKAGE, hour, local, total, previous) == expected


@pytest.mark.parametrize(
    ("hour", "local", "total", "previous", "expected"),
    [
        ("101500", 601, "", "", 3355),
        ("101700", 602, "77.50", "", 8471),
        ("101700", 602, "77.50", "0" * 64, 1229),
        ("102000", 603, "", "f" * 64, 9829),
        ("102000", 603, "0.05", "f" * 64, 4194),
        ("101500", 934, "", "", 1),
    ],
    ids=["begin", "sale", "chained sale", "end", "five kopecks", "zero becomes one"],
)
def test_own_vectors(hour: str, local: int, total: str, previous: str, expected: int) -> None:
    assert number(OWN, hour, local, total, previous) == expected


def test_the_number_has_no_leading_zeros_and_the_hash_is_lower_case() -> None:
    assert fiscal_number("21182", 7, 44) == "21182.7.44"
    assert previous_hash(b"abc") == "ba7816bf8f01cfea414140de5dae2223b00361a396177a9cb410ff61f20015ad"


def test_the_seed_is_never_shown() -> None:
    assert "271828182845904" not in repr(OfflineMark("48866", 2, "271828182845904"))


def test_who_carries_the_hash() -> None:
    session = [Act.BEGIN_OFFLINE, Act.OPEN_SHIFT, Act.SALE, Act.SALE, Act.Z_REPORT, Act.CLOSE_SHIFT, Act.END_OFFLINE]
    as_sample = [chained(act, place) for place, act in enumerate(session, 1)]
    assert as_sample == [False, False, True, True, True, True, True]
    financial = [chained(act, place, Chain.FINANCIAL_ONLY) for place, act in enumerate(session, 1)]
    assert financial == [False, False, True, True, True, False, False]


def test_the_package_of_the_reference() -> None:
    assert package([b"abc", b"de"]).hex() == "03000000616263020000006465"
    assert unpack(package([b"abc", b"de"])) == (b"abc", b"de")


@given(st.lists(st.binary(max_size=40)), st.integers(1, 7), st.integers(44, 120))
def test_packages_lose_and_reorder_nothing(documents: list[bytes], most: int, size: int) -> None:
    cut = list(packages(documents, most=most, size=size))
    assert [document for batch in cut for document in batch] == documents
    for batch in cut:
        assert 1 <= len(batch) <= most
        assert len(package(batch)) <= size
        assert unpack(package(batch)) == batch
    for before, after in pairwise(cut):
        assert len(before) == most or len(package((*before, after[0]))) > size, "a package was sent half empty"


def test_the_usual_limits() -> None:
    assert [len(batch) for batch in packages([b"x" * 10] * 250)] == [100, 100, 50]
    assert max(len(package(batch)) for batch in packages([b"x" * 5000] * 250)) <= 190 * 1024
    with pytest.raises(Invalid) as caught:
        list(packages([b"x", b"y" * 200_000]))
    assert caught.value.code is Code.OVERFLOW


@pytest.mark.parametrize("cut", [1, 3, 5, 8, 12])
def test_a_package_that_is_cut_off(cut: int) -> None:
    with pytest.raises(Invalid):
        unpack(package([b"abc", b"de"])[:cut])
