"""Work without the fiscal server, and the way back to it (fiscal-server.md §6, cashier-flow.md VI).

    ONLINE --no link--> [102, document] --> documents … --link--> packages … [… 103] --> ONLINE
                                                        \\--"no"--> REFUSED: nothing goes on by itself, nothing is lost

Entry is one durable step: the begin document and the first document are stored together. Each document hashes the
signed octets of the one before, so those are stored as they are made and sent as they are stored. The begin document is
made again on the way back, because only then it is known whether it must take a lost online document back; the end
document is made when it is sent.
"""

from __future__ import annotations

import logging
from collections.abc import Callable, Iterator
from contextlib import suppress
from dataclasses import dataclass, replace
from datetime import datetime, timedelta
from itertools import pairwise

from drivers.errors import Code, Existence, LinkLost, Refused, Unreachable
from drivers.prro.answers import Fields, Pair, digits, read_pair, whole
from drivers.prro.client import Fate
from drivers.prro.desk import Desk, Make
from drivers.prro.documents import (
    Act,
    Chain,
    OfflineMark,
    begin_offline,
    chained,
    end_offline,
    package,
    previous_hash,
)
from drivers.prro.documents.offline import PACKAGE_BYTES, PACKAGE_DOCUMENTS
from drivers.prro.fates import Fates
from drivers.prro.meeting import Meeting
from drivers.prro.refusals import Refusal
from drivers.prro.rules import elapsed, month_start, rule
from drivers.prro.store import Entry, SessionRow, SessionState, Stage, Store

log = logging.getLogger(__name__)

FINANCIAL = frozenset({Act.SALE, Act.REFUND, Act.CASH_IN, Act.CASH_OUT, Act.STORNO})
"""Acts after which one may go offline although their answer is lost (§6.8)."""
CALLERS_FAULT = frozenset({
    Code.REGISTRAR_UNKNOWN, Code.ACCESS_DENIED, Code.SERVER_CRYPTOGRAPHY, Code.CERTIFICATE_REVOKED, Code.SERVER_ADDRESS,
})  # fmt: skip
"""Refusals of the sender or the address, not of a document: the session stays as it is and is sent again later."""
SECOND = timedelta(seconds=1)

Progress = Callable[[int, int], None]
"""Called with the documents delivered and all of the session's, after each package."""


@dataclass(frozen=True)
class Budget:
    """What the law leaves, and the figures it is left from."""

    session_used: timedelta
    session_left: timedelta
    month_used: timedelta
    month_left: timedelta


