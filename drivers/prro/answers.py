"""Readers of the fiscal server's answers, tolerant of their dresses (fiscal-server.md §2.1).

Numbers come as numbers or as texts, enums as names or numbers, booleans as either, times with and without an offset.
"""

from __future__ import annotations

import base64
import binascii
import json
import re
from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import UTC, datetime
from decimal import Decimal
from typing import Any

from drivers.clock import KYIV

Fields = Mapping[str, Any]


@dataclass(frozen=True)
class Pair:
    """The right to one offline session: its id and secret number (§6.1)."""

    session: str
    seed: str = field(repr=False)


def read_pair(found: Fields) -> Pair | None:
    """The pair in an answer's fields, None where it is not whole."""
    session, seed = digits(found.get("OfflineSessionId")), digits(found.get("OfflineSeed"))
    return Pair(session, seed) if session and seed else None


def whole(value: Any) -> int | None:
    """An integer in any of its dresses; None for anything else."""
    if isinstance(value, bool) or value is None:
        return None
    if isinstance(value, int | Decimal):
        return int(value)
    text = str(value).strip()
    return int(text) if re.fullmatch(r"-?\d{1,18}", text, re.ASCII) else None


def digits(value: Any) -> str:
    """A number kept as text, "" for none; zero is none."""
    text = str(value).strip() if value is not None and not isinstance(value, bool) else ""
    return text if re.fullmatch(r"\d{1,40}", text, re.ASCII) and text.strip("0") else ""


def yes(value: Any) -> bool:
    return value is True or str(value).strip().lower() in ("true", "1")


def text_of(value: Any) -> str:
    return "" if value is None else str(value).strip()


def moment_of(value: Any) -> datetime | None:
    """An aware moment from ISO 8601 (Kyiv time without an offset) or /Date(ms)/; None for anything else."""
    text = text_of(value)
    if found := re.fullmatch(r"/Date\((-?\d{1,15})([+-]\d{4})?\)/", text, re.ASCII):
        return datetime.fromtimestamp(int(found[1]) / 1000, UTC)
    try:
        moment = datetime.fromisoformat(text)
    except ValueError:
        return None
    return moment if moment.tzinfo else moment.replace(tzinfo=KYIV)


def rows(found: Fields | None, name: str) -> list[Fields]:
    """A list of objects in an answer; what is none is left out."""
    value = (found or {}).get(name)
    return [row for row in value if isinstance(row, dict)] if isinstance(value, list) else []


def encode64(data: bytes) -> str:
    return base64.b64encode(data).decode("ascii")


def decode64(value: Any) -> bytes:
    """Base64 octets, b"" for what is none."""
    try:
        return base64.b64decode(text_of(value), validate=False)
    except (binascii.Error, ValueError):
        return b""


def read_json(body: bytes) -> dict[str, Any]:
    """Raises `ValueError` for anything but one object."""
    try:
        found = json.loads(body.decode("utf-8-sig"), parse_float=Decimal)
    except RecursionError as error:
        raise ValueError("nested too deep") from error
    if not isinstance(found, dict):
        raise ValueError("not an object")
    return found
