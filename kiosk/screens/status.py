"""The facts of `kiosk.till.status.StatusView` as fields of the status bar. Field names are lines of the checklist."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import timedelta
from typing import TYPE_CHECKING

from drivers.registrar import Mode
from kiosk.i18n import _, money
from kiosk.screens.offline_words import LAMPS
from kiosk.widgets.palette import Lamp
from kiosk.widgets.status_bar import Field

if TYPE_CHECKING:
    from kiosk.till.status import StatusView

AGES = {"fresh": Lamp.GREEN, "amber": Lamp.AMBER, "red": Lamp.RED, "over": Lamp.RED}
AMBER_OFFSET, RED_OFFSET = timedelta(seconds=30), timedelta(seconds=120)
"""Line 11 of the checklist."""


def fields(view: StatusView) -> Sequence[Field]:
    """From left to right; what is amber or red is never left out."""
    return (
        _registrar(view),
        _shift(view),
        _link(view),
        Field("cash", _("Cash"), "-" if view.cash is None else money(view.cash), rank=3),
        _paper(view),
        Field("terminal", _("Terminal"), _("manual") if view.terminal == "manual" else view.terminal, rank=8),
        _clock(view),
        Field("user", _("Cashier"), view.user.split(" ")[0] if view.user else "-", rank=2),
    )


def _registrar(view: StatusView) -> Field:
    kind = _("RRO") if view.hardware else _("PRRO")
    if view.unknown:
        return Field("flags", _("UNKNOWN"), view.number or kind, Lamp.PURPLE, 1)
    if view.blocks:
        return Field("flags", kind, _("blocked"), Lamp.RED, 1)
    return Field("flags", kind, view.number or "-", Lamp.OFF, 4)


def _shift(view: StatusView) -> Field:
    if view.shift_age is None:
        return Field("shift", _("Shift"), _("closed"), Lamp.OFF, 1)
    # A registrar that goes by its server's clock may be a second ahead.
    minutes = max(int(view.shift_age.total_seconds()) // 60, 0)
    lamp = AGES[str(view.shift_colour)] if view.shift_colour is not None else Lamp.GREEN
    return Field("shift", _("Shift"), f"{minutes // 60:02d}:{minutes % 60:02d}", lamp, 1)


def _link(view: StatusView) -> Field:
    if view.link is None:
        return Field("link", _("Link"), "…", Lamp.OFF, 1)
    if view.link and view.offline is not None and view.offline.mode is not Mode.ONLINE:
        word = _("SYNC") if view.offline.mode is Mode.SYNCING else _("OFFLINE")
        return Field("link", _("Link"), word, LAMPS[view.offline.mode], 1)
    return (
        Field("link", _("Link"), _("ONLINE"), Lamp.GREEN, 1)
        if view.link
        else Field("link", _("Link"), _("NO LINK"), Lamp.RED, 1)
    )


def _paper(view: StatusView) -> Field:
    if view.cover_open:
        return Field("printer", _("Paper"), _("cover open"), Lamp.RED, 5)
    if view.paper_out:
        return Field("printer", _("Paper"), _("none"), Lamp.RED, 5)
    if view.paper_low:
        return Field("printer", _("Paper"), _("low"), Lamp.AMBER, 5)
    return Field("printer", _("Paper"), _("in") if view.link else "-", Lamp.GREEN if view.link else Lamp.OFF, 5)


def _clock(view: StatusView) -> Field:
    offset = view.clock_offset
    if offset is None:
        return Field("clock", _("Clock"), "-", Lamp.OFF, 9)
    lamp = Lamp.RED if abs(offset) > RED_OFFSET else Lamp.AMBER if abs(offset) > AMBER_OFFSET else Lamp.GREEN
    return Field("clock", _("Clock"), f"{int(offset.total_seconds()):+d} {_('s')}", lamp, 9)
