"""Error words of Maria (maria.md §5)."""

from __future__ import annotations

from collections.abc import Mapping, Sequence

from drivers.errors import Code

WORDS: Mapping[str, tuple[Code, str]] = {
    "SOFT24HOUR": (Code.SHIFT_EXPIRED, "the shift is longer than 24 hours: make a Z report"),
    "SOFTpOVER72H": (Code.TRANSMISSION_OVERDUE, "data were not sent to the tax service for 72 hours"),
    "SOFTpNPRSN": (Code.NOT_PERSONALISED, "the registrar is not personalised"),
    "HARDPAPER": (Code.PAPER_OUT, "out of paper"),
    "SOFTPAPER": (Code.PAPER_OUT, "out of paper"),
    "HARDPOINT": (Code.COVER_OPEN, "the print head has no supply: close the cover"),
    "HARDSENSOR": (Code.PRINTER, "the print head is too hot or too cold"),
    "HARDCUTTER": (Code.CUTTER, "the cutter is stuck"),
    "HARDTXD": (Code.FRAME, "parity error on the line"),
    "HARDTIMER": (Code.CLOCK, "clock fault"),
    "HARDMEMORY": (Code.HARDWARE, "memory fault"),
    "HARDLCD": (Code.HARDWARE, "display fault"),
    "HARDUCCLOW": (Code.HARDWARE, "the supply voltage is low"),
    "HARDBADHSET": (Code.HARDWARE, "wrong hardware set"),
    "HARDEXTDISP": (Code.HARDWARE, "no customer display"),
    "SHUTDOWN": (Code.SERVICE_BLOCK, "the registrar is blocked: it needs service"),
    "MEM_ERROR_CODE": (Code.SERVICE_BLOCK, "memory failure: the registrar needs service"),
    "RTC_ERROR_CODE": (Code.CLOCK, "clock failure: the registrar needs service"),
    "SOFTBLOCK": (Code.FRAME, "the registrar could not read the frame"),
    "SOFTBADCS": (Code.FRAME, "the registrar found a wrong CRC"),
    "SOFTTXTOUT": (Code.FRAME, "the registrar got half a frame"),
    "SOFTCOMMAN": (Code.UNSUPPORTED, "the registrar does not know this command"),
    "SOFTPARAM": (Code.BAD_FIELD, "wrong parameters of the command"),
    "SOFTCHECK": (Code.TOTAL_MISMATCH, "sums or taxes disagree with the registrar's own"),
    "SOFTPROTOC": (Code.WRONG_STATE, "the command is out of order"),
    "SOFTNREP": (Code.Z_REQUIRED, "a Z report is needed, or was only just made"),
    "SOFTUPAS": (Code.CASHIER_REQUIRED, "the cashier is not logged in"),
    "SOFTSYSLOC": (Code.WRONG_STATE, "the key is in the off position"),
    "SOFTSLWORK": (Code.WRONG_STATE, "turn the key to the work position"),
    "SOFTSLPROG": (Code.WRONG_STATE, "turn the key to the programming position"),
    "SOFTSLZREP": (Code.WRONG_STATE, "turn the key to the X report position"),
    "SOFTSLNREP": (Code.WRONG_STATE, "turn the key to the Z report position"),
    "SOFTZREPOR": (Code.FM_ERROR, "the Z report failed"),
    "SOFTFMFULL": (Code.FM_FULL, "the fiscal memory is full"),
    "SOFTREPL": (Code.ARTICLE_CONFLICT, "already programmed"),
    "SOFTREGIST": (Code.NOT_FISCALISED, "training mode: nothing is registered"),
    "SOFTOVART": (Code.OVERFLOW, "more than 720 lines"),
    "SOFTOVER": (Code.OVERFLOW, "a sum overflowed"),
    "SOFTNEED": (Code.INSUFFICIENT_CASH, "not enough cash, or the totals differ"),
    "SOFTDIFART": (Code.ARTICLE_CONFLICT, "the article was sold with other attributes since the last Z"),
    "SOFTBADART": (Code.ARTICLE_CONFLICT, "wrong article number"),
    "SOFTARTMODE": (Code.ARTICLE_CONFLICT, "the registrar works in another article mode"),
    "SOFTCOPY": (Code.UNSUPPORTED, "no copy is possible"),
    "SOFTBADDISC": (Code.BAD_FIELD, "wrong discount"),
    "SOFTpMODEM": (Code.MODEM, "the modem does not answer"),
    "SOFTpNRKSEF": (Code.JOURNAL_FULL, "the journal is nearly full or not ready"),
    "SOFTpERKSEF": (Code.HARDWARE, "journal fault"),
    "SOFTpSAMINT": (Code.HARDWARE, "security module fault"),
    "SOFTpSYSTEM": (Code.HARDWARE, "system fault"),
    "SOFTp7816": (Code.HARDWARE, "security card fault"),
    "SOFTpIDDEV": (Code.NOT_PERSONALISED, "no device number"),
}
"""In the order of importance: the first word of an answer that stands here explains it."""
WARNINGS = frozenset({"SOFTREGIST", "SOFTCOPY"})
"""Words that accompany commands which were executed, and explain no refusal while there is another word."""
PAPER = ("HARDPAPER", "SOFTPAPER")
COVER = ("HARDPOINT",)
"""HARDPOINT stands for an open head (registrars/README.md §4, row "cover / head open")."""


def is_error(word: str) -> bool:
    return word.startswith(("SOFT", "HARD", "SHUTDOWN", "MEM_ERROR_CODE", "RTC_ERROR_CODE"))


def meaning(words: Sequence[str]) -> tuple[Code, str]:
    """The normalised code and one sentence for the error words of one answer."""
    plain = [word for word in words if word not in WARNINGS] or list(words)
    for known, found in WORDS.items():
        if any(word.startswith(known) for word in plain):
            return found
    return Code.HARDWARE, f"the registrar reports {' '.join(words) or 'no result'}"
