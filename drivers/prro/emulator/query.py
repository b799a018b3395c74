"""Fields of a command, read as tolerantly as fiscal-server.md §2.1 asks."""

from __future__ import annotations

import base64
import binascii
import re
from collections.abc import Mapping
from dataclasses import dataclass
from datetime import UTC, datetime
from typing import Any

from drivers.clock import KYIV
from drivers.prro.emulator import refusals
from drivers.prro.emulator.refusals import Refused
from drivers.prro.emulator.verifier import Envelope


@dataclass(frozen=True)
class Query:
    """A command with its fields; `signer` is None for bare JSON."""

    body: Mapping[str, Any]
    signer: Envelope | None

    def number(self, name: str) -> int | None:
        """An integer, also as a string. Raises Refused 11."""
        value = self.body.get(name)
        if value is None or value == "":
            return None
        text = str(value).strip()
        if isinstance(value, bool) or not re.fullmatch(r"\d{1,18}", text):
            raise Refused(refusals.QUERY_INVALID, f"Параметр {name} повинен бути числом")
        return int(text)

    def need(self, name: str) -> int:
        number = self.number(name)
        if number is None:
            raise Refused(refusals.QUERY_INVALID, f"Відсутній параметр {name}")
        return number

    def text(self, name: str) -> str:
        value = self.body.get(name)
        return "" if value is None else str(value)

    def flag(self, name: str) -> bool:
        """true, "true", 1. Raises Refused 11."""
        value = self.body.get(name)
        if value in (None, "", False, 0, "0") or (isinstance(value, str) and value.lower() == "false"):
            return False
        if value in (True, 1, "1") or (isinstance(value, str) and value.lower() == "true"):
            return True
        raise Refused(refusals.QUERY_INVALID, f"Параметр {name} повинен бути true або false")

    def time(self, name: str) -> datetime | None:
        """ISO 8601, Kyiv when without offset, or /Date(ms)/. Raises Refused 11."""
        text = self.text(name)
        if not text:
            return None
        try:
            if found := re.fullmatch(r"/Date\((-?\d{1,15})(?:[+-]\d{4})?\)/", text):
                return datetime.fromtimestamp(int(found[1]) / 1000, UTC)
            moment = datetime.fromisoformat(text)
        except (ValueError, OverflowError, OSError) as error:
            raise Refused(refusals.QUERY_INVALID, f"Параметр {name} повинен бути датою ISO 8601") from error
        return moment if moment.tzinfo is not None else moment.replace(tzinfo=KYIV)

    def choice(self, name: str, names: tuple[str, ...]) -> int:
        """An enum by name or by number; the first when absent. Raises Refused 11."""
        text = self.text(name).strip() or "0"
        if text in names:
            return names.index(text)
        if text.isascii() and text.isdigit() and int(text) < len(names):
            return int(text)
        raise Refused(refusals.QUERY_INVALID, f"Параметр {name} має невідоме значення {text}")


def package_of(query: Query) -> list[bytes]:
    """The documents of `SendOflPackage`. Raises Refused 11."""
    given = query.body.get("Documents")
    if not isinstance(given, list) or not given:
        raise Refused(refusals.QUERY_INVALID, "Documents — масив документів у Base64")
    return [_base64(each) for each in given]


def document_of(query: Query) -> bytes:
    """The document of `SendDocument`. Raises Refused 11."""
    return _base64(query.body.get("Document"))


def _base64(value: Any) -> bytes:
    if not isinstance(value, str):
        raise Refused(refusals.QUERY_INVALID, "Документ повинен бути рядком Base64")
    try:
        return base64.b64decode(value, validate=True)
    except (binascii.Error, ValueError) as error:
        raise Refused(refusals.QUERY_INVALID, "Документ повинен бути рядком Base64") from error
