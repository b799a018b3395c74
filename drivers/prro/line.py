"""The line to the fiscal server: is there one, may documents go home (cashier-flow.md VI.2)."""

from __future__ import annotations

import logging
from datetime import datetime

from drivers.clock import Clock
from drivers.errors import Code, DifferentDevice, Existence, Fault, LinkLost, Refused, Unreachable
from drivers.prro.desk import Desk
from drivers.prro.documents import Act, Outlet
from drivers.prro.fates import Fates
from drivers.prro.meeting import Meeting
from drivers.prro.offline import FINANCIAL, OfflineWork, place_of
from drivers.prro.store import SessionRow, SessionState, Stage
from drivers.registrar import Mode, Offline, RefusedDocument

log = logging.getLogger(__name__)

HEARD = 5.0
"""Seconds after the server's last word in which a document goes out without asking for the line first.

The question costs one round trip and is worth it: a document sent into a dead line is one of unknown fate (§6.8), while
an unanswered question is nothing at all (cashier-flow.md VI.2: a probe before each document).
"""
QUIET = 60.0
"""Seconds of silence after which the line is asked for in the background."""
DEAD = 5.0
"""Seconds after a failed question in which the line is not asked again: the snapshot asked, the registration knows."""
PROBE_EVERY = 30.0
"""Seconds between questions in the background while there is no link (§6.7)."""
SLICE = 2.0
"""Seconds that one call in the background may spend on bringing documents home."""
SHORT_QUEUE = 100
"""Offline documents that are brought home before the next sale; a longer queue lets the sale go first, offline."""


