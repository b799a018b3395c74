"""The judgement of each line of the checklist: readings in, colour and words out (cashier-flow.md II).

Pure functions with the thresholds of the table, so that every colour of every line can be tested; `checklist` takes
the readings. Lines of the software registrar (2, 3, 6–10) come with it.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import timedelta
from enum import StrEnum

from drivers.registrar import Info, Status
from kiosk.till.errors import N_

SLOW = 3.0
"""Seconds above which the internet counts as slow (line 1)."""
CLOCK_GREEN, CLOCK_AMBER = timedelta(seconds=30), timedelta(seconds=120)
DISK_GREEN, DISK_RED = 2 * 1024**3, 200 * 1024**2
BACKUP_GREEN, BACKUP_AMBER = timedelta(hours=24), timedelta(days=3)


class Colour(StrEnum):
    """Amber lets the shift open; red blocks it where `blocks` is set."""

    GREEN = "green"
    AMBER = "amber"
    RED = "red"


@dataclass(frozen=True)
class CheckLine:
    """One line: `value`, `threshold` and `advice` are message ids with `values` in them.

    `number` is the line of the table; `action` names what the screen may offer (open, continue, z, cash, seals).
    """

    number: int
    key: str
    title: str
    colour: Colour
    value: str
    threshold: str = ""
    advice: str = ""
    values: Mapping[str, object] = field(default_factory=dict)
    blocks: bool = False
    action: str = ""


def internet(latency: float | None, *, needed: bool) -> CheckLine:
    """Line 1. `latency` seconds, None: unreachable. A hardware registrar sells without the internet (II-1)."""
    title, threshold = N_("Internet"), N_("answer within 3 s")
    if latency is None:
        return CheckLine(
            1, "internet", title, Colour.RED, N_("no connection"), threshold,
            N_("The shift cannot be opened without the internet: call the technician.")
            if needed
            else N_("A hardware registrar works without it; tell the technician today."),
            blocks=needed,
        )  # fmt: skip
    colour = Colour.AMBER if latency > SLOW else Colour.GREEN
    advice = N_("Slow connection: tell the technician.") if latency > SLOW else ""
    return CheckLine(
        1, "internet", title, colour, N_("answers in {seconds} s"), threshold, advice, {"seconds": f"{latency:.1f}"}
    )


def shift(age: timedelta | None, *, mine: bool, over: bool) -> CheckLine:
    """Line 4. `age` None: no shift is open."""
    title, threshold = N_("Shift left open"), N_("none, or under 24 h")
    if age is None:
        return CheckLine(4, "shift", title, Colour.GREEN, N_("none"), threshold, action="open")
    values = {"hours": int(age.total_seconds() // 3600), "minutes": int(age.total_seconds() // 60 % 60)}
    if over:
        return CheckLine(
            4, "shift", title, Colour.RED, N_("open for {hours} h {minutes} min"), threshold,
            N_("Close the shift (Z): nothing else is possible."), values, blocks=True, action="z",
        )  # fmt: skip
    advice = N_("Continue the shift.") if mine else N_("Opened by another cashier: continue, or close it first.")
    return CheckLine(
        4, "shift", title, Colour.AMBER, N_("open for {hours} h {minutes} min"), threshold, advice, values,
        action="continue",
    )  # fmt: skip


def previous_z(*, unclosed: bool, first: bool) -> CheckLine:
    """Line 5. `unclosed`: the registrar has operations although no shift is open here."""
    title, threshold = N_("Previous Z"), N_("every day with sales is closed")
    if unclosed:
        return CheckLine(
            5, "previous_z", title, Colour.RED, N_("operations without Z"), threshold,
            N_("Close the registrar's day (Z) before opening."), blocks=True, action="z",
        )  # fmt: skip
    if first:
        return CheckLine(5, "previous_z", title, Colour.AMBER, N_("no operations before"), threshold)
    return CheckLine(5, "previous_z", title, Colour.GREEN, N_("present"), threshold)


def clock(offset: timedelta | None, *, zone_is_kyiv: bool) -> CheckLine:
    """Line 11. `offset`: the computer's clock less the registrar's, None: the registrar's is not known."""
    title, threshold = N_("Clock"), N_("within 30 s of the registrar, Kyiv time")
    if not zone_is_kyiv:
        return CheckLine(
            11, "clock", title, Colour.RED, N_("the time zone is not Kyiv"), threshold,
            N_("Call the technician: set the time zone Europe/Kyiv."), blocks=True,
        )  # fmt: skip
    if offset is None:
        return CheckLine(
            11, "clock", title, Colour.AMBER, N_("not known"), threshold, N_("The registrar did not tell its time.")
        )
    seconds = int(offset.total_seconds())
    values = {"seconds": f"{seconds:+d}"}
    if abs(offset) > CLOCK_AMBER:
        return CheckLine(
            11, "clock", title, Colour.RED, N_("{seconds} s off the registrar"), threshold,
            N_("Correct the clock, then press F5."), values, blocks=True,
        )  # fmt: skip
    if abs(offset) > CLOCK_GREEN:
        return CheckLine(
            11, "clock", title, Colour.AMBER, N_("{seconds} s off the registrar"), threshold,
            N_("Tell the technician: the clock drifts."), values,
        )  # fmt: skip
    return CheckLine(11, "clock", title, Colour.GREEN, N_("{seconds} s off the registrar"), threshold, "", values)


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
FIRST_LINK = N_("The registrar must answer first: see its link above.")
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


