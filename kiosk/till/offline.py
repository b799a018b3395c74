"""Work without the fiscal server as the till sees it: figures, permits, warnings, the way home (cashier-flow.md VI).

    Status.offline (the driver's) + the owner's policy ─► OfflineView ─► bar, payment key, dialogs
                                                      └─► Watch: each threshold is told once a session, kept on the disk

The driver decides what may be made and keeps the order; nothing here makes or sends a document by itself.
"""

from __future__ import annotations

import json
from collections.abc import Callable, Sequence
from contextlib import suppress
from dataclasses import dataclass, field
from datetime import datetime, timedelta
from enum import StrEnum
from pathlib import Path
from typing import Protocol, cast

from drivers.errors import Code
from drivers.registrar import Mode, RefusedDocument, Registrar, Status
from kiosk.ledger.records import Binding, BindingRole
from kiosk.till import rules
from kiosk.till.errors import N_, Refusal
from kiosk.till.notices import NOTICE
from kiosk.till.workplace import Workplace

BLOCKS = (Code.OFFLINE_FORBIDDEN, Code.OFFLINE_NUMBERS, Code.OFFLINE_LIMIT)
"""Why there is no offline work, as the status names it."""


class SoftwareRegistrar(Registrar, Protocol):
    """What a software registrar does besides (`drivers.prro.registrar.PrroRegistrar`)."""

    def probe(self) -> Status:
        """The status after asking for the line now."""

    def synchronise(self, progress: Callable[[int, int], None] | None = None, *, again: bool = False) -> bool: ...

    def export_unsent(self, folder: Path) -> list[Path]: ...


@dataclass(frozen=True)
class OfflineView:
    """Offline work now. `lasted` and what is left count from the stored notices, less the time since they were read.

    `why`: code of a block; `sells`: whether a sale may be begun; `reserve`: a reserve registrar is registered here.
    `numbers` None: the range has no end.
    """

    mode: Mode
    since: datetime | None = None
    lasted: timedelta | None = None
    session_left: timedelta | None = None
    month_left: timedelta | None = None
    queued: int = 0
    sent: int = 0
    numbers: int | None = None
    why: str = ""
    sells: bool = True
    reserve: bool = False
    refused: RefusedDocument | None = None

    @property
    def quiet(self) -> bool:
        """Nothing to tell: online."""
        return self.mode is Mode.ONLINE

    @property
    def nearest(self) -> tuple[str, timedelta] | None:
        """The limit that comes first and what is left of it; None while no session lasts."""
        if self.since is None or self.mode is Mode.ONLINE:
            return None
        left = [("session", self.session_left), ("month", self.month_left)]
        known = [(name, span) for name, span in left if span is not None]
        return min(known, key=lambda one: one[1]) if known else None


def view(status: Status | None, now: datetime, *, sell_while_syncing: bool, reserve: bool) -> OfflineView | None:
    """What the bar shows of a status; None for a registrar that has no offline work. `now` is this machine's time."""
    if status is None or status.offline is None:
        return None
    offline = status.offline
    # Time goes on between two readings; a clock that somebody turns back makes none.
    passed = max(now - status.read_at, timedelta()) if status.read_at is not None else timedelta()
    counts = offline.since is not None
    lasted = None
    if offline.since is not None and status.clock is not None:
        lasted = max(status.clock + passed - offline.since, timedelta())
    why = next((code for code in status.blocks if code in BLOCKS), "")
    if offline.mode is Mode.REJECTED:
        why = str(Code.SYNC_REJECTED)
    blocked = offline.mode in (Mode.BLOCKED, Mode.REJECTED)
    session_left = _less(offline.session_left, passed) if counts else offline.session_left
    month_left = _less(offline.month_left, passed) if counts else offline.month_left
    return OfflineView(
        mode=offline.mode,
        since=offline.since,
        lasted=lasted,
        session_left=session_left,
        month_left=month_left,
        queued=offline.queued,
        sent=offline.sent,
        numbers=offline.numbers_left,
        why=why,
        sells=not blocked and (offline.mode is not Mode.SYNCING or sell_while_syncing),
        reserve=reserve,
        refused=offline.refused,
    )


def _less(left: timedelta | None, passed: timedelta) -> timedelta | None:
    return None if left is None else max(left - passed, timedelta())


class Kind(StrEnum):
    """What is told aloud."""

    STARTED = "started"
    SESSION = "session"
    MONTH = "month"
    NUMBERS = "numbers"
    BLOCKED = "blocked"
    REJECTED = "rejected"


@dataclass(frozen=True)
class Alert:
    """One sound and one banner. `left` with `SESSION` and `MONTH`, `numbers` with `NUMBERS`, `why` with `BLOCKED`."""

    what: Kind
    left: timedelta | None = None
    numbers: int | None = None
    why: str = ""


@dataclass(frozen=True)
class Told:
    """What was told of one session: kept on the disk, so that a restart repeats nothing."""

    since: str = ""
    marks: tuple[str, ...] = ()
    numbers: int = 0
    """The most numbers seen in this session: the range that its part is counted from."""


