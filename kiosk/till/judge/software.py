"""Lines that a software registrar has: its server, its registration, its offline work, its key (2–4, 6–10, 14).

A line is red where the table says so. It blocks the opening only where the shift could not be worked in: what stops
offline work alone does not stop a shift that opens with a link.
"""

from __future__ import annotations

from datetime import datetime, timedelta

from drivers.clock import kyiv
from drivers.errors import Code
from drivers.registrar import FaultInfo, Info, Mode, Offline, Status
from kiosk.till.errors import N_
from kiosk.till.judge import place
from kiosk.till.judge.line import CheckLine, Colour

SESSION_GREEN, MONTH_GREEN = timedelta(hours=12), timedelta(hours=24)
NUMBERS_GREEN = 200
KEY_GREEN = timedelta(days=14)
SILENT = frozenset({Code.OFFLINE, Code.TIMEOUT_UNKNOWN, Code.FRAME})
NOT_REGISTERED = frozenset({Code.ACCESS_DENIED, Code.TAXPAYER})
"""Refusals that mean that this key may not work with this registrar (form 5-ПРРО)."""
KEYS = frozenset(code for code in Code if code.startswith(("KEY_", "CERTIFICATE_"))) | {Code.SIGNATURE_FAILED}
"""Faults of the key itself: line 10 tells them."""
LOCKED = N_("Unlock the key with its password (Enter).")


def server(info: Info | None, fault: FaultInfo | None) -> CheckLine:
    """Line 2. `fault`: why the state was not read; None where nobody was asked because there is no link."""
    title, threshold = N_("Fiscal server"), N_("the registrar's state is read")
    if info is not None:
        return CheckLine(2, "server", title, Colour.GREEN, N_("answers for {number}"), threshold,
                         values={"number": info.fiscal_number})  # fmt: skip
    if fault is None or fault.code in SILENT:
        return CheckLine(
            2, "server", title, Colour.AMBER, N_("does not answer"), threshold,
            N_("What it said last is shown below. Check the internet, then press F5."),
        )  # fmt: skip
    if fault.code == Code.KEY_LOCKED:
        return CheckLine(
            2, "server", title, Colour.AMBER, N_("not asked: the key is locked"), threshold, LOCKED, action="unlock"
        )
    if fault.code in KEYS:
        return CheckLine(2, "server", title, Colour.AMBER, N_("not asked: see the key"), threshold)
    if fault.code == Code.DIFFERENT_DEVICE:
        return CheckLine(2, "server", title, Colour.AMBER, N_("knows another device: see the shift"), threshold)
    values = {"code": fault.raw or fault.code, "text": fault.what.removeprefix("the fiscal server refused: ")}
    return CheckLine(
        # Without a number of the server's the words are the driver's own, in English: the code says it.
        2, "server", title, Colour.RED, N_("refused: {code} {text}") if fault.raw else N_("refused: {code}"), threshold,
        N_("Nothing was sent. Tell the technician the code and the text."), values, blocks=True,
    )  # fmt: skip


def registration(status: Status | None, fault: FaultInfo | None = None) -> CheckLine:
    """Line 3. A cancelled registrar without an open shift is gone: the server has no data about it (§2.6)."""
    title, threshold = N_("Registration"), N_("in force")
    if fault is not None and fault.code == Code.REGISTRAR_UNKNOWN:
        return CheckLine(
            3, "registration", title, Colour.RED, N_("the tax service knows no such registrar of this key"), threshold,
            N_("Check the fiscal number and the key; else the registration is cancelled: call the owner."), blocks=True,
        )  # fmt: skip
    if status is None or status.registered is None:
        return CheckLine(3, "registration", title, Colour.AMBER, N_("not known"), threshold)
    if not status.registered:
        return CheckLine(
            3, "registration", title, Colour.RED, N_("cancelled by the tax service"), threshold,
            N_("Close the open shift (Z). Nothing else is possible on this registrar: call the owner.")
            if status.shift_open
            else N_("Nothing can be sold through this registrar: call the owner."),
            blocks=True, action="z" if status.shift_open else "",
        )  # fmt: skip
    return CheckLine(3, "registration", title, Colour.GREEN, N_("in force"), threshold)


