"""PINs: hashed with salt, checked, and nothing malformed gets through."""

from __future__ import annotations

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from kiosk.people.pins import check_pin, hash_pin

DIGITS = "0123456789"


@settings(max_examples=10, deadline=None)
@given(st.text(DIGITS, min_size=4, max_size=8), st.text(DIGITS, min_size=4, max_size=8))
def test_only_the_pin_itself_fits(pin: str, other: str) -> None:
    hashed = hash_pin(pin)
    assert check_pin(pin, hashed)
    assert check_pin(other, hashed) is (other == pin)


def test_equal_pins_have_different_hashes_and_the_pin_is_not_in_them() -> None:
    first, second = hash_pin("73915046"), hash_pin("73915046")
    assert first != second
    assert "73915046" not in first


@pytest.mark.parametrize("pin", ["", "123", "123456789", "12a4", "12 4", "١٢٣٤", "²²²²", "1234\n", "-123"])
def test_what_is_no_pin_is_refused(pin: str) -> None:
    with pytest.raises(ValueError, match="four to eight"):
        hash_pin(pin)
    assert not check_pin(pin, hash_pin("1234"))


@pytest.mark.parametrize(
    "hashed",
    [
        "",
        "1234",
        "scrypt$16384$8$1$$",
        "scrypt$0$8$1$AAAA$AAAA",
        "scrypt$x$8$1$AAAA$AAAA",
        "bcrypt$16384$8$1$AAAA$AAAA",
        "scrypt$16384$8$1$А$Б",
        "scrypt$1073741824$8$1$AAAA$AAAA",
        "scrypt$1024$8$1000000$AAAA$AAAA",
        "scrypt$99999999999999999999$8$1$AAAA$AAAA",
    ],
)
def test_a_damaged_hash_lets_nobody_in(hashed: str) -> None:
    assert not check_pin("1234", hashed)


def test_the_parameters_come_from_the_hash() -> None:
    import base64
    import hashlib

    salt = b"0123456789abcdef"
    digest = hashlib.scrypt(b"4821", salt=salt, n=1024, r=8, p=1, dklen=32)
    hashed = f"scrypt$1024$8$1${base64.b64encode(salt).decode()}${base64.b64encode(digest).decode()}"
    assert check_pin("4821", hashed)
    assert not check_pin("4822", hashed)
