"""Offline numbers and the chain of hashes (fiscal-server.md §6.3–§6.6)."""

from __future__ import annotations

import hashlib
import re
import struct
import zlib
from datetime import datetime, timedelta

from drivers.prro.emulator.documents import OFFLINE_BEGIN, Document

SESSION_LIMIT = timedelta(hours=36)
MONTH_LIMIT = timedelta(hours=168)
MAX_DOCUMENTS = 100

_NUMBER = re.compile(r"(\d+)\.([1-9]\d*)\.([1-9]\d{0,3})")


def control(seed: str, document: Document) -> int:
    """The control number of a document, 1…9999."""
    return control_of(
        seed, document.at, document.local, document.fn, document.desk, document.sum_text(), document.previous
    )


def control_of(seed: str, at: datetime, local: int, fn: int, desk: int, total: str, previous: str | None) -> int:
    """§6.3: CRC-32 of the values joined by commas, its bytes swapped, modulo 10000, never 0."""
    values = [seed, f"{at:%d%m%Y}", f"{at:%H%M%S}", str(local), str(fn), str(desk)]
    if total:
        values.append(total)
    if previous is not None:
        values.append(previous)
    crc = zlib.crc32(",".join(values).encode("ascii", "replace"))
    (swapped,) = struct.unpack("<I", struct.pack(">I", crc))
    return int(swapped) % 10_000 or 1


def number(text: str) -> tuple[str, int, int] | None:
    """(session id, number in the session, control number) of a client-made fiscal number."""
    found = _NUMBER.fullmatch(text)
    return (found[1], int(found[2]), int(found[3])) if found else None


def digest(octets: bytes) -> str:
    return hashlib.sha256(octets).hexdigest()


def chain_fault(document: Document, position: int, hashes: tuple[str, ...], *, lenient: bool) -> str:
    """What is wrong with PREVDOCHASH of the document at `position` of its session; empty when nothing.

    `hashes` are those that the previous document allows. The strict policy is that of the official package: none on
    102 and on its successor, then always. The lenient one also takes what working clients do: a hash right after 102,
    and none on documents 100–103.
    """
    given = document.previous
    if document.doctype == OFFLINE_BEGIN:
        return "" if given is None else "PREVDOCHASH не зазначається в документі 102"
    if given is None:
        free = position == 2 or (lenient and not document.financial)
        return "" if free else "Відсутній PREVDOCHASH"
    if position == 2 and not lenient:
        return "PREVDOCHASH не зазначається в документі, наступному за 102"
    return "" if given in hashes else "PREVDOCHASH не дорівнює гешу попереднього документа"


def unpack(package: bytes) -> list[tuple[int, bytes]]:
    """(offset of the document, its octets) for each document of a package. Raises ValueError.

    The offset is that of the octets themselves: 4 for the first document.
    """
    found, at = [], 0
    while at < len(package):
        if at + 4 > len(package):
            raise ValueError("обірвано довжину документа")
        size = int.from_bytes(package[at : at + 4], "little")
        at += 4
        if not size or at + size > len(package):
            raise ValueError(f"довжина документа {size} виходить за межі пакета")
        found.append((at, package[at : at + size]))
        at += size
    if not found:
        raise ValueError("пакет порожній")
    return found


def months(begin: datetime, end: datetime) -> dict[str, int]:
    """Seconds of a period by calendar month ("2026-03")."""
    found: dict[str, int] = {}
    while begin < end:
        following = (begin.replace(day=1, hour=0, minute=0, second=0, microsecond=0) + timedelta(days=32)).replace(
            day=1
        )
        edge = min(end, following)
        found[f"{begin:%Y-%m}"] = found.get(f"{begin:%Y-%m}", 0) + int((edge - begin).total_seconds())
        begin = edge
    return found
