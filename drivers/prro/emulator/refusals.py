"""Codes and texts of refusals (fiscal-server.md §1.5, §8). The texts hold the fragments that clients look for."""

from __future__ import annotations

SYMBOLS = {
    0: "Ok",
    1: "TransactionsRegistrarAbsent",
    2: "OperatorAccessToTransactionsRegistrarNotGranted",
    3: "InvalidTin",
    4: "ShiftAlreadyOpened",
    5: "ShiftNotOpened",
    6: "LastDocumentMustBeZRep",
    7: "CheckLocalNumberInvalid",
    8: "ZRepAlreadyRegistered",
    9: "DocumentValidationError",
    10: "PackageValidationError",
    11: "InvalidQueryParameter",
    12: "CryptographyError",
    13: "NoContent",
}
(
    REGISTRAR_ABSENT,
    ACCESS_DENIED,
    INVALID_TIN,
    SHIFT_OPENED,
    SHIFT_NOT_OPENED,
    Z_MUST_BE_LAST,
    NUMBER_INVALID,
    Z_REGISTERED,
    DOCUMENT_INVALID,
    PACKAGE_INVALID,
    QUERY_INVALID,
    CRYPTOGRAPHY,
    NO_CONTENT,
) = range(1, 14)

_STATUS = {REGISTRAR_ABSENT: 404, ACCESS_DENIED: 401}


class Refused(Exception):
    """The server works and says no: nothing was registered, the local number stays free."""

    def __init__(self, code: int, text: str) -> None:
        super().__init__(text)
        self.code = code
        self.text = text

    @property
    def status(self) -> int:
        """404 and 401 for codes 1 and 2, 400 for the rest: the API list, else the usual observation (§8.1)."""
        return _STATUS.get(self.code, 400)

    @property
    def body(self) -> bytes:
        """`Код помилки: 7 CheckLocalNumberInvalid`, CRLF, the text."""
        return f"Код помилки: {self.code} {SYMBOLS[self.code]}\r\n{self.text}".encode()


class Gross(Exception):
    """A gross error of form: a status and a plain text without any code (§1.5)."""

    def __init__(self, status: int, text: str) -> None:
        super().__init__(text)
        self.status = status
        self.text = text


class Nothing(Exception):
    """The query is valid and there is no data: 204, or code 13 in JSON (§2.1)."""


def located(position: int, offset: int, refusal: Refused) -> Refused:
    """A refusal inside a package: a wrong number keeps code 7, which clients wait for (§6.8); others become 10."""
    code = NUMBER_INVALID if refusal.code == NUMBER_INVALID else PACKAGE_INVALID
    where = f"Помилка обробки документа за № {position} в пакеті, дислокація {offset}"
    return Refused(code, f"{where}: {SYMBOLS[refusal.code]}: {refusal.text}")
