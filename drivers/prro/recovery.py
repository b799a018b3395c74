"""A registrar's memory that came back from a copy: what the server knows and the copy does not (cashier-flow.md X.7).

    device taken over ─► acts in doubt settled ─► offline session of the copy ─► numbers after the copy ─► met again

Each document that the server registered after the copy is asked for by its local number, named, and taken into the
memory, so that the shift's figures and the numbering go on where the server stands. An offline document of the copy
goes to the server only if the server has not got it: it is asked first, document by document where its session is over.
Nothing is ever signed anew here, and nothing is deleted.
"""

from __future__ import annotations

import logging
from collections.abc import Sequence
from dataclasses import dataclass, replace
from datetime import UTC, datetime
from typing import TYPE_CHECKING
from uuid import UUID

from msgspec import structs

from drivers.errors import Code, DifferentDevice, Existence, Invalid, LinkLost, Refused
from drivers.prro.answers import decode64, digits, text_of, whole, yes
from drivers.prro.desk import Desk, sums
from drivers.prro.documents import Act, Record, read_document
from drivers.prro.fates import Fates
from drivers.prro.meeting import Meeting
from drivers.prro.store import Entry, SessionRow, SessionState, Stage

if TYPE_CHECKING:
    from drivers.prro.offline import OfflineWork

log = logging.getLogger(__name__)

MOST = 20_000
"""Documents after the copy that are asked for one by one."""


@dataclass(frozen=True)
class Missing:
    """A document that the server has and the copy had not. `sum` kopecks; `taken` says that its contents came over."""

    number: int
    fiscal: str
    act: str
    at: datetime | None = None
    sum: int = 0
    taken: bool = False


@dataclass(frozen=True)
class Recovered:
    """What came of it. `delivered`, `sent`, `lost`: fiscal numbers of the copy's unsent offline documents that the
    server had already, that went to it now, and that it takes no more."""

    missing: tuple[Missing, ...] = ()
    delivered: tuple[str, ...] = ()
    sent: tuple[str, ...] = ()
    lost: tuple[str, ...] = ()
    next_number: int = 0
    reason: str = ""


