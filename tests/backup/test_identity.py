"""The recovery code, what it unlocks, and what a wrong one gets."""

from __future__ import annotations

from datetime import timedelta

import msgspec
import pyrage
import pytest

from kiosk.backup import archive, identity
from kiosk.backup.errors import BackupError, BadCode, BadCopy, Locked
from tests.backup.conftest import House


def wrong(code: str) -> str:
    """Another well-formed code."""
    other = identity.new_code()
    assert other != code
    return other


def test_the_code_unlocks_what_was_sealed(house: House) -> None:
    secret = house.secret()
    assert secret.shop == house.machine.shop
    assert secret.verify == house.machine.verify
    assert str(pyrage.x25519.Identity.from_str(secret.key).to_public()) == house.machine.recipient


def test_a_code_is_read_as_people_write_it() -> None:
    code = "8ABC-DEHK-M0PT-X123-4567-89QR"
    code = identity._printed((body := code.replace("-", "")) + identity._check(body))
    assert identity.read_code(code) == code
    assert identity.read_code(code.lower().replace("-", " ")) == code
    assert identity.read_code(code.translate(str.maketrans("ABCEHKMPTX0", "АВСЕНКМРТХО"))) == code
    assert identity.read_code(code[:-1]) is None
    assert identity.read_code("") is None


def test_each_wrong_letter_is_found() -> None:
    code = identity.new_code()
    for place, letter in enumerate(code):
        if letter != "-":
            other = "7" if letter != "7" else "9"
            assert identity.read_code(code[:place] + other + code[place + 1 :]) is None


def test_x_22_a_wrong_code_reads_nothing_and_ten_tries_end_in_a_delay(house: House, tmp_path: object) -> None:
    sealed = identity.sealed_of(house.source.place.identity.read_bytes())
    place, clock = house.source.place, house.clock
    for left in reversed(range(10)):
        with pytest.raises(BadCode) as caught:
            identity.unlock(sealed, wrong(house.code), place, clock)
        assert caught.value.left == left
    # The right one is not even looked at now, also by a new process: the count is on the disk.
    with pytest.raises(Locked):
        identity.unlock(sealed, house.code, place, clock)
    clock.sleep(61)
    with pytest.raises(BadCode):
        identity.unlock(sealed, wrong(house.code), place, clock)
    with pytest.raises(Locked) as locked:
        identity.unlock(sealed, house.code, place, clock)
    assert locked.value.until - clock.now() > timedelta(seconds=90), "the delay grows"
    clock.sleep(121)
    assert identity.unlock(sealed, house.code, place, clock).shop == house.machine.shop
    assert not place.attempts.exists()


def test_x_22_nothing_is_readable_without_the_code(house: House, tmp_path: object) -> None:
    secret = house.secret()
    public = house.source.place.identity.read_bytes() + house.source.place.emergency.read_bytes()
    for piece in (secret.key.encode(), secret.signing, msgspec.json.encode(secret.signing)):
        assert piece not in public
    with pytest.raises(pyrage.DecryptError):
        pyrage.passphrase.decrypt(house.source.place.emergency.read_bytes(), wrong(house.code))


def test_changed_open_fields_do_not_unlock(house: House) -> None:
    sealed = identity.sealed_of(house.source.place.identity.read_bytes())
    for forged in (
        msgspec.structs.replace(sealed, shop="ffffffff"),
        msgspec.structs.replace(sealed, iterations=1),
        msgspec.structs.replace(sealed, sealed=sealed.sealed[:-1] + bytes([sealed.sealed[-1] ^ 1])),
        msgspec.structs.replace(sealed, sealed=b""),
    ):
        with pytest.raises(BadCode):
            identity.unlock(forged, house.code, house.source.place, house.clock)


@pytest.mark.parametrize("content", [b"", b"{}", b"\xff", b'{"format":1}', b"[" * 1000])
def test_a_damaged_identity_is_refused(content: bytes) -> None:
    with pytest.raises(BadCopy):
        identity.sealed_of(content)


def test_a_forged_identity_cannot_exhaust_the_machine(house: House) -> None:
    sealed = identity.sealed_of(house.source.place.identity.read_bytes())
    for changes in ({"memory_kib": 2**30}, {"iterations": 10**9}, {"lanes": 0}, {"format": 9}):
        forged = msgspec.json.encode(msgspec.structs.replace(sealed, **changes))
        with pytest.raises(BadCopy):
            identity.sealed_of(forged)


def test_a_second_identity_would_lose_the_old_copies(house: House) -> None:
    with pytest.raises(BackupError):
        identity.found(house.source.place)


def test_secrets_are_for_their_owner_alone(house: House) -> None:
    for path in house.source.place.folder.iterdir():
        assert path.stat().st_mode & 0o077 == 0, path
    assert house.code.encode() not in b"".join(path.read_bytes() for path in house.source.place.folder.iterdir())


def test_both_the_owner_and_the_machine_open_a_copy(house: House, tmp_path: object) -> None:
    from pathlib import Path

    path, contents = house.copy(Path(str(tmp_path)) / "out")
    for key in (house.secret().key, house.machine.key):
        assert archive.peek(path, [key], house.machine.verify) == contents