def due(seen: OfflineView, told: Told, now: datetime) -> tuple[list[Alert], Told]:
    """What must be told now, and what is told after that. Pure."""
    since = seen.since.isoformat() if seen.since is not None else ""
    if seen.quiet:
        return [], told
    if since != told.since:
        told = Told(since)
    spans, _owner, percent = rules.offline_warnings(now)
    found: list[Alert] = []
    marks = list(told.marks)

    def once(mark: str, warning: Alert | None = None) -> None:
        if mark not in marks:
            marks.append(mark)
            if warning is not None:
                found.append(warning)

    if since:
        once("started", Alert(Kind.STARTED))
    nearest = seen.nearest
    if nearest is not None and seen.mode is not Mode.BLOCKED:
        limit, left = nearest
        crossed = [span for span in spans if left <= span]
        for span in crossed:
            # Several at once (the till was off meanwhile): the narrowest alone is news.
            warning = Alert(Kind(limit), left=left) if span is crossed[-1] else None
            once(f"{limit} {int(span.total_seconds()) // 60}", warning)
    numbers = max(told.numbers, seen.numbers or 0)
    if seen.numbers is not None and numbers and seen.numbers * 100 <= numbers * percent:
        once("numbers", Alert(Kind.NUMBERS, numbers=seen.numbers))
    if seen.mode is Mode.BLOCKED:
        once(f"blocked {seen.why}", Alert(Kind.BLOCKED, why=seen.why))
    elif seen.mode is Mode.REJECTED and seen.refused is not None:
        once(f"rejected {seen.refused.number} {seen.refused.code}", Alert(Kind.REJECTED))
    return found, Told(since, tuple(marks), numbers)


@dataclass
class Export:
    """Copies of what the server has not got."""

    folder: Path
    files: int = 0


@dataclass
class OfflineDesk:
    """The offline side of this workplace's software registrars."""

    workplace: Workplace
    _told: dict[int, Told] = field(default_factory=dict)

    # -- looking --------------------------------------------------------------------------------------------------

    def view(self, binding: Binding) -> OfflineView | None:
        """The registrar's offline work from memory; no device is asked. None for a hardware registrar."""
        return look(self.workplace, binding)

    def alerts(self) -> Sequence[Alert]:
        """What the cashier must be told now, each threshold once a session; the owner's notices are stored here."""
        found: list[Alert] = []
        for binding in self.workplace.bindings():
            seen = self.view(binding)
            if seen is not None:
                found += self._warn(binding, seen)
        return found

    def _warn(self, binding: Binding, seen: OfflineView) -> list[Alert]:
        now = self.workplace.clock.now()
        shop = self.workplace.ledger.shop
        name = f"offline_told_{binding.id}"
        told = self._told.get(binding.id)
        if told is None:
            kept = json.loads(shop.setting(name) or "{}")
            told = Told(kept.get("since", ""), tuple(kept.get("marks", ())), int(kept.get("numbers", 0)))
        found, after = due(seen, told, now)
        if after != told:
            shop.set_setting(name, json.dumps({"since": after.since, "marks": after.marks, "numbers": after.numbers}))
        self._told[binding.id] = after
        _spans, owner, _percent = rules.offline_warnings(now)
        heard = told.since == after.since and any(_span(mark) <= owner for mark in told.marks)
        for one in found:
            near = one.left is not None and one.left <= owner and not heard
            if near or one.what in (Kind.STARTED, Kind.BLOCKED, Kind.REJECTED):
                self._tell_owner(binding, seen, one)
        return found

    def _tell_owner(self, binding: Binding, seen: OfflineView, warning: Alert) -> None:
        minutes = {
            name: int(span.total_seconds()) // 60
            for name, span in (("session_left", seen.session_left), ("month_left", seen.month_left))
            if span is not None
        }
        detail = {"about": f"offline_{warning.what.value}", "registrar": binding.fiscal_number or binding.serial}
        refused = {"document": seen.refused.number, "text": seen.refused.text} if seen.refused is not None else {}
        self.workplace.audit(NOTICE, detail | minutes | {"queued": seen.queued, "why": seen.why} | refused)

    # -- acting ---------------------------------------------------------------------------------------------------

    def probe(self, binding: Binding) -> OfflineView | None:
        """Ask for the line now and look again: somebody waits at the till. Raises a driver's `Fault`."""
        access = self.workplace.desk(binding).access
        if not access.capabilities.hardware:
            access.last = access.call(lambda registrar: cast(SoftwareRegistrar, registrar).probe())
        return self.view(binding)

    def send_again(self, binding: Binding) -> OfflineView | None:
        """A person asks to send a refused session once more. Raises the server's `Refused` again, or `Unreachable`.

        Nothing is changed in the documents and none is passed over.
        """
        self.workplace.cashier()
        self.workplace.audit("offline_send_again", {"registrar": binding.fiscal_number})
        access = self.workplace.desk(binding).access
        try:
            access.call(lambda registrar: cast(SoftwareRegistrar, registrar).synchronise(again=True))
        finally:
            access.last = access.call(lambda registrar: registrar.status())
        return self.view(binding)

    def export(self, binding: Binding, folder: Path) -> Export:
        """Copy what the server has not got into a new folder under `folder`, for support. The queue keeps everything.

        Raises `Refusal` when the place cannot be written to.
        """
        self.workplace.cashier()
        name = f"prro-{binding.fiscal_number or binding.id}-{self.workplace.clock.now():%Y%m%d-%H%M%S}"
        target = folder / name
        try:
            written = self.workplace.desk(binding).access.call(
                lambda registrar: cast(SoftwareRegistrar, registrar).export_unsent(target)
            )
        except OSError as error:
            raise Refusal(
                "NO_PLACE",
                N_("The documents cannot be written to {folder}: {why}"),
                N_("Choose another folder or USB stick. Nothing is lost: the queue is as it was."),
                folder=str(folder),
                why=error.strerror or str(error),
            ) from error
        self.workplace.audit("offline_export", {"folder": str(target), "files": len(written)})
        return Export(target, len(written))


