"""Offline arithmetic: control number, fiscal number, hash chain, packages (fiscal-server.md §6.3–6.6).

control  = swap(crc32("seed,ddmmyyyy,hhmmss,ORDERNUM,register,desk[,sum][,previous]")) mod 10000, zero becomes 1
number   = session.place.control
package  = uint32_le(length) document uint32_le(length) document …
"""

from __future__ import annotations

import zlib
from collections.abc import Iterator, Sequence
from enum import StrEnum

from drivers.errors import Code, Invalid
from drivers.prro.documents.values import Act

PACKAGE_DOCUMENTS = 100
"""Documents in one package at most (§6.1)."""
PACKAGE_BYTES = 190 * 1024
"""Bytes of one package at most: the server takes 200 KB of the signed one, the signature needs room (§1.2)."""


class Chain(StrEnum):
    """Which documents carry the hash of the one before (§6.4, §10 row 1)."""

    SAMPLE = "sample"
    """As the service's own sample: all but the begin document and the one after it."""
    FINANCIAL_ONLY = "financial_only"
    """As the text of the interface: receipts, service cash and Z only."""


FINANCIAL = frozenset({Act.SALE, Act.REFUND, Act.CASH_IN, Act.REINFORCEMENT, Act.CASH_OUT, Act.STORNO, Act.Z_REPORT})


def chained(act: Act, place: int, chain: Chain = Chain.SAMPLE) -> bool:
    """Whether the document at this place of the session (1 is the begin document) carries a hash."""
    return place > 2 and (chain is Chain.SAMPLE or act in FINANCIAL)


def control_number(
    seed: str, day: str, hour: str, number: int, register: str, desk: int, total: str = "", previous: str = ""
) -> int:
    """The control number 1…9999. `total` is the text of CHECKTOTAL/SUM, "" where the document has none (§6.3)."""
    parts = [seed, day, hour, str(number), register.lstrip("0"), str(desk), total, previous]
    check = zlib.crc32(",".join(part for part in parts if part).encode("ascii"))
    return int.from_bytes(check.to_bytes(4, "big"), "little") % 10_000 or 1


def fiscal_number(session: str, place: int, control: int) -> str:
    """`48866.2.8471`: the control number without leading zeros."""
    return f"{session}.{place}.{control}"


def previous_hash(sent: bytes) -> str:
    """PREVDOCHASH of the next document: SHA-256 of this one exactly as it will be sent, the signed bytes (§6.4)."""
    import hashlib  # loads OpenSSL, which a start without a document does not need

    return hashlib.sha256(sent).hexdigest()


def package(documents: Sequence[bytes]) -> bytes:
    """One unsigned package of signed documents in the order of their local numbers."""
    return b"".join(len(document).to_bytes(4, "little") + document for document in documents)


def packages(
    documents: Sequence[bytes], *, most: int = PACKAGE_DOCUMENTS, size: int = PACKAGE_BYTES
) -> Iterator[tuple[bytes, ...]]:
    """The documents cut into packages that keep the limits; nothing is reordered or left out.

    Raises `Invalid` for a document that no package can hold.
    """
    batch: list[bytes] = []
    filled = 0
    for place, document in enumerate(documents):
        length = len(document) + 4
        if length > size:
            raise Invalid(Code.OVERFLOW, f"document {place} of the session is {length} bytes, a package takes {size}")
        if batch and (len(batch) == most or filled + length > size):
            yield tuple(batch)
            batch, filled = [], 0
        batch.append(document)
        filled += length
    if batch:
        yield tuple(batch)


def unpack(data: bytes) -> tuple[bytes, ...]:
    """The documents of a package. Raises `Invalid` where the lengths do not meet the end."""
    documents = []
    at = 0
    while at < len(data):
        length = int.from_bytes(data[at : at + 4], "little")
        document = data[at + 4 : at + 4 + length]
        if len(data) < at + 4 or len(document) < length:
            raise Invalid(Code.FRAME, f"the package is cut off at byte {at}")
        documents.append(document)
        at += 4 + length
    return tuple(documents)
