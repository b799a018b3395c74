"""The fiscal journal: what the road reads from it, and that no byte of it changes unseen."""

from __future__ import annotations

import sqlite3
import uuid
from collections.abc import Callable
from contextlib import closing
from dataclasses import replace
from datetime import UTC, datetime
from pathlib import Path

import msgspec
import pytest

from drivers.document import Document, DocumentKind
from drivers.errors import Code, Invalid
from drivers.registrar import FaultInfo, Result, Snapshot, State, Totals
from drivers.road import Journal
from kiosk.ledger.errors import Damaged, LedgerError
from kiosk.ledger.records import BindingRole
from kiosk.ledger.store import open_ledger
from tests.kiosk.ledger.world import START, WORKPLACE, Shop, TestClock

SNAPSHOT: Snapshot = {"last_document": 41, "serial": "ДТ0001"}
DONE = Result(
    State.REGISTERED,
    number="42",
    at=datetime(2026, 3, 1, 9, tzinfo=UTC),
    z_number=7,
    total=500,
    warnings=("paper is low",),
    fault=FaultInfo("PAPER_OUT", "no paper", raw="E3"),
    totals=Totals(sales_by_tax={"А": 500}, drawer=100),
    evidence={"sequence": 5, "crc": "ab"},
)
REJECTED = Result(State.REJECTED, fault=FaultInfo("PAPER_OUT", "no paper"))
UNKNOWN = Result(State.UNKNOWN)


@pytest.fixture
def document() -> Document:
    return Document(id=uuid.uuid4(), kind=DocumentKind.CASH_IN, amount=500)


@pytest.fixture
def journal(shop: Shop) -> Journal:
    return shop.ledger.journal.of(shop.binding.id)


def test_a_new_document_has_no_story(journal: Journal, document: Document) -> None:
    assert journal.settled(document) is None
    assert journal.open_intent(document) is None


def test_an_intent_is_open_until_its_outcome(journal: Journal, document: Document) -> None:
    journal.intent(document, SNAPSHOT)
    assert journal.open_intent(document) == SNAPSHOT
    assert journal.settled(document) is None
    journal.outcome(document, UNKNOWN)
    assert journal.open_intent(document) == SNAPSHOT
    assert journal.settled(document) is None
    journal.outcome(document, DONE)
    assert journal.open_intent(document) is None
    assert journal.settled(document) == DONE


def test_an_intent_after_a_rejection_opens_the_matter_anew(journal: Journal, document: Document) -> None:
    journal.intent(document, {"last": 1})
    journal.outcome(document, REJECTED)
    assert journal.settled(document) == REJECTED
    assert journal.open_intent(document) is None
    journal.intent(document, {"last": 2})
    assert journal.settled(document) is None
    assert journal.open_intent(document) == {"last": 2}


def test_nothing_is_sent_over_an_open_intent_or_a_registered_document(journal: Journal, document: Document) -> None:
    journal.intent(document, SNAPSHOT)
    for settled in (None, UNKNOWN, DONE):
        if settled is not None:
            journal.outcome(document, settled)
        with pytest.raises(Invalid) as caught:
            journal.intent(document, SNAPSHOT)
        assert caught.value.code is Code.WRONG_STATE


def test_an_outcome_needs_an_intent(journal: Journal, document: Document) -> None:
    with pytest.raises(Invalid, match="no intent"):
        journal.outcome(document, DONE)


def test_an_id_stands_for_one_content(shop: Shop, journal: Journal, document: Document) -> None:
    journal.intent(document, SNAPSHOT)
    other = msgspec.structs.replace(document, amount=501)
    calls: list[Callable[[], object]] = [
        lambda: journal.settled(other),
        lambda: journal.open_intent(other),
        lambda: journal.intent(other, SNAPSHOT),
        lambda: journal.outcome(other, DONE),
    ]
    for call in calls:
        with pytest.raises(Invalid, match="another document"):
            call()
    assert len(shop.ledger.journal.records()) == 1


def test_an_id_goes_to_one_registrar(shop: Shop, journal: Journal, document: Document) -> None:
    reserve = shop.ledger.shop.bind(shop.enterprise.id, WORKPLACE, "maria+tcp://10.0.0.7", BindingRole.RESERVE)
    journal.intent(document, SNAPSHOT)
    with pytest.raises(Invalid, match="another registrar"):
        shop.ledger.journal.of(reserve.id).settled(document)