def shift(
    age: timedelta | None, *, mine: bool, over: bool, status: Status | None = None, elsewhere: bool = False
) -> CheckLine:
    """Line 4. `age` of this till's shift, None: none is open; `elsewhere`: another device works with the registrar."""
    title, threshold = N_("Shift left open"), N_("none, or under 24 h")
    if elsewhere:
        return CheckLine(
            4, "shift", title, Colour.RED, N_("another device works with this registrar"), threshold,
            N_("Close the shift there; an authorised person can take the registrar over. Nothing was sent."),
            blocks=True,
        )  # fmt: skip
    opened = status is not None and bool(status.shift_open)
    if opened and status is not None and status.shift_opener and status.key_id not in ("", status.shift_opener):
        return CheckLine(
            4, "shift", title, Colour.RED, N_("opened with another key"), threshold,
            N_("Unlock the key that opened it, or let a senior cashier close the shift (Z)."), blocks=True, action="z",
        )  # fmt: skip
    if opened and age is None:
        return CheckLine(
            4, "shift", title, Colour.RED, N_("open on the server, not on this till"), threshold,
            N_("Close the shift (Z): it was opened on another till."), blocks=True, action="z",
        )  # fmt: skip
    return place.shift(age, mine=mine, over=over)


def unsent(offline: Offline | None) -> CheckLine:
    """Line 6."""
    title, threshold = N_("Unsent documents"), N_("none")
    if offline is None:
        return CheckLine(6, "unsent", title, Colour.AMBER, N_("not known"), threshold)
    values = {"count": offline.queued, "text": offline.reason}
    if offline.mode is Mode.REJECTED:
        return CheckLine(
            6, "unsent", title, Colour.RED, N_("{count} wait, one is refused: {text}"), threshold,
            N_("Nothing is lost. Send again or export for support (F11)."), values, blocks=True,
        )  # fmt: skip
    if offline.queued:
        return CheckLine(
            6, "unsent", title, Colour.AMBER, N_("{count} wait to be sent"), threshold,
            N_("They go by themselves as soon as there is a link."), values,
        )  # fmt: skip
    return CheckLine(6, "unsent", title, Colour.GREEN, N_("none"), threshold)


def right(offline: Offline | None) -> CheckLine:
    """Line 7."""
    title, threshold = N_("Right to work offline"), N_("granted")
    if offline is None or offline.allowed is None:
        return CheckLine(7, "right", title, Colour.AMBER, N_("not known"), threshold)
    if not offline.allowed:
        return CheckLine(
            7, "right", title, Colour.AMBER, N_("not granted"), threshold,
            N_("Without the internet nothing can be sold: the right is a tick in form 1-ПРРО, tell the owner."),
        )  # fmt: skip
    return CheckLine(7, "right", title, Colour.GREEN, N_("granted"), threshold)


def budget(offline: Offline | None, *, online: bool) -> CheckLine:
    """Line 8. While no offline session lasts, the whole of one is left."""
    title, threshold = N_("Offline time left"), N_("over 12 h of the session, 24 h of the month")
    if offline is None or offline.month_left is None:
        return CheckLine(8, "budget", title, Colour.AMBER, N_("not known"), threshold)
    session, month = offline.session_left, offline.month_left
    values = {"session": _hours(session) if session is not None else "", "month": _hours(month)}
    text = N_("month {month}") if session is None else N_("session {session}, month {month}")
    if month <= timedelta() or (session is not None and session <= timedelta()):
        return CheckLine(
            8, "budget", title, Colour.RED, text, threshold,
            N_("Without the internet nothing can be sold until the first of the month, or until the session ends."),
            values, blocks=not online,
        )  # fmt: skip
    if month <= MONTH_GREEN or (session is not None and session <= SESSION_GREEN):
        return CheckLine(
            8, "budget", title, Colour.AMBER, text, threshold, N_("Tell the owner: offline time runs out."), values
        )
    return CheckLine(8, "budget", title, Colour.GREEN, text, threshold, "", values)