class Line:
    """The line of one registrar. `trouble` is what the server said last that keeps the work from going on."""

    def __init__(self, desk: Desk, meeting: Meeting, fates: Fates, offline: OfflineWork, clock: Clock) -> None:
        """`clock` is the machine's own."""
        self._desk = desk
        self._meeting = meeting
        self._fates = fates
        self._offline = offline
        self._clock = clock
        self._dead_at: float | None = None
        self._asked_at: float | None = None
        self._syncing = False
        self.trouble: Fault | None = None
        self.outlet: Outlet | None = None

    def forget(self) -> None:
        """The registrar is closed: the next one begins anew."""
        self._dead_at = self._asked_at = self.outlet = None

    def went_down(self) -> None:
        """A question or a document found nobody."""
        self._dead_at = self._clock.monotonic()

    @property
    def alive(self) -> bool:
        return self._dead_at is None and self._desk.met

    def came_back(self) -> None:
        self._dead_at = None
        self.trouble = None
        if self._desk.met:
            self.outlet = self._desk.outlet()

    def remember(self, fault: Fault) -> None:
        """Another device is no passing trouble: the next word with the server begins with that question."""
        if isinstance(fault, DifferentDevice):
            self._desk.forget()
            self.trouble = fault

    def is_up(self) -> bool:
        """Whether the next document goes online. Brings a short offline queue home when the link is back.

        Raises `Refused` and `DifferentDevice` for a server that answers and says no.
        """
        desk = self._desk
        now = self._clock.monotonic()
        session = desk.store.session()
        if self._dead_at is not None and now - self._dead_at < DEAD:
            return False
        try:
            if session is not None:
                if session.state is SessionState.REFUSED:
                    self._offline.check(desk.time.now())
                self._meeting.ping(tries=1)
                if desk.store.count_in_session(session.id, Stage.OFFLINE_QUEUED) > SHORT_QUEUE:
                    return False
                if not self._offline.synchronise():
                    return False
            heard = desk.server.heard_at
            if not desk.met:
                self._meeting.meet()
            elif heard is None or now - heard > HEARD:
                self._meeting.ping()
        except (Unreachable, LinkLost) as fault:
            if fault.code is Code.BUSY:
                raise
            log.info("no link: %s", fault.what)
            self._dead_at = self._clock.monotonic()
            return False
        self.came_back()
        return True

    def tend(self, *, at_once: bool = False) -> None:
        """In the background: is there a link, and may documents go home? `at_once`: a person wants to know now."""
        desk = self._desk
        now = self._clock.monotonic()
        session = desk.store.session()
        heard = desk.server.heard_at
        quiet = self._asked_at is None or now - self._asked_at >= PROBE_EVERY
        fresh = heard is not None and now - heard < QUIET and self._dead_at is None and desk.met
        if not at_once and ((session is None and fresh) or (not quiet and not self._syncing)):
            return
        self._asked_at = now
        try:
            desk.signer()
            if session is not None and session.state is not SessionState.REFUSED:
                self._meeting.ping(tries=1)
                self._syncing = not self._offline.synchronise(until=self._clock.monotonic() + SLICE)
                if self._syncing:
                    return
            if session is None or session.state is not SessionState.REFUSED:
                self._meeting.meet()
            self._meeting.ping(tries=1)
            self.came_back()
        except (Unreachable, LinkLost) as fault:
            self._syncing = False
            self._dead_at = self._clock.monotonic()
            self.trouble = fault
        except Fault as fault:
            self._syncing = False
            self.trouble = fault

    def status(self, now: datetime) -> Offline:
        store = self._desk.store
        session = store.session()
        left = self._offline.budget(now)
        numbers = None if session is not None or store.pair is not None else 0
        if session is None:
            blocked = self.offline_fault(now) if self._dead_at is not None else None
            mode = Mode.ONLINE if self._dead_at is None else Mode.BLOCKED if blocked else Mode.OFFLINE
            return Offline(
                mode, month_left=left.month_left, numbers_left=numbers,
                reason=self.trouble.what if self.trouble else "", allowed=store.fact("offline_supported"),
            )  # fmt: skip
        sent, total = self._offline.counts(session)
        mode = Mode.SYNCING if self._syncing else Mode.OFFLINE
        if session.state is SessionState.REFUSED:
            mode = Mode.REJECTED
        elif self.offline_fault(now) is not None:
            mode = Mode.BLOCKED
        return Offline(
            mode,
            since=session.began,
            session_left=left.session_left,
            month_left=left.month_left,
            queued=total - sent,
            sent=sent,
            numbers_left=numbers,
            reason=session.text,
            allowed=store.fact("offline_supported"),
            refused=self._refused(session) if session.state is SessionState.REFUSED else None,
        )

    def _refused(self, session: SessionRow) -> RefusedDocument:
        """The refusal as it is on record, and the document that met it."""
        if session.place is None:
            return RefusedDocument(session.code, session.text)
        store = self._desk.store
        bad = next(iter(store.in_session(session.id, *Stage, since=session.place, most=1)), None)
        if bad is None or bad.place != session.place:
            return RefusedDocument(session.code, session.text)
        text = session.text.removeprefix(place_of(bad))
        return RefusedDocument(session.code, text, bad.number, bad.fiscal, str(bad.act), bad.moment)

    def offline_fault(self, now: datetime) -> Code | None:
        try:
            self._offline.check(now)
        except Refused as fault:
            return fault.code
        return None

    def settle_others(self, request: str, *, alive: bool) -> None:
        """Nothing may follow an act whose fate is not known, but offline documents after a lost receipt (§6.8)."""
        store = self._desk.store
        session = store.session()
        for entry in store.open_entries():
            mine = entry.request == request and bool(request)
            waits = session is not None and session.lost == entry.seq
            if mine or waits or entry.act is Act.END_OFFLINE:
                continue
            if entry.stage in (Stage.PREPARED, Stage.SIGNED):
                self._fates.settle(entry)
            elif alive:
                try:
                    self._fates.settle(entry)
                except (Unreachable, LinkLost) as fault:
                    raise Refused(Code.UNRESOLVED, f"the fate of document {entry.number} is not known: {fault.what}",
                                  existence=Existence.NO) from fault  # fmt: skip
            elif entry.act not in FINANCIAL:
                raise Refused(
                    Code.UNRESOLVED,
                    f"whether the {entry.act} number {entry.number} is registered is not known, and there is no link",
                    existence=Existence.NO,
                )
