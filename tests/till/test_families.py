"""The same day on every family of registrars: only the URL changes (issue of swapping is changing one line)."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import pytest

from drivers.document import CardSlip, DocumentKind
from kiosk.config import Policy
from kiosk.ledger.records import BindingRole, ReceiptState
from tests.contract.bench import Family, emulator_bench
from tests.contract.test_datecs import DATECS
from tests.contract.test_exellio import EXELLIO
from tests.contract.test_helpmicro import HELPMICRO
from tests.contract.test_ikc import IKC
from tests.contract.test_krypton import KRYPTON
from tests.contract.test_maria import MARIA
from tests.contract.test_prro import PRRO
from tests.till.conftest import Shop
from tests.till.prro.rig import PASSWORD, build_server, lay_keys, url_of

FAMILIES = (DATECS, EXELLIO, KRYPTON, MARIA, IKC, HELPMICRO, PRRO)
SLIP = CardSlip(
    rrn="123456789012", auth_code="A1B2C3", pan_mask="XXXXXXXXXXXX1234", terminal="T0000001", payment_system="VISA"
)


@dataclass(frozen=True)
class Running:
    """A registrar that runs, whatever it is: its URL and its own figures."""

    url: str
    registers: Callable[[], dict[str, Any]]


@contextmanager
def running(family: Family, folder: Path) -> Iterator[Running]:
    """The family's device, or the fiscal server with the till's keys."""
    if family is not PRRO:
        with emulator_bench(family, folder) as bench:
            yield Running(bench.url, bench.registers)
        return
    folder.mkdir()
    with build_server(folder) as server:
        keys = lay_keys(server, folder / "keys", ["cashier"])
        yield Running(url_of(server, keys, folder / "state"), server.registers)


@pytest.mark.parametrize("family", FAMILIES, ids=lambda family: family.scheme)
def test_a_day_on_this_registrar(family: Family, tmp_path: Path) -> None:
    """Float, cash and card sales with rounding, a return, X, cash-out, Z: both books agree to the kopeck."""
    with running(family, tmp_path / "registrar") as bench:
        shop = Shop(tmp_path / "data", bench.url, policy=Policy(cash_rounding=50))
        try:
            shop.furnish()
            till = shop.till
            till.people.login_badge("B-OLENA")
            if till.keys.locked(till.workplace.main_binding()):
                till.keys.unlock(till.workplace.main_binding(), PASSWORD)
            shop.open(10_000)
            binding = till.workplace.main_binding()
            assert binding.role is BindingRole.ACTIVE
            for code in ("4820000000017", "2*4820000000024", "4820000000031"):
                till.sale.enter(code)
            cash = till.sale.pay(received=20_000)
            till.sale.enter("3*4820000000017")
            card = till.sale.pay(card=7_500, slip=SLIP)
            assert [paid.state for paid in (cash, card)] == [ReceiptState.DONE, ReceiptState.DONE]
            sold = next(line for line in cash.receipt.lines if line.code == "1002")
            sale = till.refunds.by_code(str(cash.receipt.number))[0]
            line = next(line for line in sale.lines if line.code == sold.code)
            assert line.id is not None
            draft = till.refunds.take(till.refunds.draft(sale.id), line.id, 1_000)
            back = till.refunds.refund(draft, reason="Goods of poor quality")
            assert back.state is ReceiptState.DONE
            report = till.reports.x(binding)
            assert report.agrees, [row for row in report.rows if row.difference]
            till.cash.take_out(binding, till.cash.available(binding) - 5_000)
            assert bench.registers()["drawer"] == 5_000
            closed = till.closing.z(binding, counted=5_300, terminal=7_500)
            assert closed.document.done
            kinds = [item.kind for item in till.workplace.ledger.receipts.documents(closed.shift.id) if item.done]
            if family is PRRO:
                assert kinds.pop(0) is DocumentKind.OPEN_SHIFT, "a software registrar's shift has a document of its own"
            assert kinds == [
                DocumentKind.CASH_IN, DocumentKind.SALE, DocumentKind.SALE, DocumentKind.REFUND,
                DocumentKind.CASH_OUT, DocumentKind.Z_REPORT,
            ]  # fmt: skip
        finally:
            shop.till.close()