class Recovery:
    """Works on one registrar's desk. Raises `Unreachable` and `LinkLost` when the line breaks: call it again."""

    def __init__(self, desk: Desk, meeting: Meeting, fates: Fates, offline: OfflineWork) -> None:
        self._desk = desk
        self._meeting = meeting
        self._fates = fates
        self._offline = offline

    def run(self) -> Recovered:
        """Make this device the registrar's own and bring its memory up to the server's state. May be repeated."""
        desk, store = self._desk, self._desk.store
        desk.signer()
        self._meeting.ping()
        self._meeting.refresh_outlet()
        desk.server.register_device(desk.settings.number, self._meeting.device, forced=True)
        session = store.session()
        self._settle(session)
        missing: list[Missing] = []
        delivered: tuple[str, ...] = ()
        sent: tuple[str, ...] = ()
        if session is not None:
            waiting = self._waiting(session)
            has, over = self._compare(session)
            left = [entry for entry in waiting if entry.fiscal not in has]
            delivered = tuple(entry.fiscal for entry in waiting if entry.fiscal in has)
            if over and left:
                reason = f"offline session {session.pair.session} is over and {len(left)} documents of it are not there"
                with store.step("refused"):
                    store.change_session(
                        replace(session, state=SessionState.REFUSED, code=str(Code.SYNC_REJECTED), text=reason)
                    )
                lost = tuple(entry.fiscal for entry in left)
                return Recovered((), delivered, (), lost, store.next_number or 0, reason)
            if over:
                self._close(session)
            else:
                missing += self._beyond(session)
                self._offline.synchronise(again=True)
                sent = tuple(entry.fiscal for entry in left)
        missing += self._after_copy()
        desk.forget()
        self._meeting.meet()
        return Recovered(tuple(missing), delivered, sent, (), store.next_number or 0)

    # -- acts in doubt ------------------------------------------------------------------------------------------------

    def _settle(self, session: SessionRow | None) -> None:
        """What was on its way when the copy was made. Another act may have its number now: that is an answer too."""
        for entry in self._desk.store.open_entries():
            if entry.act is Act.END_OFFLINE or (session is not None and session.lost == entry.seq):
                continue
            try:
                self._fates.settle(entry)
            except DifferentDevice as fault:
                log.warning("document %s of the copy: %s", entry.number, fault.what)
                now = self._desk.store.entry(entry.seq)
                if now is not None and now.stage in (Stage.SENDING, Stage.UNKNOWN):
                    self._desk.reject(now, Code.DIFFERENT_DEVICE, fault.what)

    # -- the copy's offline session -----------------------------------------------------------------------------------

    def _waiting(self, session: SessionRow) -> list[Entry]:
        return self._desk.store.in_session(session.id, Stage.OFFLINE_QUEUED)

    def _compare(self, session: SessionRow) -> tuple[frozenset[str], bool]:
        """Which of the session's waiting documents the server has, and whether it works with another session by now."""
        desk, store = self._desk, self._desk.store
        waiting = self._waiting(session)
        state = desk.server.state(desk.settings.number) or {}
        here = digits(state.get("OfflineSessionId"))
        if not here:
            raise Refused(
                Code.ACCESS_DENIED,
                "the fiscal server tells nothing about the offline session: unlock the key that opened the shift",
                existence=Existence.NO,
            )
        if here != session.pair.session:
            has = frozenset(entry.fiscal for entry in waiting if self._registered(entry))
            with store.step("delivered before"):
                for entry in waiting:
                    if entry.fiscal in has:
                        store.mark(entry, Stage.OFFLINE_SENT)
            if len(has) == len(waiting):
                return has, True
            # A session that the server ended by itself comes back when it is named (§2.6, §6.6).
            state = desk.server.state(desk.settings.number, session.pair) or {}
            if digits(state.get("OfflineSessionId")) != session.pair.session:
                return has, True
            waiting = [entry for entry in waiting if entry.fiscal not in has]
        else:
            has = frozenset()
        expected = whole(state.get("OfflineNextLocalNum")) or 1
        has |= frozenset(entry.fiscal for entry in waiting if entry.place < expected)
        with store.step("delivered"):
            store.delivered(session.id, expected)
        return has, False

    def _registered(self, entry: Entry) -> bool:
        info = self._desk.server.document_info(self._desk.settings.number, entry.number) or {}
        return text_of(info.get("NumFiscal")) == entry.fiscal

    def _close(self, session: SessionRow) -> None:
        """The session ended on the server, with everything of the copy in it."""
        store = self._desk.store
        last = store.last_in_session(session.id)
        with store.step("session over"):
            for entry in store.in_session(session.id, Stage.SIGNED, Stage.SENDING, Stage.UNKNOWN):
                store.mark(
                    entry, Stage.REJECTED, code=str(Code.OFFLINE), text="another end document closed the session"
                )
            ended = session.ended or (last.moment if last is not None else session.began)
            store.change_session(replace(session, state=SessionState.DONE, code="", text="", ended=ended))

    def _beyond(self, session: SessionRow) -> list[Missing]:
        """Documents of the same session that were made and delivered after the copy: the chain goes on behind them."""
        desk, store = self._desk, self._desk.store
        state = desk.server.state(desk.settings.number, session.pair) or {}
        expected = whole(state.get("OfflineNextLocalNum")) or 1
        last = store.last_in_session(session.id)
        number = store.next_number
        if last is None or number is None or expected <= last.place + 1:
            return []
        found = []
        with store.step("taken into the session"):
            for place in range(last.place + 1, expected):
                missing, record, xml = self._fetch(number)
                if record is None:
                    raise LinkLost(Code.FRAME, f"the server does not give document {number}", existence=Existence.NO)
                signed = desk.server.stored(
                    desk.settings.number, missing.fiscal, 4, z=record.act is Act.Z_REPORT
                )  # fmt: skip
                entry = replace(
                    self._entry(record, xml, Stage.OFFLINE_SENT), session=session.id, place=place,
                    signed=decode64((signed or {}).get("Data")),
                )  # fmt: skip
                self._take(entry)
                number += 1
                store.learn(next_number=number)
                found.append(missing)
        return found

    # -- numbers after the copy ---------------------------------------------------------------------------------------

    def _after_copy(self) -> list[Missing]:
        """Every local number from the copy's next one up to the server's, in one durable step."""
        desk, store = self._desk, self._desk.store
        state = desk.server.state(desk.settings.number)
        expected = whole((state or {}).get("NextLocalNum"))
        if state is None or expected is None:
            raise LinkLost(Code.FRAME, "the registrar's state has no next number", existence=Existence.NO)
        ours = store.next_number
        if ours is None:
            # The memory was never used: meeting the server takes the open shift over by itself.
            return []
        if expected - ours > MOST:
            raise Invalid(Code.LOCAL_NUMBER, f"{expected - ours} documents after the copy: take a younger copy")
        fetched = [self._fetch(number) for number in range(ours, expected)]
        opener = text_of(state.get("SubjectKeyId")).lower()
        with store.step("recovered"):
            for missing, record, xml in fetched:
                if record is not None and not any(each.standing for each in store.under(missing.number)):
                    self._take(self._entry(record, xml, Stage.ACCEPTED), opener)
            store.learn(next_number=max(expected, ours))
        return [missing for missing, _, _ in fetched]

    def _fetch(self, number: int) -> tuple[Missing, Record | None, bytes]:
        desk = self._desk
        info = desk.server.document_info(desk.settings.number, number) or {}
        fiscal = text_of(info.get("NumFiscal"))
        if not fiscal:
            return Missing(number, "", "unknown"), None, b""
        z = text_of(info.get("DocClass")) in ("1", "ZRep")
        xml = desk.server.original(desk.settings.number, fiscal, z=z)
        if xml is None:
            return Missing(number, fiscal, "unknown"), None, b""
        try:
            record = read_document(xml, fiscal).numbered(fiscal)
        except Invalid as fault:
            log.warning("document %s of the server cannot be read: %s", fiscal, fault)
            return Missing(number, fiscal, "unknown"), None, b""
        record = structs.replace(record, revoked=record.revoked or yes(info.get("Revoked")))
        moment = record.moment.astimezone(UTC)
        return Missing(number, fiscal, str(record.act), moment, record.money, True), record, xml

    def _entry(self, record: Record, xml: bytes, stage: Stage) -> Entry:
        money, cash = sums(record, self._desk.cancelled_cash(record))
        return Entry(
            number=record.number,
            uid=UUID(record.uid),
            act=record.act,
            request="",
            moment=record.moment.astimezone(UTC),
            made=self._desk.time.now(),
            xml=xml,
            signed=b"",
            stage=Stage.REVOKED if record.revoked else stage,
            fiscal=record.fiscal_number,
            money=money,
            cash=cash,
            text="taken over from the server",
        )

    def _take(self, entry: Entry, opener: str = "") -> None:
        """A document of the server into the memory, with what it does to the shift; inside a step."""
        store = self._desk.store
        shift = store.shift()
        if entry.act is Act.OPEN_SHIFT:
            if shift is not None:
                store.close_shift(shift.number, entry.moment)
            shift = store.open_shift(entry.moment, opener, testing=self._desk.settings.testing)
        last = shift or store.last_shift()
        number = last.number if last is not None else 0
        store.add(replace(entry, shift=number))
        if entry.stage is Stage.REVOKED or shift is None:
            return
        if entry.act is Act.Z_REPORT:
            store.z_made(number)
        elif entry.act is Act.CLOSE_SHIFT:
            store.close_shift(number, entry.moment)


def numbers(missing: Sequence[Missing]) -> str:
    """Local numbers as people write them: 5-9, 12."""
    found = sorted(each.number for each in missing)
    runs: list[list[int]] = []
    for number in found:
        if runs and number == runs[-1][1] + 1:
            runs[-1][1] = number
        else:
            runs.append([number, number])
    return ", ".join(str(first) if first == last else f"{first}-{last}" for first, last in runs)