def test_a_persons_decision_is_final(shop: Shop, journal: Journal, document: Document) -> None:
    journal.intent(document, SNAPSHOT)
    journal.outcome(document, UNKNOWN)
    decide = shop.ledger.journal.decide
    decide(document.id, shop.binding.id, {"result": DONE, "before": SNAPSHOT, "after": {"last": 42}, "reason": "чек є"})
    assert journal.settled(document) == DONE
    assert journal.open_intent(document) is None
    journal.outcome(document, UNKNOWN)
    assert journal.settled(document) == DONE
    with pytest.raises(LedgerError) as caught:
        decide(document.id, shop.binding.id, {"result": REJECTED})
    assert caught.value.code == "decided"
    record = shop.ledger.journal.records(document.id)[2]
    assert record.event == "decision"
    assert msgspec.json.decode(record.payload)["reason"] == "чек є"


def test_a_decision_that_nothing_happened_lets_the_document_go_out_again(
    shop: Shop, journal: Journal, document: Document
) -> None:
    journal.intent(document, {"last": 1})
    plain = msgspec.to_builtins(REJECTED)
    shop.ledger.journal.decide(document.id, shop.binding.id, {"result": plain})
    assert journal.settled(document) == REJECTED
    journal.intent(document, {"last": 2})
    assert journal.open_intent(document) == {"last": 2}
    journal.outcome(document, DONE)
    assert journal.settled(document) == DONE


@pytest.mark.parametrize("payload", [{}, {"result": None}, {"result": {"state": "perhaps"}}, {"result": UNKNOWN}])
def test_a_decision_says_what_happened(
    shop: Shop, journal: Journal, document: Document, payload: dict[str, object]
) -> None:
    journal.intent(document, SNAPSHOT)
    with pytest.raises(LedgerError, match="decision"):
        shop.ledger.journal.decide(document.id, shop.binding.id, payload)
    assert journal.open_intent(document) == SNAPSHOT


def test_nobody_decides_about_what_was_never_sent(shop: Shop, journal: Journal, document: Document) -> None:
    with pytest.raises(LedgerError, match="never sent"):
        shop.ledger.journal.decide(document.id, shop.binding.id, {"result": DONE})
    journal.intent(document, SNAPSHOT)
    with pytest.raises(LedgerError, match="never sent"):
        shop.ledger.journal.decide(document.id, 99, {"result": DONE})


def test_records_tell_the_story_in_order(shop: Shop, journal: Journal, document: Document) -> None:
    shop.sell(shop.bread)
    journal.intent(document, SNAPSHOT)
    journal.outcome(document, DONE)
    book = shop.ledger.journal
    assert [record.seq for record in book.records()] == [1, 2, 3, 4]
    assert [record.event for record in book.records(document.id)] == ["intent", "outcome"]
    assert [record.seq for record in book.records(after=1, limit=2)] == [2, 3]
    first, second = book.records(document.id)
    assert second.previous == first.hash
    assert first.binding_id == shop.binding.id
    assert first.at > START
    assert msgspec.json.decode(first.payload)["snapshot"] == SNAPSHOT


def test_verify_goes_on_from_where_it_was(shop: Shop) -> None:
    book = shop.ledger.journal
    assert book.verify() == 0
    shop.sell(shop.bread)
    assert book.verify() == 2
    assert book.verify() == 1, "the last verified record is looked at again"
    shop.sell(shop.bread)
    assert book.verify() == 3
    assert book.verify(full=True) == 4


