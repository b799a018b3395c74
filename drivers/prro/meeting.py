"""Meeting the server: whose registrar it is, whose device, where its numbers stand (fiscal-server.md §5.4)"""

from __future__ import annotations

import hashlib
import logging
from dataclasses import replace
from datetime import UTC, timedelta
from pathlib import Path
from uuid import UUID

from drivers.errors import Code, DifferentDevice, Existence, LinkLost, Refused, Unreachable
from drivers.prro.answers import Fields, moment_of, read_pair, rows, text_of, whole, yes
from drivers.prro.desk import PAUSE, Desk, sums
from drivers.prro.documents import Act, Record, read_document
from drivers.prro.signing import revocation
from drivers.prro.signing.revocation import Standing
from drivers.prro.store import Entry, Stage

log = logging.getLogger(__name__)

TRIES = 2
"""Tries at a connection before the line is called dead (cashier-flow.md VI.2)."""
PROBE = 3.0
"""Seconds that a ping may take once connected."""
QUICK = 1.5
"""Seconds for a connection when the line is dead already and each receipt asks for it: the buyer waits."""
OBJECTS_AGE = timedelta(hours=24)


class Meeting:
    """What is asked before the first document, and again after the line was lost."""

    def __init__(self, desk: Desk) -> None:
        self._desk = desk

    def meet(self) -> None:
        """The start-up order of §5.4: time, outlet, device, state. Once for each life of the line.

        Raises `Unreachable` and `LinkLost` when there is nobody, `Refused` and `DifferentDevice` for a "no".
        """
        if self._desk.met:
            return
        self._desk.signer()
        try:
            self.ping()
            self._standing()
            self.refresh_outlet()
            self._claim()
            self.learn_state()
        except LinkLost as fault:
            raise Unreachable(Code.OFFLINE, fault.what, command=fault.command) from fault
        self._desk.met = True

    def ping(self, tries: int = TRIES, probe: float = PROBE) -> None:
        """Whether there is a line, within 7 seconds (cashier-flow.md VI.2). Raises `Unreachable` and `LinkLost`.

        `probe`: seconds that the answer may take once connected.
        """
        usual = self._desk.settings.timeouts
        connect = min(QUICK, usual.connect) if tries == 1 else usual.connect
        with self._desk.server.patience(replace(usual, connect=connect, command=min(probe, usual.command))):
            for left in reversed(range(tries)):
                try:
                    self._desk.server.server_state()
                    return
                except (Unreachable, LinkLost):
                    self._desk.forget()
                    if not left:
                        raise
                    self._desk.time.sleep(PAUSE)

    def latency(self, patience: float) -> float | None:
        """Seconds until the answer to one question; None when nothing connects or answers within `patience`."""
        usual, time = self._desk.settings.timeouts, self._desk.time
        begun = time.monotonic()
        with self._desk.server.patience(replace(usual, connect=min(patience, usual.connect), command=patience)):
            try:
                self._desk.server.server_state()
            except (Unreachable, LinkLost):
                self._desk.forget()
                return None
        return time.monotonic() - begun

    def refresh_outlet(self, *, force: bool = False) -> bool:
        """`Objects` once a day (§2.4); returns whether our own data changed."""
        known = self._desk.store.fact("outlet")
        read_at = moment_of(self._desk.store.fact("objects_at"))
        if known is not None and not force and read_at is not None and self._desk.time.now() - read_at < OBJECTS_AGE:
            return False
        objects = self._desk.server.objects()
        if not objects:
            raise Refused(
                Code.ACCESS_DENIED,
                "the tax service knows no outlet of this key: the form 5-ПРРО is not filed or not in force yet",
                command="Objects",
            )
        mine: dict[str, str | int] | None = None
        for place in objects:
            for registrar in rows(place, "TransactionsRegistrars"):
                if text_of(registrar.get("NumFiscal")) == self._desk.settings.register:
                    mine = {
                        "tin": text_of(place.get("Tin")),
                        "ipn": text_of(place.get("Ipn")),
                        "organisation": str(place.get("OrgName") or ""),
                        "point": str(place.get("Name") or ""),
                        "address": str(place.get("Address") or ""),
                        "desk": whole(registrar.get("NumLocal")) or 0,
                        "register": self._desk.settings.register,
                    }
        if mine is None:
            raise Refused(
                Code.REGISTRAR_UNKNOWN,
                f"the key's owner has no registrar {self._desk.settings.register}: check the fiscal number and the key",
                command="Objects",
            )
        own = sorted(
            text_of(registrar.get("NumFiscal"))
            for place in objects
            if text_of(place.get("Tin")) == mine["tin"]
            for registrar in rows(place, "TransactionsRegistrars")
        )
        with self._desk.store.step("outlet"):
            self._desk.store.learn(outlet=mine, registrars=own, objects_at=self._desk.time.now().isoformat())
        return bool(mine != known)

    def _standing(self) -> None:
        """Ask the key's authority once a day whether it took the certificate back (signing.md §5.4).

        Raises `CertificateRevoked`; silence of the authority blocks nothing, the fiscal server asks for itself.
        """
        certificate = self._desk.signer().certificate
        asked = self._desk.store.fact("standing", ["", ""])
        at = moment_of(asked[1])
        if asked[0] == certificate.fingerprint and at is not None and self._desk.time.now() - at < OBJECTS_AGE:
            return
        trust, _ = self._desk.trusted()
        issuer = next((each for each in trust.anchors if each.subject_der == certificate.issuer_der), None)
        if issuer is None or not certificate.ocsp_urls:
            return
        if revocation.check(certificate, issuer, self._desk.post(), trust, at=self._desk.time.now()) is Standing.GOOD:
            with self._desk.store.step("standing"):
                self._desk.store.learn(standing=[certificate.fingerprint, self._desk.time.now().isoformat()])

    def _claim(self) -> None:
        """The two-device guard (§2.14). Raises `DifferentDevice`."""
        try:
            stored = self._desk.server.register_device(self._desk.settings.number, self.device)
        except Refused as fault:
            if fault.code is Code.QUERY_REFUSED:
                return
            raise
        if stored and stored.lower() != self.device:
            raise other_device("the fiscal server knows another device under this registrar's number")

    @property
    def device(self) -> str:
        """64 hex digits that stay the same for this machine and this folder."""
        try:
            machine = Path("/etc/machine-id").read_text(encoding="ascii").strip()
        except (OSError, UnicodeDecodeError):
            machine = ""
        place = self._desk.settings.state.expanduser().absolute()
        return hashlib.sha256(f"{machine}:{place}:{self._desk.settings.register}".encode()).hexdigest()

    def take_over(self) -> None:
        """An authorised person moves the registrar to this device; documents of the open shift come over.

        Raises as `meet`, and `Refused` while documents wait in an offline session.
        """
        self.ping()
        self.refresh_outlet()
        self._desk.server.register_device(self._desk.settings.number, self.device, forced=True)
        with self._desk.store.step("taken over"):
            self._desk.store.learn(next_number=None)
        self._desk.forget()
        self.meet()

    def learn_state(self) -> Fields:
        """Ask for the registrar's state and compare it with what is known here. Raises `DifferentDevice`, `Refused`."""
        session = self._desk.store.session()
        state = self._desk.server.state(self._desk.settings.number, session.pair if session else None)
        if state is None:
            raise Refused(
                Code.REGISTRAR_UNKNOWN,
                f"the fiscal server has no data about the registrar {self._desk.settings.register}",
                command="TransactionsRegistrarState",
            )
        number = whole(state.get("NextLocalNum"))
        if number is None:
            raise LinkLost(Code.FRAME, "the registrar's state has no next number", existence=Existence.NO)
        self._desk.chief = yes(state.get("ChiefCashier"))
        pair = read_pair(state)
        with self._desk.store.step("state"):
            facts: dict[str, object] = {
                "offline_supported": yes(state.get("OfflineSupported")),
                "cancelled": yes(state.get("Closed")),
            }
            minutes = whole(state.get("OfflineSessionsMonthlyDuration"))
            if minutes is not None and session is None:
                facts |= {"month_minutes": minutes, "month_at": self._desk.time.now().isoformat()}
            if pair is not None and session is None and (whole(state.get("OfflineNextLocalNum")) or 1) == 1:
                facts["pair"] = [pair.session, pair.seed]
            self._desk.store.learn(**facts)
        if session is None:
            self._compare(state, number)
        return state

    def _compare(self, state: Fields, number: int) -> None:
        """Numbers and shift of the server against ours, when nothing of ours is on the way."""
        if any(entry.act is not Act.END_OFFLINE for entry in self._desk.store.open_entries()):
            return
        ours = self._desk.store.next_number
        if ours is not None and number > ours:
            raise other_device(
                f"the fiscal server expects the number {number} where this till would give {ours}: "
                "another device has issued documents of this registrar"
            )
        opened = whole(state.get("ShiftState")) == 1 or text_of(state.get("ShiftState")).lower() == "opened"
        shift = self._desk.store.shift()
        if opened and shift is None:
            self._adopt_shift(state)
        elif not opened and shift is not None:
            log.warning("the server has closed shift %s, which was open here", shift.number)
            with self._desk.store.step("shift closed elsewhere"):
                self._desk.store.close_shift(shift.number, self._desk.time.now())
        elif opened and shift is not None and yes(state.get("ZRepPresent")) and not shift.z_made:
            with self._desk.store.step("z made elsewhere"):
                self._desk.store.z_made(shift.number)
        if number != ours:
            if ours is not None:
                log.warning("the server expects number %s, not %s: its number is taken", number, ours)
            with self._desk.store.step("number"):
                self._desk.store.learn(next_number=number)

    def _adopt_shift(self, state: Fields) -> None:
        """A shift that is open on the server and unknown here: a new installation takes its documents over (§4.1)."""
        opening = text_of(state.get("OpenShiftFiscalNum"))
        listed = self._desk.server.documents(
            self._desk.settings.number, shift=whole(state.get("ShiftId")), opened=opening
        )
        found: list[tuple[Record, bytes]] = []
        for row in listed:
            fiscal = text_of(row.get("NumFiscal"))
            z = text_of(row.get("DocClass")) in ("1", "ZRep")
            xml = self._desk.server.original(self._desk.settings.number, fiscal, z=z)
            if xml is None:
                raise LinkLost(
                    Code.FRAME, f"the server lists document {fiscal} and does not give it", existence=Existence.NO
                )
            record = read_document(xml, fiscal).numbered(fiscal)
            found.append((record, xml))
        found.sort(key=lambda pair: pair[0].number)
        first = found[0][0].moment if found else self._desk.time.now()
        with self._desk.store.step("shift adopted"):
            shift = self._desk.store.open_shift(
                first, text_of(state.get("SubjectKeyId")).lower(), testing=yes(state.get("Testing"))
            )
            for record, xml in found:
                self._desk.store.add(self._foreign(record, xml, shift.number))
            if yes(state.get("ZRepPresent")):
                self._desk.store.z_made(shift.number)

    def _foreign(self, record: Record, xml: bytes, shift: int) -> Entry:
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
            stage=Stage.REVOKED if record.revoked else Stage.ACCEPTED,
            fiscal=record.fiscal_number,
            shift=shift,
            money=money,
            cash=cash,
            text="taken over from the server",
        )


def other_device(what: str) -> DifferentDevice:
    """Somebody else works with this registrar's number; nothing of ours was made."""
    return DifferentDevice(Code.DIFFERENT_DEVICE, what, existence=Existence.NO)
