"""Why a receipt did not come out, in a cashier's words: the receipt itself is safe."""

from __future__ import annotations

from collections.abc import Mapping

from drivers.printers import NotPrinted, Trouble
from kiosk.i18n import _
from kiosk.till.errors import N_

TROUBLES: Mapping[Trouble, tuple[str, str]] = {
    Trouble.PAPER_OUT: (N_("The receipt printer is out of paper"), N_("Put in a roll and press Print again.")),
    Trouble.COVER_OPEN: (N_("The receipt printer's cover is open"), N_("Close it and press Print again.")),
    Trouble.CUTTER: (N_("The receipt printer's cutter is jammed"), N_("Free the paper and press Print again.")),
    Trouble.HEAD: (N_("The receipt printer reports a fault"), N_("Switch it off and on, then press Print again.")),
    Trouble.OFFLINE: (N_("The receipt printer does not answer"), N_("Switch it on, check its cable, press Print.")),
}


def why(fault: NotPrinted) -> tuple[str, str]:
    """(what stops the paper, the next step), translated. Nothing fiscal is at risk."""
    what, advice = TROUBLES[fault.trouble]
    return _(what), _(advice)
