"""What a cashier who comes to an open shift is asked first: the key's password, then the float that still waits.

Both are left over where the till stopped in the middle: a key dies with the process, and a kill between the opening of
a software registrar's shift and its service cash-in leaves the float to be put in (III-5).
"""

from __future__ import annotations

from typing import TYPE_CHECKING

from kiosk.i18n import _, sum_of
from kiosk.screens.screen import EXPECTED
from kiosk.widgets.palette import Lamp

if TYPE_CHECKING:
    from drivers.registrar import FaultInfo
    from kiosk.app import KioskApp
    from kiosk.ledger.records import Binding
    from kiosk.till.till import Till


async def unlock(app: KioskApp) -> None:
    """Ask for the password of a key that an open shift needs. Esc leaves it locked: selling will ask again."""
    assert app.till is not None
    locked = await app.work(app.till.keys.waiting)
    if locked is not None:
        await app.ask("unlock", binding=locked)


async def put_float(app: KioskApp) -> None:
    """Offer the cash-in that an opened shift still lacks."""
    assert app.till is not None
    found = await app.work(_float, app.till)
    if found is None:
        return
    binding, waiting = found
    title, sum_ = _("The float is not in the registrar yet"), sum_of(waiting)
    text = _("The shift is open. The service cash-in of {sum} was not registered.").format(sum=sum_)
    if not await app.ask("confirm", title=title, text=text, yes=_("Put in"), no=_("Not now"), lamp=Lamp.AMBER):
        return
    error: BaseException | FaultInfo | None = None
    try:
        document = await app.work(app.till.shifts.put_float, binding)
        error = document.result.fault if document.result is not None and not document.done else None
    except EXPECTED as raised:
        error = raised
    if error is not None:
        await app.ask("message", error=error, title=_("The float was not registered"))
        return
    number = document.result.number if document.result is not None else ""
    text = _("Service cash-in {sum}, document No. {number}").format(sum=sum_, number=number or "-")
    await app.ask("message", title=_("Registered"), text=text, lamp=Lamp.GREEN)


def _float(till: Till) -> tuple[Binding, int] | None:
    """The first registrar of this workplace whose float waits. Runs on the till thread."""
    for binding in till.workplace.bindings():
        if waiting := till.shifts.float_waiting(binding):
            return binding, waiting
    return None
