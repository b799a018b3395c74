"""Documents of the software registrar: built, checked, read back, numbered, counted and laid out (fiscal-server.md).

    xml = build(outlet, heading, document, taxes=TAXES)      what is signed and sent
    ticket = read_ticket(verified.content)                   what came back
    record = read_document(xml, ticket.fiscal_number)        what is printed, counted and compared

Pure functions all: no clock, no file, no network. Rooms, from the ground up:

    text, numbers, xml, structure     windows-1251, amounts and times, trees and bytes, our table of the schemas
    values, taxes                     outlet, heading, names of payments; letters, rates, sums of taxes
    record, sums, figures             documents read back, their arithmetic proved, the shift they make
    body, build                       from the till's act to bytes
    offline, ticket, qr               control numbers, hash chain, packages; tickets; the link in the QR code
"""

from drivers.prro.documents.build import (
    KINDS,
    MAX_BYTES,
    begin_offline,
    build,
    cash,
    close_shift,
    end_offline,
    open_shift,
    receipt,
    storno,
    z_report,
)
from drivers.prro.documents.figures import figures
from drivers.prro.documents.offline import (
    Chain,
    chained,
    control_number,
    fiscal_number,
    package,
    packages,
    previous_hash,
    unpack,
)
from drivers.prro.documents.qr import qr_text
from drivers.prro.documents.record import Figures, Record, Side, read_document
from drivers.prro.documents.taxes import TAXES, Rate, TaxKind, TaxTable
from drivers.prro.documents.ticket import Ticket, read_ticket
from drivers.prro.documents.values import PAYMENT_NAMES, Act, Heading, OfflineMark, Outlet, PaymentName

__all__ = [
    "KINDS",
    "MAX_BYTES",
    "PAYMENT_NAMES",
    "TAXES",
    "Act",
    "Chain",
    "Figures",
    "Heading",
    "OfflineMark",
    "Outlet",
    "PaymentName",
    "Rate",
    "Record",
    "Side",
    "TaxKind",
    "TaxTable",
    "Ticket",
    "begin_offline",
    "build",
    "cash",
    "chained",
    "close_shift",
    "control_number",
    "end_offline",
    "figures",
    "fiscal_number",
    "open_shift",
    "package",
    "packages",
    "previous_hash",
    "qr_text",
    "read_document",
    "read_ticket",
    "receipt",
    "storno",
    "unpack",
    "z_report",
]
