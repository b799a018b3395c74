"""kill -9 at any moment: what was acknowledged is there, what was not is there whole or not at all."""

from __future__ import annotations

import os
import subprocess
import sys
import time
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import pytest

from kiosk.ledger.records import BasketState, DocumentState, ReceiptState
from tests.kiosk.ledger.world import WORKPLACE, TestClock, build, reopen

ROOT = Path(__file__).parents[3]


@contextmanager
def victim(path: Path, act: str) -> Iterator[subprocess.Popen[str]]:
    child = subprocess.Popen(
        [sys.executable, "-m", "tests.kiosk.ledger.victim", str(path), act],
        stdout=subprocess.PIPE,
        text=True,
        cwd=ROOT,
        env={**os.environ, "PYTHONPATH": str(ROOT)},
    )
    try:
        yield child
    finally:
        child.kill()
        assert child.stdout is not None
        child.stdout.close()
        child.wait()


def read(child: subprocess.Popen[str]) -> list[str]:
    assert child.stdout is not None
    return child.stdout.readline().split()


@pytest.mark.parametrize("lines", [1, 2, 3, 4, 17, 42])
@pytest.mark.parametrize("delay", [0.0, 0.0013])
def test_between_and_inside_the_steps_of_a_sale(path: Path, lines: int, delay: float) -> None:
    build(path, TestClock()).ledger.close()
    said: list[list[str]] = []
    with victim(path, "sell") as child:
        said += [read(child) for _ in range(lines)]
        time.sleep(delay)
        child.kill()
        while line := read(child):
            said.append(line)
    shop = reopen(path, TestClock())
    with shop.ledger as ledger:
        records = ledger.journal.verify(full=True)
        done = 0
        for number in range(1, int(said[-1][1]) + 1):
            acknowledged = {step for step, of in said if int(of) == number}
            receipt = ledger.receipts.by_number(number)
            assert receipt is not None
            (document,) = ledger.receipts.documents_of(receipt.id)
            journal = ledger.journal.of(shop.binding.id)
            if "sent" in acknowledged:
                assert journal.open_intent(document.document) or journal.settled(document.document)
            if "answered" in acknowledged:
                result = journal.settled(document.document)
                assert result is not None
                assert result.number == str(number)
            if "done" in acknowledged:
                assert receipt.state is ReceiptState.DONE
                assert document.state is DocumentState.REGISTERED
            done += receipt.state is ReceiptState.DONE
        # Whatever else the child managed to begin is whole too: at most the one sale under way.
        assert ledger.receipts.by_number(int(said[-1][1]) + 2) is None
        unfinished = ledger.receipts.unfinished(WORKPLACE)
        assert len(unfinished) <= 1
        done = len(ledger.receipts.find(limit=1000))
        assert shop.stock(shop.bread) == 10_000 - 1000 * done
        assert records in (2 * done, 2 * done + 1, 2 * done + 2)
        paying = [basket.id for basket in ledger.receipts.baskets(WORKPLACE) if basket.state is BasketState.PAYING]
        assert paying == [receipt.basket_id for receipt in unfinished]


def test_inside_a_transaction(path: Path) -> None:
    build(path, TestClock()).ledger.close()
    with victim(path, "inside") as child:
        assert read(child) == ["inside"]
        child.kill()
        child.wait()
    shop = reopen(path, TestClock())
    with shop.ledger as ledger:
        assert ledger.receipts.unfinished(WORKPLACE) == []
        assert ledger.receipts.unsettled() == []
        assert shop.stock(shop.bread) == 10_000
        assert shop.sell(shop.bread).number == 1


@pytest.mark.parametrize("delay", [0.0, 0.003, 0.01, 0.03, 0.06, 0.1, 0.2])
def test_while_the_ledger_is_made(path: Path, delay: float) -> None:
    with victim(path, "create") as child:
        assert read(child) == ["ready"]
        time.sleep(delay)
        child.kill()
        child.wait()
    build(path, TestClock()).ledger.close()
    reopen(path, TestClock()).ledger.close()