def printer(status: Status | None) -> CheckLine:
    """Line 14."""
    title, threshold = N_("Printer"), N_("paper in, cover closed")
    if status is None:
        return CheckLine(14, "printer", title, Colour.RED, N_("not known"), threshold, FIRST_LINK, blocks=True)
    if status.cover_open:
        return CheckLine(
            14, "printer", title, Colour.RED, N_("cover open"), threshold, N_("Close the cover."), blocks=True
        )
    if status.paper_out:
        return CheckLine(
            14, "printer", title, Colour.RED, N_("out of paper"), threshold, N_("Put in a new roll."), blocks=True
        )
    if "PRINTER" in status.blocks or "CUTTER" in status.blocks:
        return CheckLine(
            14, "printer", title, Colour.RED, N_("printing mechanism fault"), threshold,
            N_("Switch the registrar off and on; call the service centre if it stays."), blocks=True,
        )  # fmt: skip
    if status.paper_low:
        return CheckLine(14, "printer", title, Colour.AMBER, N_("paper low"), threshold, N_("Keep a new roll at hand."))
    return CheckLine(14, "printer", title, Colour.GREEN, N_("paper in"), threshold)


def terminal(*, integrated: bool, answers: bool = False, merchant: str = "", expected: str = "") -> CheckLine:
    """Line 15. A terminal that is not integrated works by data typed from its slip."""
    title, threshold = N_("Bank terminal"), N_("answers, merchant of this enterprise")
    if not integrated:
        return CheckLine(
            15, "terminal", title, Colour.AMBER, N_("manual entry"), threshold,
            N_("Type the data of the terminal's slip at payment."),
        )  # fmt: skip
    if not answers:
        return CheckLine(15, "terminal", title, Colour.AMBER, N_("does not answer"), threshold, N_("Use manual entry."))
    if merchant != expected:
        return CheckLine(
            15, "terminal", title, Colour.RED, N_("merchant {merchant} belongs to another enterprise"), threshold,
            N_("Connect the right terminal."), {"merchant": merchant}, blocks=True,
        )  # fmt: skip
    return CheckLine(15, "terminal", title, Colour.GREEN, N_("answers"), threshold)


def equipment(missing: tuple[str, ...]) -> CheckLine:
    """Line 16: scanner, scales, drawer; `missing` are message ids."""
    title, threshold = N_("Scanner, scales, drawer"), N_("detected")
    if missing:
        return CheckLine(
            16, "equipment", title, Colour.AMBER, N_("missing: {what}"), threshold,
            N_("The sale goes on by hand entry."), {"what": missing},
        )  # fmt: skip
    return CheckLine(16, "equipment", title, Colour.GREEN, N_("detected"), threshold)


def cash(registrar: int | None, till: int) -> CheckLine:
    """Line 17, kopecks. `registrar` None: not known."""
    title, threshold = N_("Cash in the registrar"), N_("equal to the program's")
    values = {"registrar": registrar, "till": till}
    if registrar is None:
        return CheckLine(17, "cash", title, Colour.AMBER, N_("not known"), threshold, "", values)
    if registrar != till:
        return CheckLine(
            17, "cash", title, Colour.AMBER, N_("registrar {registrar}, program {till}"), threshold,
            N_("Make a service cash-in or cash-out for the difference."), values, action="cash",
        )  # fmt: skip
    return CheckLine(17, "cash", title, Colour.GREEN, N_("{registrar} in both"), threshold, "", values)


def storage(free: int, backup_age: timedelta | None, trouble: str = "") -> CheckLine:
    """Line 18. `free` bytes; `backup_age` None: there is no backup yet; `trouble`: why copies fail, a code."""
    title, threshold = N_("Free disk, last backup"), N_("over 2 GB, under 24 h")
    values: dict[str, object] = {"free": f"{free / 1024**3:.1f}"}
    if free < DISK_RED:
        return CheckLine(
            18, "storage", title, Colour.RED, N_("{free} GB free"), threshold,
            N_("Call the technician: the disk is full, sales could not be recorded."), values, blocks=True,
        )  # fmt: skip
    if trouble:
        values["trouble"] = trouble
        return CheckLine(
            18, "storage", title, Colour.RED, N_("{free} GB free, backups fail: {trouble}"), threshold,
            N_("Tell the owner: copies are not made, or do not restore."), values,
        )  # fmt: skip
    if backup_age is None:
        return CheckLine(
            18, "storage", title, Colour.AMBER, N_("{free} GB free, no backup"), threshold,
            N_("Tell the owner: there is no backup."), values,
        )  # fmt: skip
    values["hours"] = int(backup_age.total_seconds() // 3600)
    text = N_("{free} GB free, backup {hours} h ago")
    if free < DISK_GREEN or backup_age > BACKUP_GREEN:
        colour = Colour.RED if backup_age > BACKUP_AMBER else Colour.AMBER
        return CheckLine(
            18, "storage", title, colour, text, threshold, N_("Tell the owner: old backup or little room on the disk."),
            values,
        )  # fmt: skip
    return CheckLine(18, "storage", title, Colour.GREEN, text, threshold, "", values)


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