def _span(mark: str) -> timedelta:
    """The time left that a mark of a limit stands for; more than any limit for other marks."""
    limit, _space, minutes = mark.partition(" ")
    return timedelta(minutes=int(minutes)) if limit in (Kind.SESSION, Kind.MONTH) else timedelta.max


def look(workplace: Workplace, binding: Binding) -> OfflineView | None:
    """The registrar's offline work from memory."""
    access = workplace.desk(binding).access
    if access.capabilities.hardware:
        return None
    return view(
        access.last,
        workplace.clock.now(),
        sell_while_syncing=workplace.settings.policy.sell_while_syncing,
        reserve=bool(reserves(workplace, binding)),
    )


def reserves(workplace: Workplace, binding: Binding) -> list[Binding]:
    """Reserve registrars of the same enterprise at this workplace (cashier-flow.md VIII.7)."""
    found = workplace.ledger.shop.bindings(workplace.settings.workplace)
    return [one for one in found if one.role is BindingRole.RESERVE and one.enterprise_id == binding.enterprise_id]


MEDIA = ("/media/", "/run/media/", "/mnt/")
"""Where a desktop or a technician mounts a USB stick."""


def export_places(workplace: Workplace, mounts: Path = Path("/proc/mounts")) -> list[Path]:
    """Where copies for support may go: USB sticks that are plugged in, then the till's own folder."""
    found: list[Path] = []
    with suppress(OSError):
        for row in mounts.read_text(encoding="utf-8", errors="replace").splitlines():
            parts = row.split(" ")
            if len(parts) > 3 and parts[1].startswith(MEDIA) and "rw" in parts[3].split(","):
                found.append(Path(parts[1].replace("\\040", " ")))
    return [*found, workplace.settings.folder / "support"]


def may_go_on(workplace: Workplace, binding: Binding) -> bool:
    """Whether a sale may follow a receipt of unknown fate: a software registrar without a link keeps the lost number

    free and asks for it on the way home, before anything is delivered (fiscal-server.md §6.8). With a link the fate is
    found out first.
    """
    seen = look(workplace, binding)
    return seen is not None and seen.mode is Mode.OFFLINE


def guard(workplace: Workplace, binding: Binding) -> None:
    """No sale begins where offline work is blocked, refused, or on its way home (by the owner's policy).

    Raises `Refusal` with the sentence for the cashier (cashier-flow.md VI.2, VI-4).
    """
    seen = look(workplace, binding)
    if seen is None or seen.sells:
        return
    if seen.mode is Mode.SYNCING:
        raise Refusal(
            "SYNCING",
            N_("Synchronisation {sent}/{all}: selling goes on after it"),
            N_("Wait a moment. The basket is kept."),
            sent=seen.sent,
            all=seen.sent + seen.queued,
        )
    message, advice = SENTENCES.get(seen.why, SENTENCES[""])
    raise Refusal("OFFLINE_BLOCKED", message, advice)


SENTENCES = {
    str(Code.OFFLINE_LIMIT): (
        N_("Offline time is used up. Selling is forbidden until the link is back"),
        N_("Check the internet, or go over to the reserve registrar. The basket is kept."),
    ),
    str(Code.OFFLINE_FORBIDDEN): (
        N_("No link, and this registrar has no right to work offline (form 1-ПРРО). Selling is forbidden"),
        N_("Check the internet. The right is a tick in form 1-ПРРО: tell the owner. The basket is kept."),
    ),
    str(Code.OFFLINE_NUMBERS): (
        N_("No link, and the offline numbers are used up. Selling is forbidden until the link is back"),
        N_("Check the internet: the fiscal server gives new numbers. The basket is kept."),
    ),
    str(Code.SYNC_REJECTED): (
        N_("The fiscal server refused an offline document. Selling is forbidden until it is sent"),
        N_("Nothing is lost. Open the card of the refusal: send again, or export for support."),
    ),
    "": (
        N_("No link to the fiscal server, and offline work is not possible. Selling is forbidden"),
        N_("Check the internet. The basket is kept."),
    ),
}
"""What a blocked payment key says, by the code of the block."""
