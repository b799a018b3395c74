"""Offline work in words: the bar, the warnings, why selling is forbidden (cashier-flow.md VI.2)."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import timedelta
from typing import TYPE_CHECKING

from drivers.registrar import Mode
from kiosk.i18n import _
from kiosk.till.errors import N_
from kiosk.till.offline import SENTENCES, Alert, Kind, OfflineView
from kiosk.widgets.palette import Lamp

if TYPE_CHECKING:
    from kiosk.till.status import StatusView

HOUR = timedelta(hours=1)
LAMPS = {
    Mode.ONLINE: Lamp.OFF,
    Mode.OFFLINE: Lamp.AMBER,
    Mode.SYNCING: Lamp.AMBER,
    Mode.BLOCKED: Lamp.RED,
    Mode.REJECTED: Lamp.RED,
}


def hours(span: timedelta | None) -> str:
    """Whole minutes as 34:48; days are hours."""
    if span is None:
        return "-"
    minutes = int(span.total_seconds()) // 60
    return f"{minutes // 60:02d}:{minutes % 60:02d}"


def bar(view: StatusView) -> tuple[Lamp, Sequence[str]]:
    """The row under the status bar, widest text first; nothing while online and on a hardware registrar."""
    seen = view.offline
    if seen is None or seen.quiet:
        return Lamp.OFF, ()
    return LAMPS[seen.mode], _texts(seen)


def _texts(seen: OfflineView) -> Sequence[str]:
    if seen.mode is Mode.SYNCING:
        text = _("Synchronisation {sent}/{all}").format(sent=seen.sent, all=seen.sent + seen.queued)
        return (text if seen.sells else f"{text} · {_('selling goes on after it')}", text)
    if seen.mode is Mode.REJECTED:
        number = seen.refused.number if seen.refused is not None else 0
        what = _("document No. {number}").format(number=number) if number else _("the offline session")
        text = f"{_('SERVER REFUSED')} · {what}"
        queue = _("receipts queued {count}").format(count=seen.queued)
        return (f"{text} · {queue} · {_('nothing is lost, touch here')}", f"{text} · {queue}", text)
    if seen.mode is Mode.BLOCKED:
        word = f"{_('OFFLINE BLOCKED')} {hours(seen.lasted)}" if seen.lasted is not None else _("OFFLINE BLOCKED")
        why = _(SHORT.get(seen.why, SHORT[""]))
        queue = _("receipts queued {count}").format(count=seen.queued)
        return (f"{word} · {why} · {queue}", f"{word} · {why}", word)
    word = f"{_('OFFLINE')} {hours(seen.lasted)}" if seen.lasted is not None else _("OFFLINE")
    if seen.since is None:
        left = _("month {left} left").format(left=hours(seen.month_left))
        return (f"{word} · {_('no link: the next receipt is made offline')} · {left}", f"{word} · {left}", word)
    session, month = hours(seen.session_left), hours(seen.month_left)
    numbers = _("numbers {count}").format(count=seen.numbers) if seen.numbers is not None else _("numbers enough")
    session_text = _("session {left} left").format(left=session)
    month_text = _("month {left} left").format(left=month)
    full = (word, session_text, month_text, _("receipts queued {count}").format(count=seen.queued), numbers)
    fair = (word, session_text, month_text, _("queued {count}").format(count=seen.queued), numbers)
    small = (word, session_text, month_text, _("queued {count}").format(count=seen.queued))
    return tuple(" · ".join(parts) for parts in (full, fair, small, small[:3], small[:2]))


SHORT = {
    "OFFLINE_LIMIT": N_("offline time is used up"),
    "OFFLINE_FORBIDDEN": N_("no right (form 1-ПРРО)"),
    "OFFLINE_NUMBERS": N_("no offline numbers"),
    "": N_("no link"),
}


def sentence(seen: OfflineView) -> tuple[str, str]:
    """What a blocked payment says: the sentence and the next step."""
    if seen.mode is Mode.SYNCING:
        text = _("Synchronisation {sent}/{all}: selling goes on after it")
        return text.format(sent=seen.sent, all=seen.sent + seen.queued), _("Wait a moment. The basket is kept.")
    message, advice = SENTENCES.get(seen.why, SENTENCES[""])
    return _(message), _(advice)


def alert(warning: Alert) -> tuple[Lamp, str]:
    """A warning in one row."""
    if warning.what is Kind.STARTED:
        return Lamp.AMBER, _("Working OFFLINE: receipts go to the server by themselves later")
    if warning.what is Kind.NUMBERS:
        return Lamp.AMBER, _("Offline numbers left: {count}").format(count=warning.numbers)
    if warning.what is Kind.BLOCKED:
        return Lamp.RED, _("Selling is forbidden: {why}").format(why=_(SHORT.get(warning.why, SHORT[""])))
    if warning.what is Kind.REJECTED:
        return Lamp.RED, _("The fiscal server refused an offline document: touch here")
    text = _("Offline session ends in {left}") if warning.what is Kind.SESSION else _("Offline month ends in {left}")
    near = warning.left is not None and warning.left <= HOUR
    return Lamp.RED if near else Lamp.AMBER, text.format(left=hours(warning.left))
