"""A shop with real data on the disk, its identity, and folders that stand for targets."""

from __future__ import annotations

import shutil
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

import pytest

from kiosk.backup import archive, gather, identity
from kiosk.backup.gather import Source
from kiosk.backup.manifest import Manifest
from kiosk.config import Settings
from tests.kiosk.ledger.world import Shop, TestClock, build


@dataclass
class House:
    """One machine: data, identity, recovery code."""

    source: Source
    shop: Shop
    clock: TestClock
    code: str

    @property
    def machine(self) -> identity.Machine:
        found = identity.machine_of(self.source.place)
        assert found is not None
        return found

    def copy(self, folder: Path, why: str = "manual") -> tuple[Path, Manifest]:
        """A copy made by the two rooms alone, without targets."""
        staging = folder / "staging"
        staging.mkdir(parents=True)
        contents = gather.gather(self.source, staging).manifest(self.source, self.machine, self.clock.now(), why)
        path = folder / contents.name
        archive.write(path, contents, staging, self.machine)
        return path, contents

    def secret(self) -> identity.Secret:
        sealed = identity.sealed_of(self.source.place.identity.read_bytes())
        return identity.unlock(sealed, self.code, self.source.place, self.clock)


@pytest.fixture
def clock() -> TestClock:
    return TestClock()


@pytest.fixture(scope="session")
def identities(tmp_path_factory: pytest.TempPathFactory) -> tuple[Path, str]:
    """One identity for all houses: stretching its code takes longer than most tests."""
    place = identity.Place(tmp_path_factory.mktemp("identity") / "backup")
    return place.folder, identity.found(place)


@pytest.fixture
def house(tmp_path: Path, clock: TestClock, identities: tuple[Path, str]) -> Iterator[House]:
    data = tmp_path / "till"
    shop = build(data / "ledger.db", clock)
    (data / "templates").mkdir()
    (data / "templates" / "receipt.txt").write_text("Дякуємо за покупку, Надіє Постійна!")
    (data / "key-6.dat").write_bytes(b"a private key")
    settings_file = tmp_path / "kiosk.toml"
    settings_file.write_text('workplace = "Каса 1"\n')
    source = Source(Settings(data=str(data)), settings_file)
    shutil.copytree(identities[0], source.place.folder)
    yield House(source, shop, clock, identities[1])
    shop.ledger.close()
