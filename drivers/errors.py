"""One taxonomy of faults for every registrar.

    Fault
    ├── Invalid          the request itself is wrong; nothing was sent             document: no
    ├── Refused          the registrar answered "no" and did nothing               document: no
    ├── Unreachable      the link could not be opened, or nobody answers at all    document: no
    ├── DifferentDevice  somebody else answers at this address                     document: unknown
    └── LinkLost         the link broke while a command was under way              document: unknown

`Fault.document` says whether a fiscal document may exist because of the request that failed. The driver decides it
where it knows more than the class does (a link that broke before the receipt was opened made no document).
`Code` holds the normalised codes of registrars/README.md §6; the maker's own code, the command and the bytes stay
visible beside it for the technician.
"""

from __future__ import annotations

from enum import StrEnum


class Code(StrEnum):
    """Normalised fault codes (registrars/README.md §6)."""

    OFFLINE = "OFFLINE"
    TIMEOUT_UNKNOWN = "TIMEOUT_UNKNOWN"
    FRAME = "FRAME"
    BUSY = "BUSY"
    PAPER_OUT = "PAPER_OUT"
    COVER_OPEN = "COVER_OPEN"
    PRINTER = "PRINTER"
    CUTTER = "CUTTER"
    CLOCK = "CLOCK"
    SHIFT_EXPIRED = "SHIFT_EXPIRED"
    SHIFT_CLOSED = "SHIFT_CLOSED"
    Z_REQUIRED = "Z_REQUIRED"
    TRANSMISSION_OVERDUE = "TRANSMISSION_OVERDUE"
    MODEM = "MODEM"
    NOT_PERSONALISED = "NOT_PERSONALISED"
    NOT_FISCALISED = "NOT_FISCALISED"
    FM_FULL = "FM_FULL"
    FM_ERROR = "FM_ERROR"
    JOURNAL_FULL = "JOURNAL_FULL"
    HARDWARE = "HARDWARE"
    PASSWORD = "PASSWORD"
    CASHIER_REQUIRED = "CASHIER_REQUIRED"
    WRONG_STATE = "WRONG_STATE"
    RECEIPT_OPEN = "RECEIPT_OPEN"
    UNSUPPORTED = "UNSUPPORTED"
    BAD_FIELD = "BAD_FIELD"
    ARTICLE_CONFLICT = "ARTICLE_CONFLICT"
    ARTICLE_FULL = "ARTICLE_FULL"
    TAX = "TAX"
    PAYMENT = "PAYMENT"
    INSUFFICIENT_CASH = "INSUFFICIENT_CASH"
    TOTAL_MISMATCH = "TOTAL_MISMATCH"
    OVERFLOW = "OVERFLOW"
    SERVICE_BLOCK = "SERVICE_BLOCK"
    DIFFERENT_DEVICE = "DIFFERENT_DEVICE"
    # The software registrar's key, certificate and signatures (drivers.prro.signing.errors).
    KEY_PASSWORD = "KEY_PASSWORD"
    KEY_DAMAGED = "KEY_DAMAGED"
    KEY_UNSUPPORTED = "KEY_UNSUPPORTED"
    KEY_ABSENT = "KEY_ABSENT"
    KEY_LOCKED = "KEY_LOCKED"
    CERTIFICATE_ABSENT = "CERTIFICATE_ABSENT"
    CERTIFICATE_DAMAGED = "CERTIFICATE_DAMAGED"
    CERTIFICATE_EXPIRED = "CERTIFICATE_EXPIRED"
    CERTIFICATE_EARLY = "CERTIFICATE_EARLY"
    CERTIFICATE_REVOKED = "CERTIFICATE_REVOKED"
    CERTIFICATE_FOREIGN = "CERTIFICATE_FOREIGN"
    CERTIFICATE_UNTRUSTED = "CERTIFICATE_UNTRUSTED"
    SIGNATURE_MALFORMED = "SIGNATURE_MALFORMED"
    SIGNATURE_BAD = "SIGNATURE_BAD"
    SIGNATURE_FAILED = "SIGNATURE_FAILED"
    TIMESTAMP = "TIMESTAMP"
    # The fiscal server's refusals (fiscal-server.md §8.1); its own number and text stay in `Fault.raw`.
    REGISTRAR_UNKNOWN = "REGISTRAR_UNKNOWN"
    ACCESS_DENIED = "ACCESS_DENIED"
    TAXPAYER = "TAXPAYER"
    SHIFT_OPEN = "SHIFT_OPEN"
    LOCAL_NUMBER = "LOCAL_NUMBER"
    Z_EXISTS = "Z_EXISTS"
    DOCUMENT_REFUSED = "DOCUMENT_REFUSED"
    REGISTRY_DATA = "REGISTRY_DATA"
    PACKAGE_REFUSED = "PACKAGE_REFUSED"
    QUERY_REFUSED = "QUERY_REFUSED"
    SERVER_CRYPTOGRAPHY = "SERVER_CRYPTOGRAPHY"
    SERVER_ADDRESS = "SERVER_ADDRESS"
    # The software registrar's own state (fiscal-server.md §5.4, §6).
    OFFLINE_FORBIDDEN = "OFFLINE_FORBIDDEN"
    OFFLINE_NUMBERS = "OFFLINE_NUMBERS"
    OFFLINE_LIMIT = "OFFLINE_LIMIT"
    SYNC_REJECTED = "SYNC_REJECTED"
    UNRESOLVED = "UNRESOLVED"
    NOT_LAST = "NOT_LAST"


class Existence(StrEnum):
    """Whether a fiscal document may exist because of the request that failed."""

    NO = "no"
    YES = "yes"
    UNKNOWN = "unknown"


class Fault(Exception):
    """Something went wrong. `what` is one English sentence for the log; screens translate by `code`.

    `raw` is the maker's own code, `command` the command that met it, `wire` the bytes of the answer as hex.
    `field` names the offending field of a document ("lines[2].name") where there is one.
    """

    existence: Existence = Existence.UNKNOWN

    def __init__(
        self,
        code: Code,
        what: str,
        *,
        raw: str = "",
        command: str = "",
        wire: str = "",
        field: str = "",
        existence: Existence | None = None,
    ) -> None:
        super().__init__(what)
        self.code = code
        self.what = what
        self.raw = raw
        self.command = command
        self.wire = wire
        self.field = field
        self.document = self.existence if existence is None else existence

    def __str__(self) -> str:
        detail = " ".join(
            f"{name}={value}"
            for name, value in (("field", self.field), ("command", self.command), ("raw", self.raw), ("hex", self.wire))
            if value
        )
        return f"{self.code}: {self.what}" + (f" [{detail}]" if detail else "")


class Invalid(Fault):
    """The document or the argument is wrong. Nothing was sent."""

    existence = Existence.NO


class Refused(Fault):
    """The registrar answered, refused and changed nothing."""

    existence = Existence.NO


class Unreachable(Fault):
    """The link could not be opened, or nobody answered the first question. Nothing was asked to be registered."""

    existence = Existence.NO


class DifferentDevice(Fault):
    """Another unit answers at this address. A shift may go on only with the serial number it began with.

    `serial` is the number of the unit that answered, "" where it is not known.
    """

    existence = Existence.UNKNOWN

    def __init__(
        self, code: Code, what: str, *, serial: str = "", existence: Existence | None = None, raw: str = ""
    ) -> None:
        super().__init__(code, what, raw=raw, existence=existence)
        self.serial = serial


class LinkLost(Fault):
    """The link broke or fell silent while a command was under way: ask before any retry."""

    existence = Existence.UNKNOWN
