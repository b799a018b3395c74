"""The text behind the QR code: the receipt's page in the tax service's cabinet (fiscal-server.md §7.1)."""

from __future__ import annotations

from drivers.clock import kyiv
from drivers.prro.documents.numbers import money
from drivers.prro.documents.record import Record
from drivers.prro.documents.values import Act

PAGE = "https://cabinet.tax.gov.ua/cashregs/check"


def qr_text(record: Record, *, mac: str | None = None, seconds: bool = True) -> str:
    """The link, "" for a document that a buyer never gets or that has no fiscal number yet.

    `mac` is put into offline receipts: by default the hash of the previous document, left out where the document has
    none (§10 row 3); another hash may be given. `seconds` writes the time as HHmmss, otherwise as HHmm (§10 row 4).
    """
    if record.act not in (Act.SALE, Act.REFUND) or record.total is None or not record.fiscal_number:
        return ""
    from urllib.parse import urlencode

    moment = kyiv(record.moment)
    hash_ = (record.previous if mac is None else mac) if record.offline else ""
    fields = {
        "mac": hash_,
        "date": moment.strftime("%Y%m%d"),
        "time": moment.strftime("%H%M%S" if seconds else "%H%M"),
        "id": record.fiscal_number,
        "sm": money(record.total.sum),
        "fn": record.outlet.register,
    }
    return f"{PAGE}?{urlencode({name: text for name, text in fields.items() if text})}"
