"""Lines that a hardware registrar alone has: its link, its flags, its seals (12, 13, 19)."""

from __future__ import annotations

from drivers.registrar import Info, Status
from kiosk.till.errors import N_
from kiosk.till.judge.line import CheckLine, Colour
from kiosk.till.judge.place import FIRST_LINK


def link(info: Info | None, *, bound: str, silent: str) -> CheckLine:
    """Line 12. `bound`: the serial number of this workplace's registrar; `silent`: the fault where none answers."""
    title, threshold = N_("Registrar's link"), N_("answers, and is the same unit")
    if info is None:
        return CheckLine(
            12, "link", title, Colour.RED, N_("does not answer ({code})"), threshold,
            N_("Check power and cable, then press F5. No receipt is at risk."), {"code": silent}, blocks=True,
        )  # fmt: skip
    values = {"model": info.model, "serial": info.serial, "bound": bound}
    if bound and info.serial != bound:
        return CheckLine(
            12, "link", title, Colour.RED, N_("another unit: {serial} instead of {bound}"), threshold,
            N_("Connect the registrar {bound}. Nothing was sent to this one."), values, blocks=True,
        )  # fmt: skip
    return CheckLine(12, "link", title, Colour.GREEN, N_("{model}, No. {serial}"), threshold, "", values)


FLAGS = {
    "FM_FULL": N_("fiscal memory full"),
    "FM_ERROR": N_("fiscal memory fault"),
    "JOURNAL_FULL": N_("journal full"),
    "SHIFT_EXPIRED": N_("24-hour block: Z is missing"),
    "TRANSMISSION_OVERDUE": N_("data not delivered for 72 hours"),
    "CLOCK": N_("the registrar's clock is not set"),
    "NOT_FISCALISED": N_("not fiscalised"),
    "NOT_PERSONALISED": N_("not personalised"),
    "HARDWARE": N_("hardware fault"),
}
MECHANICS = ("PAPER_OUT", "COVER_OPEN", "PRINTER", "CUTTER")


def flags(status: Status | None) -> CheckLine:
    """Line 13."""
    title, threshold = N_("Registrar's state"), N_("no faults")
    if status is None:
        return CheckLine(13, "flags", title, Colour.RED, N_("not known"), threshold, FIRST_LINK, blocks=True)
    found = [code for code in status.blocks if code not in MECHANICS]
    if found:
        action = "z" if "SHIFT_EXPIRED" in found else ""
        return CheckLine(
            13, "flags", title, Colour.RED, FLAGS.get(found[0], N_("fault {code}")), threshold,
            N_("Close the shift (Z).") if action else N_("Call the service centre; do not sell past the registrar."),
            {"code": found[0]}, blocks=True, action=action,
        )  # fmt: skip
    if status.warnings:
        return CheckLine(
            13, "flags", title, Colour.AMBER, N_("memory nearly full"), threshold,
            N_("Call the service centre this week."), {"warning": status.warnings[0]},
        )  # fmt: skip
    return CheckLine(13, "flags", title, Colour.GREEN, N_("no faults"), threshold)


def seals(intact: bool | None) -> CheckLine:
    """Line 19: looked at by the cashier. None: not looked at yet."""
    title, threshold = N_("Seals"), N_("intact")
    if intact is None:
        return CheckLine(
            19, "seals", title, Colour.RED, N_("not looked at"), threshold,
            N_("Look at the registrar's seals and tick."), blocks=True, action="seals",
        )  # fmt: skip
    if not intact:
        return CheckLine(
            19, "seals", title, Colour.RED, N_("broken"), threshold,
            N_("Stop: do not sell. Call the service centre."), blocks=True, action="seals",
        )  # fmt: skip
    return CheckLine(19, "seals", title, Colour.GREEN, N_("intact"), threshold, action="seals")