def numbers(offline: Offline | None, *, online: bool) -> CheckLine:
    """Line 9. A session of the tax service's own server has no end of numbers: one that ends is other servers'."""
    title, threshold = N_("Offline numbers"), N_("over 200 left")
    if offline is None:
        return CheckLine(9, "numbers", title, Colour.AMBER, N_("not known"), threshold)
    left = offline.numbers_left
    if left is None:
        return CheckLine(9, "numbers", title, Colour.GREEN, N_("given by the server"), threshold)
    values = {"count": left}
    if left <= 0:
        return CheckLine(
            9, "numbers", title, Colour.RED, N_("none"), threshold,
            N_("Without the internet nothing can be sold: an online shift opening brings numbers."), values,
            blocks=not online,
        )  # fmt: skip
    if left <= NUMBERS_GREEN:
        return CheckLine(
            9, "numbers", title, Colour.AMBER, N_("{count} left"), threshold,
            N_("They are renewed by the next opening with the internet."), values,
        )  # fmt: skip
    return CheckLine(9, "numbers", title, Colour.GREEN, N_("{count} left"), threshold, "", values)


def key(
    status: Status | None, fault: FaultInfo | None, now: datetime, number: str, *, beside: datetime | None = None
) -> CheckLine:
    """Line 10 for the registrar `number` at the aware moment `now`.

    `beside`: when the certificate that lies beside a locked key ends, None where there is none.
    """
    title, threshold = N_("Key and certificate"), N_("over 14 days, registered for this registrar")

    def red(value: str, advice: str, **values: object) -> CheckLine:
        return CheckLine(10, "key", title, Colour.RED, value, threshold, advice, values, blocks=True)

    code = fault.code if fault is not None else ""
    blocks = status.blocks if status is not None else ()
    until = (status.key_until if status is not None else None) or beside
    if (until is not None and until <= now) or Code.CERTIFICATE_EXPIRED in (code, *blocks):
        return red(N_("expired"), N_("Nothing can be signed with it: replace the key."))
    if Code.CERTIFICATE_REVOKED in (code, *blocks):
        return red(N_("revoked"), N_("Nothing can be signed with it: replace the key."))
    if code in NOT_REGISTERED:
        return red(
            N_("not registered for {number}"),
            N_("Register the cashier (form 5-ПРРО) or unlock a registered key. Nothing was sent."),
            number=number,
            key=status.key_id if status is not None else "",
        )
    if Code.KEY_LOCKED in (code, *blocks):
        values = {"date": f"{kyiv(until):%d.%m.%Y}"} if until is not None else {}
        text = N_("locked, until {date}") if until is not None else N_("locked")
        return CheckLine(10, "key", title, Colour.AMBER, text, threshold, LOCKED, values, action="unlock")
    if code in KEYS:
        return red(N_("cannot be used ({code})"), N_("Replace the key, or call the technician."), code=code)
    if until is None:
        return CheckLine(10, "key", title, Colour.AMBER, N_("not known"), threshold)
    left = until - now
    found = {"days": left.days, "date": f"{kyiv(until):%d.%m.%Y}"}
    if left <= KEY_GREEN:
        return CheckLine(
            10, "key", title, Colour.AMBER, N_("{days} days left, until {date}"), threshold,
            N_("Tell the owner: a new key must be ordered and registered (form 5-ПРРО)."), found,
        )  # fmt: skip
    return CheckLine(10, "key", title, Colour.GREEN, N_("{days} days left, until {date}"), threshold, "", found)


def printer(status: Status | None, *, prints: bool) -> CheckLine:
    """Line 14. Paper is a printer's and never stops a software registrar: the buyer may get an electronic receipt."""
    title, threshold = N_("Printer"), N_("paper in, cover closed")
    if not prints:
        return CheckLine(
            14, "printer", title, Colour.AMBER, N_("none"), threshold,
            N_("Give electronic receipts: no printer is set up."),
        )  # fmt: skip
    if status is None:
        return CheckLine(14, "printer", title, Colour.AMBER, N_("not known"), threshold)
    advice = N_("Put it right, or give electronic receipts.")
    if status.cover_open:
        return CheckLine(14, "printer", title, Colour.RED, N_("cover open"), threshold, advice)
    if status.paper_out:
        return CheckLine(14, "printer", title, Colour.RED, N_("out of paper"), threshold, advice)
    if status.paper_low:
        return CheckLine(14, "printer", title, Colour.AMBER, N_("paper low"), threshold, N_("Keep a new roll at hand."))
    return CheckLine(14, "printer", title, Colour.GREEN, N_("paper in"), threshold)


def _hours(span: timedelta) -> str:
    minutes = max(0, int(span.total_seconds() // 60))
    return f"{minutes // 60}:{minutes % 60:02d}"
