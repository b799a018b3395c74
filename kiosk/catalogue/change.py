"""One change of many cards: one transaction, one audit record, one before-image, and the way back (X-3).

The before-image is a file beside the ledger, `catalogue/CHANGE.jsonl.gz`, made and synced before the cards change; the
audit record says who, when, how many, which grounds were given, and the file's SHA-256. Taking a change back restores
each card that nobody changed since, and removes new cards that were never sold.
"""

from __future__ import annotations

import gzip
import hashlib
import json
import os
from collections import Counter
from collections.abc import Callable, Iterable, Iterator
from dataclasses import asdict, dataclass, replace
from datetime import datetime
from itertools import islice
from pathlib import Path
from typing import Any

from kiosk.ledger.records import AuditRecord, Good
from kiosk.ledger.store import SqlLedger

ACTION, UNDONE = "goods_change", "goods_undo"
FOLDER = "catalogue"
PART = 1000

Pairs = Iterable[tuple[Good | None, Good]]
"""(the card as it is, None for a new one; the card as it will be)."""


class ChangeError(Exception):
    """The change cannot be made or taken back; the text says why."""


@dataclass(frozen=True)
class Done:
    """A change that was made. `id` is its file's name."""

    id: str
    cards: int
    new: int


@dataclass(frozen=True)
class Undone:
    """What a way back did. `kept`: cards changed since, or sold since they were new; they stay as they are."""

    restored: int
    removed: int
    kept: tuple[str, ...]


def change(
    ledger: SqlLedger, folder: Path, pairs: Callable[[], Pairs], *, user_id: int | None, at: datetime, source: str
) -> Done:
    """Make one change. `pairs` is asked twice: for the before-image, and for the change itself.

    Raises `LedgerError` when a card may not be sold so, `ChangeError` when the before-image cannot be written; then
    nothing has changed.
    """
    place = folder / FOLDER
    name = f"{at:%Y%m%d-%H%M%S}-{at.microsecond:06d}"
    path = place / f"{name}.jsonl.gz"
    count, new, grounds = 0, 0, Counter[str]()
    try:
        place.mkdir(parents=True, exist_ok=True)
        with path.open("wb") as raw:
            with gzip.open(raw, "wt", encoding="utf-8", compresslevel=3) as file:
                for before, after in pairs():
                    count += 1
                    new += before is None
                    grounds[after.ground] += not after.fiscal
                    plain = {"before": None if before is None else asdict(before), "after": asdict(after)}
                    file.write(json.dumps(plain, ensure_ascii=False) + "\n")
            raw.flush()
            os.fsync(raw.fileno())
    except OSError as error:
        path.unlink(missing_ok=True)
        raise ChangeError(f"the before-image cannot be written, nothing was changed: {error}") from error
    if not count:
        path.unlink()
        return Done("", 0, 0)
    try:
        ledger.goods.put(after for _, after in _pairs(path))
    except BaseException:
        path.unlink()
        raise
    detail = {
        "id": name, "cards": count, "new": new, "source": source, "image": _sum(path),
        "grounds": {ground: number for ground, number in grounds.items() if ground},
    }  # fmt: skip
    ledger.audit.add(AuditRecord(at, user_id, ACTION, detail))
    return Done(name, count, new)


def undo(ledger: SqlLedger, folder: Path, name: str, *, user_id: int | None, at: datetime) -> Undone:
    """Take a change back. Raises `ChangeError` for one that is unknown, damaged or taken back already."""
    record = next((one for one in ledger.audit.records(action=ACTION, limit=10_000) if one.detail["id"] == name), None)
    if record is None:
        raise ChangeError(f"there is no change {name!r}")
    if any(one.detail["id"] == name for one in ledger.audit.records(action=UNDONE, limit=10_000)):
        raise ChangeError(f"the change {name} is taken back already")
    path = folder / FOLDER / f"{name}.jsonl.gz"
    if not path.exists() or _sum(path) != record.detail["image"]:
        raise ChangeError(f"the before-image {path} is lost or was changed: nothing was taken back")
    kept: list[str] = []
    fresh: list[str] = []

    def back() -> Iterator[Good]:
        pairs = _pairs(path)
        while part := list(islice(pairs, PART)):
            there = ledger.goods.by_codes(after.code for _, after in part)
            for before, after in part:
                now = there.get(after.code)
                # Stock moves with every sale: it is no change of the card and is not turned back.
                if now is None or replace(now, id=0, stock=0) != replace(after, id=0, stock=0):
                    kept.append(after.code)
                elif before is None:
                    fresh.append(after.code)
                else:
                    yield replace(before, stock=now.stock)

    restored = ledger.goods.put(back())
    stay = ledger.goods.remove(fresh)
    undone = Undone(restored, len(fresh) - len(stay), (*kept, *stay))
    detail = {"id": name, "restored": restored, "removed": undone.removed, "kept": len(undone.kept)}
    ledger.audit.add(AuditRecord(at, user_id, UNDONE, detail))
    return undone


def changes(ledger: SqlLedger, limit: int = 50) -> list[AuditRecord]:
    """Changes that were made, latest first."""
    return list(ledger.audit.records(action=ACTION, limit=limit))


def _pairs(path: Path) -> Iterator[tuple[Good | None, Good]]:
    try:
        with gzip.open(path, "rt", encoding="utf-8") as file:
            for line in file:
                plain: dict[str, Any] = json.loads(line)
                yield None if plain["before"] is None else Good(**plain["before"]), Good(**plain["after"])
    except (OSError, EOFError, ValueError, TypeError, KeyError) as error:
        raise ChangeError(f"the before-image {path} is damaged: {error}") from error


def _sum(path: Path) -> str:
    return hashlib.sha256(path.read_bytes()).hexdigest()
