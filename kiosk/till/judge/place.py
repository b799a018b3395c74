"""Lines that every workplace has, whatever its registrar (1, 4, 5, 11, 14–18)."""

from __future__ import annotations

from datetime import timedelta

from drivers.registrar import Status
from kiosk.till.errors import N_
from kiosk.till.judge.line import CheckLine, Colour

SLOW = 3.0
"""Seconds above which the internet counts as slow (line 1)."""
CLOCK_GREEN, CLOCK_AMBER = timedelta(seconds=30), timedelta(seconds=120)
DISK_GREEN, DISK_RED = 2 * 1024**3, 200 * 1024**2
BACKUP_GREEN, BACKUP_AMBER = timedelta(hours=24), timedelta(days=3)


def internet(latency: float | None, *, needed: bool, hardware: bool = True) -> CheckLine:
    """Line 1. `latency` seconds, None: unreachable; a software registrar's is its fiscal server's.

    A hardware registrar sells without the internet (II-1); a software registrar opens without it unless it is `needed`.
    """
    title, threshold = N_("Internet"), N_("answer within 3 s")
    if latency is None:
        return CheckLine(
            1, "internet", title, Colour.RED, N_("no connection"), threshold,
            N_("The shift cannot be opened without the internet: call the technician.")
            if needed
            else N_("A hardware registrar works without it; tell the technician today.")
            if hardware
            else N_("The shift can open offline; documents go as soon as there is a link. Tell the technician."),
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


FIRST_LINK = N_("The registrar must answer first: see its link above.")


def printer(status: Status | None) -> CheckLine:
    """Line 14 of a hardware registrar, whose printer is the registrar."""
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
