"""One demo authority of each generation with its people, shared by all tests of signatures."""

from __future__ import annotations

from datetime import UTC, datetime

import pytest

from drivers.prro.emulator.authority import Authority, Identity
from drivers.prro.signing import Digest, Trust

NOW = datetime(2026, 3, 5, 10, 0, tzinfo=UTC)


@pytest.fixture(scope="session", params=[Digest.GOST_34311, Digest.KUPYNA_256], ids=lambda digest: digest.value)
def authority(request: pytest.FixtureRequest) -> Authority:
    return Authority.create(NOW, generation=request.param, url="http://127.0.0.1:9/ca")


@pytest.fixture(scope="session")
def cashier(authority: Authority) -> Identity:
    return authority.cashier(NOW, drfo="3184710691")


@pytest.fixture(scope="session")
def server(authority: Authority) -> Identity:
    return authority.fiscal_server(NOW, edrpou="43005393")


@pytest.fixture(scope="session")
def trust(authority: Authority) -> Trust:
    return Trust([authority.certificate], demo=True)