def test_verify_reads_more_than_one_batch(shop: Shop, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("kiosk.ledger.journal.BATCH", 3)
    for _ in range(5):
        shop.sell(shop.bread)
    assert shop.ledger.journal.verify(full=True) == 10
    assert shop.ledger.journal.verify() == 1


TAMPERING = {
    "a payload byte": "UPDATE journal SET payload = CAST(replace(payload, '1250', '1251') AS BLOB) WHERE seq = 3",
    "the payload's type": "UPDATE journal SET payload = CAST(payload AS TEXT) WHERE seq = 3",
    "an impossible id": "UPDATE journal SET document_id = 'x' WHERE seq = 3",
    "the time": "UPDATE journal SET at = replace(at, '2026', '2025') WHERE seq = 3",
    "the event": "UPDATE journal SET event = 'outcome' WHERE seq = 3",
    "the registrar": "UPDATE journal SET binding_id = binding_id + 1 WHERE seq = 3",
    "the document": "UPDATE journal SET document_id = (SELECT document_id FROM journal WHERE seq = 1) WHERE seq = 3",
    "the document's hash": "UPDATE journal SET document_hash = 'f' || substr(document_hash, 2) || 'x' WHERE seq = 3",
    "the hash": "UPDATE journal SET hash = previous WHERE seq = 3",
    "the previous hash": "UPDATE journal SET previous = hash WHERE seq = 3",
    "a record is gone": "DELETE FROM journal WHERE seq = 3",
    "the first record is gone": "DELETE FROM journal WHERE seq = 1",
    "two change places": """UPDATE journal SET seq = CASE seq WHEN 3 THEN -4 WHEN 4 THEN -3 END WHERE seq IN (3, 4);
        UPDATE journal SET seq = -seq WHERE seq < 0""",
}


def tamper(path: Path, script: str) -> None:
    """What somebody with the file and no scruples does."""
    with closing(sqlite3.connect(path)) as connection:
        triggers = connection.execute("SELECT name FROM sqlite_master WHERE type = 'trigger' AND tbl_name = 'journal'")
        for (name,) in triggers.fetchall():
            connection.execute(f"DROP TRIGGER {name}")
        connection.executescript(script)
        connection.commit()


@pytest.mark.parametrize("script", TAMPERING.values(), ids=TAMPERING.keys())
def test_a_changed_record_is_found(shop: Shop, path: Path, clock: TestClock, script: str) -> None:
    for _ in range(3):
        shop.sell(shop.bread)
    shop.ledger.close()
    before = path.read_bytes()
    tamper(path, script)
    assert path.read_bytes() != before
    with open_ledger(path, clock) as ledger:
        for full in (False, True):
            with pytest.raises(Damaged, match=r"damaged (at record [1345]|after record 0)") as caught:
                ledger.journal.verify(full=full)
            assert caught.value.code == "chain"


def test_one_changed_byte_behind_the_mark_is_found_by_the_full_check(shop: Shop, path: Path, clock: TestClock) -> None:
    for _ in range(3):
        shop.sell(shop.bread)
    assert shop.ledger.journal.verify() == 6
    shop.ledger.close()
    tamper(path, TAMPERING["a payload byte"])
    with open_ledger(path, clock) as ledger:
        assert ledger.journal.verify() == 1
        with pytest.raises(Damaged, match="at record 3"):
            ledger.journal.verify(full=True)


@pytest.mark.parametrize("full", [False, True])
def test_an_end_that_was_cut_off_is_found(shop: Shop, path: Path, clock: TestClock, full: bool) -> None:
    for _ in range(3):
        shop.sell(shop.bread)
    assert shop.ledger.journal.verify() == 6
    shop.ledger.close()
    tamper(path, "DELETE FROM journal WHERE seq > 4")
    with open_ledger(path, clock) as ledger, pytest.raises(Damaged, match=r"cut off: record [56] is gone"):
        ledger.journal.verify(full=full)


def test_a_rewritten_chain_does_not_fit_the_mark(shop: Shop, path: Path, clock: TestClock) -> None:
    shop.sell(shop.bread)
    assert shop.ledger.journal.verify() == 2
    shop.ledger.close()
    mark = (
        "UPDATE settings SET value = '2:' || (SELECT hash FROM journal WHERE seq = 1) WHERE name = 'journal.verified'"
    )
    tamper(path, mark)
    with open_ledger(path, clock) as ledger:
        for full in (False, True):
            with pytest.raises(Damaged, match="at record 2"):
                ledger.journal.verify(full=full)
    tamper(path, "UPDATE settings SET value = 'x' WHERE name = 'journal.verified'")
    with open_ledger(path, clock) as ledger, pytest.raises(Damaged, match="mark"):
        ledger.journal.verify()


def test_the_story_is_the_same_after_a_restart(shop: Shop, path: Path, clock: TestClock, document: Document) -> None:
    journal = shop.ledger.journal.of(shop.binding.id)
    journal.intent(document, SNAPSHOT)
    shop.ledger.close()
    with open_ledger(path, clock) as ledger:
        again = ledger.journal.of(shop.binding.id)
        assert again.open_intent(document) == SNAPSHOT
        again.outcome(document, replace(DONE, number="43"))
        assert ledger.journal.verify(full=True) == 2