class OfflineWork:
    """The offline side of one registrar."""

    def __init__(self, desk: Desk, meeting: Meeting, fates: Fates, chain: Chain = Chain.SAMPLE) -> None:
        self._desk = desk
        self._meeting = meeting
        self._fates = fates
        self._chain = chain

    @property
    def _store(self) -> Store:
        return self._desk.store

    # -- may we? ------------------------------------------------------------------------------------------------------

    def budget(self, at: datetime) -> Budget:
        """Offline time used and left at an aware moment (§6.1)."""
        limits = rule(at)
        session = self._store.session()
        since = month_start(at)
        used = elapsed([(session.began, session.ended)], at) if session else timedelta()
        month = elapsed(self._store.spans(since), at, since)
        if base := self._desk.month_base(at):
            # What the server counted up to its last word, and what came after: another installation may have used some.
            told, when = base
            month = max(month, told + elapsed(self._store.spans(when), at, when))
        return Budget(used, limits.session - used, month, limits.month - month)

    def check(self, at: datetime) -> None:
        """Raises `Refused` when no document may be made offline at this moment; nothing is made then."""
        session = self._store.session()
        if session is not None and session.state is SessionState.REFUSED:
            raise _no(
                Code.SYNC_REJECTED,
                f"the fiscal server refused an offline document ({session.text}): send again or export for support",
            )
        if session is None:
            if not self._store.fact("offline_supported", False):
                raise _no(
                    Code.OFFLINE_FORBIDDEN,
                    "there is no link, and this registrar may not work offline: the right is a tick in form 1-ПРРО",
                )
            if self._store.pair is None:
                raise _no(
                    Code.OFFLINE_NUMBERS,
                    "there is no link, and the fiscal server has given no offline numbers: one online shift opening "
                    "is needed",
                )
        elif self._ending(session):
            raise _no(
                Code.OFFLINE_NUMBERS,
                "the end of the offline session is on its way and not confirmed: wait for the link",
            )
        left = self.budget(at)
        if left.session_left < timedelta():
            raise _no(Code.OFFLINE_LIMIT, f"{_hours(rule(at).session)} offline in a row are used up")
        if left.month_left < timedelta() or (session is None and left.month_left == timedelta()):
            raise _no(Code.OFFLINE_LIMIT, f"{_hours(rule(at).month)} offline in a calendar month are used up")

    # -- making documents ---------------------------------------------------------------------------------------------

    def issue(
        self, act: Act, request: str, make: Make, *, cashier: str = "", change: int = 0, reissue: bool = False
    ) -> Entry:
        """Make one document without the server; the first one begins the session (§6.2). One durable step.

        Raises `Refused` where it is not allowed, `Invalid` for a document that cannot be built, the faults of the key.
        """
        desk, store = self._desk, self._store
        session = store.session()
        self.check(desk.time.now())
        begin: Entry | None = None
        lost: Entry | None = None
        if act is Act.Z_REPORT:
            self._all_known(session)
        if session is None:
            lost = self._fates.lost()
            if lost is not None and lost.act not in FINANCIAL:
                raise _no(
                    Code.UNRESOLVED,
                    f"whether the {lost.act} number {lost.number} is registered is not known: the server is asked "
                    "as soon as it answers, and until then nothing may follow it",
                )
            if act is Act.STORNO:
                raise _no(Code.OFFLINE, "there is no link: the last online receipt is given back by a refund")
            pair = self._pair()
            number = (lost.number + 1) if lost else self._number()
            begin = desk.draft(
                Act.BEGIN_OFFLINE,
                "",
                begin_offline,
                number,
                desk.moment(apart=True),
                mark=OfflineMark(pair.session, 1, pair.seed),
                cashier=cashier,
                stamp=False,
            )
            place, previous, number = 2, "", number + 1
            moment = desk.moment(after=begin.moment, apart=True)
        else:
            pair = session.pair
            last = store.last_in_session(session.id)
            if last is None:
                raise _no(Code.FM_ERROR, "the offline session has no begin document: call help")
            place, number = last.place + 1, self._number()
            previous = previous_hash(last.signed) if chained(act, place, self._chain) else ""
            moment = desk.moment(apart=True)
        self.check(moment)
        mark = OfflineMark(pair.session, place, pair.seed, previous)
        entry = desk.draft(act, request, make, number, moment, mark=mark, cashier=cashier, change=change, stamp=False)
        with store.step("offline"):
            if begin is not None:
                session = store.begin_session(pair, begin.moment, lost.seq if lost else None)
                store.add(replace(begin, stage=Stage.OFFLINE_QUEUED, session=session.id))
                store.learn(pair=None)
            assert session is not None
            if reissue:
                session = store.change_session(replace(session, reissued=True))
            entry = store.add(replace(entry, stage=Stage.OFFLINE_QUEUED, session=session.id))
            store.learn(next_number=number + 1)
            return desk.effects(entry)

    def _all_known(self, session: SessionRow | None) -> None:
        """A Z-report counts the shift: it cannot while the server alone knows whether a receipt belongs to it."""
        lost = self._fates.lost() if session is None else session.lost and self._store.entry(session.lost)
        if lost and lost.stage in (Stage.SENDING, Stage.UNKNOWN) and not (session and session.reissued):
            raise _no(
                Code.UNRESOLVED,
                f"whether document {lost.number} is registered is not known: the Z-report waits for the link",
            )

    def _pair(self) -> Pair:
        pair = self._store.pair
        if pair is None:
            raise _no(Code.OFFLINE_NUMBERS, "the fiscal server has given no offline numbers")
        return pair

    def _number(self) -> int:
        number = self._store.next_number
        if number is None:
            raise Unreachable(Code.OFFLINE, "the registrar was never online: its next number is not known")
        return number

    # -- the way back -------------------------------------------------------------------------------------------------

    def synchronise(self, progress: Progress | None = None, *, until: float | None = None, again: bool = False) -> bool:
        """Deliver the session's documents in their order and end it (§6.7). True when the registrar is online.

        `until`: stop between packages after this monotonic time, with False; one package always goes. `again`: a
        person asks to send a refused session once more. Raises `Unreachable` and `LinkLost` when the line breaks
        (nothing is lost, call again), `Refused` with `SYNC_REJECTED` when the server refuses a document.
        """
        desk, store = self._desk, self._store
        session = store.session()
        if session is None:
            return True
        if session.state is SessionState.REFUSED:
            if not again:
                self.check(desk.time.now())
            with store.step("send again"):
                session = store.change_session(replace(session, state=SessionState.OPEN, code="", text="", place=None))
        desk.signer()
        state = self._ask(session)
        if self._over(session, state):
            return True
        session = self._frame(session)
        retried = False
        begun = False
        while True:
            if begun and until is not None and desk.time.monotonic() >= until:
                return False
            begun = True
            if progress is not None:
                progress(*self.counts(session))
            batch = self._batch(session)
            end = self._end(session, batch)
            if not batch and end is None:
                raise LinkLost(Code.FRAME, "the offline session has nothing to send", existence=Existence.NO)
            sent = [*batch, end] if end is not None else batch
            delivery = desk.server.package(package([each.signed for each in sent]))
            if delivery.fate is Fate.ACCEPTED and end is None:
                with store.step("package"):
                    for entry in batch:
                        store.mark(entry, Stage.OFFLINE_SENT)
                continue
            if delivery.fate is Fate.ACCEPTED and end is not None and delivery.pair is not None:
                self._finish(session, end, delivery.pair)
                if progress is not None:
                    progress(*self.counts(session))
                self._confirm()
                return True
            if delivery.fate is Fate.NOT_SENT:
                if end is not None:
                    desk.reject(end, Code.OFFLINE, "it was never sent")
                raise Unreachable(Code.OFFLINE, delivery.what)
            if delivery.fate is Fate.REJECTED and delivery.refusal is not None:
                if end is not None:
                    end = desk.reject(end, delivery.refusal.code, delivery.refusal.text)
                if self._refused(session, sent, delivery.refusal):
                    continue
            # The answer is lost or makes no sense: ask what has come over (§6.6).
            state = self._ask(session)
            if self._over(session, state):
                return True
            if retried:
                raise LinkLost(Code.OFFLINE, delivery.what or "the package got no answer", existence=Existence.NO)
            retried = True

    def counts(self, session: SessionRow) -> tuple[int, int]:
        """(delivered, all) documents of the session."""
        delivered = self._store.count_in_session(session.id, Stage.OFFLINE_SENT)
        return delivered, delivered + self._store.count_in_session(session.id, Stage.OFFLINE_QUEUED)

    def _ask(self, session: SessionRow) -> Fields:
        """The registrar's state as it stands to this session; what the server has is marked as delivered."""
        desk, store = self._desk, self._store
        desk.server.server_state()
        state = desk.server.state(desk.settings.number, session.pair)
        if state is None:
            raise LinkLost(Code.FRAME, "the fiscal server has no data about this registrar", existence=Existence.NO)
        here = digits(state.get("OfflineSessionId"))
        expected = whole(state.get("OfflineNextLocalNum"))
        if here == session.pair.session and expected is not None:
            # Below the expected place the server has everything; from it on nothing, also where it had confirmed it
            # and has taken its word back (OfflineSessionRolledBack).
            with store.step("delivered"):
                store.delivered(session.id, expected)
        return state

    def _over(self, session: SessionRow, state: Fields) -> bool:
        """Whether the server has ended the session: our end document reached it, or it did so by itself."""
        here = digits(state.get("OfflineSessionId"))
        ending = self._ending(session)
        if not here and ending is not None:
            raise _no(
                Code.ACCESS_DENIED,
                "the fiscal server tells nothing about the offline session: unlock the key that opened the shift",
            )
        if here == session.pair.session or not here:
            if ending is not None:
                # Still the same session: the end did not arrive and is made anew.
                self._desk.reject(ending, Code.OFFLINE, "it did not arrive")
            return False
        pair = read_pair(state)
        if ending is not None and pair is not None:
            self._finish(session, ending, pair)
            return True
        raise self._stop(
            session,
            Code.SYNC_REJECTED,
            f"the fiscal server works with offline session {here}, the documents belong to {session.pair.session}",
        )

    def _ending(self, session: SessionRow) -> Entry | None:
        """An end document that is on its way."""
        ending = None
        for entry in self._store.in_session(session.id, Stage.SIGNED, Stage.SENDING, Stage.UNKNOWN):
            if entry.act is Act.END_OFFLINE:
                ending = entry
        if ending is not None and ending.stage is Stage.SIGNED:
            self._desk.reject(ending, Code.OFFLINE, "it was never sent")
            return None
        return ending

    def _frame(self, session: SessionRow) -> SessionRow:
        """Decide about the lost online document and make the begin document for the delivery (§6.7.3, §6.8)."""
        store = self._store
        begin = next(iter(store.in_session(session.id, Stage.OFFLINE_QUEUED, most=1)), None)
        if begin is None or begin.place != 1:
            return session
        lost = store.entry(session.lost) if session.lost else None
        if lost is not None and lost.stage in (Stage.SENDING, Stage.UNKNOWN):
            found = self._fates.registered(lost)
            if found is not None:
                owner, fiscal = found
                session = self._found(session, lost, owner, fiscal)
        return self._remake(session, begin)

    def _found(self, session: SessionRow, lost: Entry, owner: Entry, fiscal: str) -> SessionRow:
        """The lost document is registered, and by its UID it is ours."""
        store = self._store
        with store.step("lost found"):
            if session.reissued and owner.seq == lost.seq:
                store.mark(lost, Stage.UNKNOWN, fiscal=fiscal, text="registered; the session takes it back")
                return store.change_session(replace(session, revoke=True))
            store.mark(owner, Stage.ACCEPTED, fiscal=fiscal, code="", text="")
            if owner.seq != lost.seq:
                store.mark(lost, Stage.REJECTED, code=str(Code.LOCAL_NUMBER), text=f"{owner.uid} has its number")
            return session

    def _remake(self, session: SessionRow, begin: Entry) -> SessionRow:
        desk, store = self._desk, self._store
        pair = session.pair
        made = desk.draft(
            Act.BEGIN_OFFLINE,
            "",
            lambda outlet, heading: begin_offline(outlet, heading, revoke_last=session.revoke),
            begin.number,
            begin.moment,
            mark=OfflineMark(pair.session, 1, pair.seed),
            uid=begin.uid,
        )
        with store.step("begin made again"):
            store.remake(replace(begin, xml=made.xml, signed=made.signed))
        return session

    def _batch(self, session: SessionRow) -> list[Entry]:
        """The next documents that fit into one package."""
        batch: list[Entry] = []
        filled = 0
        for entry in self._store.in_session(session.id, Stage.OFFLINE_QUEUED, most=PACKAGE_DOCUMENTS):
            length = len(entry.signed) + 4
            if batch and filled + length > PACKAGE_BYTES:
                break
            batch.append(entry)
            filled += length
        return batch

    def _end(self, session: SessionRow, batch: list[Entry]) -> Entry | None:
        """The end document, when it closes this very package; stored as "sending" before it goes."""
        desk, store = self._desk, self._store
        if store.count_in_session(session.id, Stage.OFFLINE_QUEUED) > len(batch) or len(batch) >= PACKAGE_DOCUMENTS:
            return None
        last = store.last_in_session(session.id)
        if last is None:
            return None
        place = last.place + 1
        previous = previous_hash(last.signed) if chained(Act.END_OFFLINE, place, self._chain) else ""
        moment = desk.moment(after=last.moment)
        pair = session.pair
        end = desk.draft(
            Act.END_OFFLINE, "", end_offline, self._number(), moment,
            mark=OfflineMark(pair.session, place, pair.seed, previous),
        )  # fmt: skip
        if sum(len(each.signed) + 4 for each in [*batch, end]) > PACKAGE_BYTES:
            return None
        with store.step("end"):
            return store.add(replace(end, stage=Stage.SENDING, session=session.id))

    def _finish(self, session: SessionRow, end: Entry, pair: Pair) -> None:
        """Everything is delivered: one durable step back to online."""
        store = self._store
        with store.step("online"):
            for entry in store.in_session(session.id, Stage.OFFLINE_QUEUED):
                store.mark(entry, Stage.OFFLINE_SENT)
            store.mark(end, Stage.OFFLINE_SENT)
            lost = store.entry(session.lost) if session.lost else None
            if lost is not None and lost.stage in (Stage.SENDING, Stage.UNKNOWN):
                if session.revoke:
                    store.mark(lost, Stage.REVOKED, text="taken back by the offline session")
                else:
                    store.mark(lost, Stage.REJECTED, code=str(Code.OFFLINE), text="the server never got it")
            store.change_session(replace(session, state=SessionState.DONE, ended=end.moment))
            store.learn(pair=[pair.session, pair.seed], next_number=end.number + 1)

    def _confirm(self) -> None:
        """§6.7.5: look whether the server counts as we do; a line that breaks here changes nothing."""
        self._desk.forget()
        with suppress(Unreachable, LinkLost):
            self._meeting.learn_state()

    def _refused(self, session: SessionRow, sent: list[Entry], refusal: Refusal) -> bool:
        """The server refused a package. True to go on at once; raises `Refused` to stop (§6.6, §6.8)."""
        desk, store = self._desk, self._store
        if refusal.code in CALLERS_FAULT:
            raise refusal.fault("pck")
        self._ask(session)
        if refusal.code is Code.LOCAL_NUMBER and self._send_lost(session):
            return True
        place = refusal.place
        bad = sent[min(place, len(sent) - 1)] if place is not None and sent else None
        first = bad.place if bad is not None else 0
        waiting = [store.entry(each.seq) or each for each in sent]
        good = [each for each in waiting if each.stage is Stage.OFFLINE_QUEUED and each.place < first]
        if good:
            # What stands before the refused one is sound: deliver it, so that only the refused one waits.
            delivery = desk.server.package(package([each.signed for each in good]))
            if delivery.fate is Fate.ACCEPTED:
                with store.step("package"):
                    for entry in good:
                        store.mark(entry, Stage.OFFLINE_SENT)
        raise self._stop(session, refusal.code, refusal.text, bad)

    def _send_lost(self, session: SessionRow) -> bool:
        """The unsolved case of §6.8: the server wants the lost online number first. True when it has got it now."""
        desk, store = self._desk, self._store
        lost = store.entry(session.lost) if session.lost else None
        if lost is None or lost.stage not in (Stage.SENDING, Stage.UNKNOWN) or session.revoke:
            return False
        delivery = desk.server.document(lost.signed, lost.uid, lost.number)
        if delivery.fate in (Fate.NOT_SENT, Fate.UNKNOWN):
            raise LinkLost(Code.OFFLINE, delivery.what, existence=Existence.NO)
        if delivery.fate is not Fate.ACCEPTED or delivery.ticket is None:
            return False
        changed = self._found(session, lost, lost, delivery.ticket.fiscal_number)
        begin = next(iter(store.in_session(session.id, Stage.OFFLINE_QUEUED, most=1)), None)
        if begin is not None and begin.place == 1:
            self._remake(changed, begin)
        return True

    def _stop(self, session: SessionRow, code: Code, text: str, bad: Entry | None = None) -> Refused:
        """Nothing goes on by itself: the refusal is on record with the document that met it."""
        where = place_of(bad) if bad is not None else ""
        with self._store.step("refused"):
            self._store.change_session(
                replace(
                    session,
                    state=SessionState.REFUSED,
                    code=str(code),
                    text=f"{where}{text}",
                    place=bad.place if bad is not None else None,
                )
            )
        return _no(Code.SYNC_REJECTED, f"the fiscal server refused an offline document: {where}{text}", raw=str(code))


def unbroken(entries: Iterator[Entry] | list[Entry], chain: Chain = Chain.SAMPLE) -> bool:
    """Whether the documents of one session, in order, hash one another as §6.4 says."""
    from drivers.prro.documents import read_document

    return all(
        read_document(after.xml).previous
        == (previous_hash(before.signed) if chained(after.act, after.place, chain) else "")
        and after.place == before.place + 1
        and after.number == before.number + 1
        for before, after in pairwise(entries)
    )


def place_of(entry: Entry) -> str:
    """How a refusal on record begins: which document met it."""
    return f"document {entry.number} ({entry.fiscal}): "


def _no(code: Code, what: str, raw: str = "") -> Refused:
    return Refused(code, what, raw=raw, existence=Existence.NO)


def _hours(span: timedelta) -> str:
    return f"{round(span.total_seconds() / 3600)} hours"
