"""Four-digit error codes of the Krypton dialect (datecs-krypton.md §4): the low byte is the class, the high the detail.

The low byte is compared for equality: testing it as a bit mask makes every code look like an argument's format.
"""

from __future__ import annotations

from collections.abc import Mapping

from drivers.errors import Code

EXACT: Mapping[str, tuple[Code, str]] = {
    "0101": (Code.PRINTER, "the printer does not work"),
    "0201": (Code.HARDWARE, "working memory fault"),
    "0301": (Code.HARDWARE, "wrong checksum of the firmware"),
    "0401": (Code.HARDWARE, "flash memory fault"),
    "0501": (Code.HARDWARE, "no customer display"),
    "0601": (Code.CLOCK, "the clock is not set"),
    "0701": (Code.HARDWARE, "the supply voltage is low"),
    "0801": (Code.MODEM, "SIM card fault"),
    "0901": (Code.HARDWARE, "memory card fault"),
    "0A01": (Code.PRINTER, "the printer did not finish in time"),
    "0002": (Code.UNSUPPORTED, "the registrar does not know this command: is it set to the Krypton protocol?"),
    "0102": (Code.UNSUPPORTED, "this model does not support the command"),
    "0202": (Code.BAD_FIELD, "the command has no data"),
    "0302": (Code.OVERFLOW, "the buffer overflowed"),
    "0005": (Code.FM_FULL, "no room in the fiscal memory"),
    "0105": (Code.FM_ERROR, "the fiscal memory cannot be written"),
    "0205": (Code.NOT_FISCALISED, "no serial number"),
    "0305": (Code.CLOCK, "the date is earlier than the last record of the fiscal memory"),
    "0405": (Code.Z_REQUIRED, "midnight passed with an open shift: make a Z report"),
    "0505": (Code.FM_ERROR, "fiscal memory data fault"),
    "0605": (Code.FM_FULL, "the fiscal memory is exhausted or the tax table is bad"),
    "0705": (Code.NOT_FISCALISED, "the registrar is not in fiscal mode"),
    "0805": (Code.CLOCK, "the clock was not set after a reset"),
    "0905": (Code.SHIFT_EXPIRED, "the shift is longer than 24 hours: make a Z report"),
    "0A05": (Code.CLOCK, "the time must be corrected"),
    "0B05": (Code.TAX, "tax table fault"),
    "0C05": (Code.CLOCK, "wrong format of the date"),
    "0D05": (Code.CLOCK, "wrong format of the time"),
    "0E05": (Code.CLOCK, "the time to set is earlier than the current one"),
    "0F05": (Code.TRANSMISSION_OVERDUE, "documents were not sent to the tax service for 72 hours or more"),
    "0006": (Code.PASSWORD, "wrong password"),
    "0007": (Code.SERVICE_BLOCK, "the service jumper is needed"),
    "0107": (Code.WRONG_STATE, "impossible in this state of the shift"),
    "0207": (Code.JOURNAL_FULL, "the journal must be unloaded first"),
    "0307": (Code.BUSY, "somebody works in the menu of the registrar"),
    "0407": (Code.Z_REQUIRED, "the shift is closed but not zeroed"),
    "0507": (Code.NOT_PERSONALISED, "the registrar is not personalised"),
    "0607": (Code.MODEM, "not all data were sent before a change of the tax number"),
    "0707": (Code.SERVICE_BLOCK, "the firmware is not activated"),
    "0907": (Code.SERVICE_BLOCK, "wrong activation key"),
    "0A07": (Code.SERVICE_BLOCK, "the remote service is off"),
    "0D07": (Code.BUSY, "the automatic change of winter time is running"),
    "0008": (Code.OVERFLOW, "a sum overflowed"),
    "0009": (Code.ARTICLE_CONFLICT, "locked until a Z report"),
    "000A": (Code.ARTICLE_FULL, "no room for articles"),
    "010A": (Code.BAD_FIELD, "the article's record is too long"),
    "020A": (Code.ARTICLE_CONFLICT, "the article is not programmed"),
    "040A": (Code.ARTICLE_CONFLICT, "the article exists already"),
    "050A": (Code.TAX, "the tax group is forbidden"),
    "060A": (Code.TAX, "no sales in the tax group"),
    "070A": (Code.TAX, "the type of tax is forbidden"),
    "000B": (Code.WRONG_STATE, "wrong state of the receipt"),
    "010B": (Code.OVERFLOW, "no room in the receipt"),
    "070B": (Code.UNSUPPORTED, "no copy is available"),
    "080B": (Code.INSUFFICIENT_CASH, "not enough cash in the registrar"),
    "090B": (Code.PAYMENT, "the payment form is forbidden here"),
    "0A0B": (Code.PAYMENT, "this payment form gives no change"),
    "0B0B": (Code.BAD_FIELD, "the discount is out of range"),
    "0C0B": (Code.OVERFLOW, "the total overflowed"),
    "0D0B": (Code.OVERFLOW, "the payment overflowed"),
    "0E0B": (Code.OVERFLOW, "the buffer of the receipt overflowed"),
    "0F0B": (Code.BAD_FIELD, "wrong quantity"),
    "100B": (Code.BAD_FIELD, "wrong price"),
    "110B": (Code.WRONG_STATE, "voids are blocked"),
    "120B": (Code.OVERFLOW, "too many lines"),
    "130B": (Code.PAYMENT, "a linked bank terminal is required and absent"),
    "0CD0": (Code.BUSY, "the copy is not available now, data are being sent"),
    "02F1": (Code.WRONG_STATE, "cancelled at the registrar"),
}
BY_CLASS: Mapping[str, tuple[Code, str]] = {
    "01": (Code.HARDWARE, "hardware fault"),
    "02": (Code.BAD_FIELD, "wrong command"),
    "05": (Code.FM_ERROR, "fiscal memory or time fault"),
    "07": (Code.WRONG_STATE, "the registrar's mode forbids this"),
    "08": (Code.OVERFLOW, "a sum overflowed"),
    "09": (Code.HARDWARE, "memory access fault"),
    "0A": (Code.ARTICLE_CONFLICT, "article fault"),
    "0B": (Code.WRONG_STATE, "receipt fault"),
    "C0": (Code.HARDWARE, "temporary buffer fault"),
    "D0": (Code.HARDWARE, "security module fault"),
    "D1": (Code.HARDWARE, "journal memory card fault"),
    "F0": (Code.BAD_FIELD, "internal string fault"),
    "F1": (Code.BAD_FIELD, "internal input fault"),
}
HALFWAY = frozenset({"01", "05", "09", "C0", "D0", "D1"})
"""Classes of faults that may strike in the middle of an act: the counters say whether it was done (§8)."""


def meaning(error: str) -> tuple[Code, str]:
    """The normalised code and one sentence for the maker's code."""
    detail, kind = error[:2], error[2:]
    if error in EXACT:
        return EXACT[error]
    if kind in ("03", "04"):
        what = "format" if kind == "03" else "value"
        return Code.BAD_FIELD, f"wrong {what} of field {int(detail, 16)} of the command"
    return BY_CLASS.get(kind, (Code.HARDWARE, "the registrar reports an unknown fault"))
