"""What the fiscal server says "no" with: its numbers and texts as stable codes (fiscal-server.md §1.5, §8).

    Код помилки: 7 CheckLocalNumberInvalid\\r\\nНомер документа повинен дорівнювати 505

The same refusal comes as HTTP 4xx with this text, as a ticket with ERRORCODE, or as JSON with ErrorCode. A number says
that the server understood and refused; its own words are kept beside our code.
"""

from __future__ import annotations

import re
from dataclasses import dataclass

from drivers.errors import Code, Existence, Refused

NUMBERS = {
    1: Code.REGISTRAR_UNKNOWN,
    2: Code.ACCESS_DENIED,
    3: Code.TAXPAYER,
    4: Code.SHIFT_OPEN,
    5: Code.SHIFT_CLOSED,
    6: Code.Z_REQUIRED,
    7: Code.LOCAL_NUMBER,
    8: Code.Z_EXISTS,
    9: Code.DOCUMENT_REFUSED,
    10: Code.PACKAGE_REFUSED,
    11: Code.QUERY_REFUSED,
    12: Code.SERVER_CRYPTOGRAPHY,
}
NO_CONTENT = 13
WORDS = (
    ("реєстраційних", Code.REGISTRY_DATA),
    ("не відповідає поточному часу", Code.CLOCK),
    ("не може бути меншим часу", Code.CLOCK),
    ("може лише останній документ", Code.NOT_LAST),
)
"""Texts inside code 9 that have an action of their own (§8.2)."""
SERVERS_FAULT = ("ocsp", "crl", "недоступ", "відсутній зв'язок", "перевірити статус")
"""Texts inside code 12 that blame the server's own questions about the certificate, not the signature (§8.2, §8.3)."""
REVOKED = ("відкликан", "revoked", "certstatus: 1")
"""Texts inside code 12 that say that the certificate was taken back (cashier-flow.md VIII.3)."""

_TEXT = re.compile(r"\s*Код помилки:\s*(\d+)\s*([A-Za-z]*)\s*(.*)", re.S)
_PLACE = re.compile(r"за\s*№\s*(\d+)\s*в\s*пакеті", re.I)


@dataclass(frozen=True)
class Refusal:
    """One refusal. `number` is the server's own code, None for an answer of the HTTP level alone."""

    number: int | None
    text: str
    status: int = 200

    @property
    def code(self) -> Code:
        if self.number is None:
            return Code.SERVER_ADDRESS
        if self.number == 9:
            lowered = self.text.lower()
            return next((code for words, code in WORDS if words in lowered), Code.DOCUMENT_REFUSED)
        if self.number == 12 and any(word in self.text.lower() for word in REVOKED):
            return Code.CERTIFICATE_REVOKED
        return NUMBERS.get(self.number, Code.DOCUMENT_REFUSED)

    @property
    def servers_fault(self) -> bool:
        """Code 12 because the server could not ask about the certificate: worth a try later, and offline meanwhile."""
        return self.number == 12 and any(word in self.text.lower() for word in SERVERS_FAULT)

    @property
    def place(self) -> int | None:
        """Zero-based place in the package of the document that was refused; None where the text does not tell."""
        found = _PLACE.search(self.text)
        return int(found[1]) if found else None

    def fault(self, command: str = "") -> Refused:
        """As a fault that made no document."""
        what = f"the fiscal server refused: {self.text or f'HTTP {self.status}'}"
        raw = f"{self.number}" if self.number is not None else f"HTTP {self.status}"
        return Refused(self.code, what, raw=raw, command=command, existence=Existence.NO)


def read_text(text: str, status: int) -> Refusal:
    """A refusal in an HTTP body; any text is one, with a number where it has it."""
    found = _TEXT.match(text)
    if found is None:
        return Refusal(None, " ".join(text.split())[:300], status)
    words = " ".join(found[3].split()) or found[2]
    return Refusal(int(found[1]), f"{words}"[:1000], status)
