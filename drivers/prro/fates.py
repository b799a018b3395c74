"""Documents handed over, and what became of them (fiscal-server.md §1.6, §8.1).

A document passes three durable steps — signed, sending, the server's word. Whoever dies between two of them finds out
after: the bytes are there, a number is given once only, and the UID says whose document stands under it.
"""

from __future__ import annotations

from datetime import timedelta
from uuid import UUID

from drivers.errors import Code, Invalid, LinkLost, Unreachable
from drivers.prro.answers import Pair, digits, text_of, whole
from drivers.prro.client import Delivery, Fate
from drivers.prro.desk import PAUSE, Desk
from drivers.prro.documents import Act, read_document
from drivers.prro.meeting import Meeting, other_device
from drivers.prro.refusals import Refusal
from drivers.prro.store import OPEN, Entry, Stage

FRESH = timedelta(minutes=2)
"""A document younger than this is sent again as it is; an older one would be refused for its time (§1.6)."""


class Fates:
    """Sends documents and finds out about them. Nothing here decides between online and offline."""

    def __init__(self, desk: Desk, meeting: Meeting) -> None:
        self._desk = desk
        self._meeting = meeting

    def deliver(self, entry: Entry) -> tuple[Entry, Delivery]:
        """Send the stored bytes and store what became of them. The entry comes back accepted, refused or in doubt."""
        with self._desk.store.step("sending"):
            entry = self._desk.store.mark(entry, Stage.SENDING)
        delivery = self._desk.server.document(entry.signed, entry.uid, entry.number)
        if delivery.fate is Fate.NOT_SENT:
            self._desk.time.sleep(PAUSE)
            delivery = self._desk.server.document(entry.signed, entry.uid, entry.number)
        match delivery.fate:
            case Fate.ACCEPTED if delivery.ticket is not None:
                ticket = delivery.ticket
                pair = Pair(digits(ticket.session), digits(ticket.seed))
                return self._desk.accept(entry, ticket.fiscal_number, delivery.answer, pair), delivery
            case Fate.REJECTED if delivery.refusal is not None:
                refusal = delivery.refusal
                entry = self._desk.reject(entry, refusal.code, refusal.text, answer=delivery.answer)
            case Fate.NOT_SENT:
                self._desk.forget()
                entry = self._desk.reject(entry, Code.OFFLINE, delivery.what)
            case _:
                self._desk.forget()
                with self._desk.store.step("unknown"):
                    doubt = entry.doubt or self._desk.time.now()
                    entry = self._desk.store.mark(
                        entry, Stage.UNKNOWN, doubt=doubt, code=str(delivery.code), text=delivery.what,
                        ticket=delivery.answer,
                    )  # fmt: skip
        return entry, delivery

    def settle(self, entry: Entry) -> Entry:
        """Find out what became of an entry and bring it to an end: accepted, or certainly nothing (§1.6).

        A young document that the server has not got goes out again as it is: the same number cannot be registered
        twice. Raises `Unreachable` or `LinkLost` while nobody answers, `DifferentDevice` for a stranger's document.
        """
        if entry.stage not in OPEN:
            return entry
        if entry.stage in (Stage.PREPARED, Stage.SIGNED):
            return self._desk.reject(entry, Code.OFFLINE, "it was never sent")
        entry = self.resolve(entry)
        if entry.stage is not Stage.UNKNOWN:
            return entry
        if self._desk.time.now() - entry.made > FRESH:
            return self._desk.reject(
                entry, Code.OFFLINE, "the server has not got it, and it is too old to be sent again"
            )
        entry, delivery = self.deliver(entry)
        if delivery.fate is Fate.REJECTED and delivery.refusal and delivery.refusal.code is Code.LOCAL_NUMBER:
            # It came late after all, while we were asking.
            again = self.resolve(entry)
            return (
                again if again.stage is not Stage.UNKNOWN else self._desk.reject(again, Code.LOCAL_NUMBER, entry.text)
            )
        if delivery.fate is Fate.NOT_SENT:
            raise Unreachable(Code.OFFLINE, delivery.what)
        if delivery.fate is Fate.UNKNOWN:
            raise LinkLost(Code.TIMEOUT_UNKNOWN, delivery.what)
        return entry

    def resolve(self, entry: Entry) -> Entry:
        """Ask about an entry's number: it comes back accepted, refused (another act of ours has the number), or
        `UNKNOWN` when the server has nothing under it."""
        found = self.registered(entry)
        if found is not None:
            owner, fiscal = found
            accepted = owner if owner.stage is Stage.ACCEPTED else self._desk.accept(owner, fiscal)
            if owner.seq == entry.seq:
                return accepted
            same = (owner.request, owner.act) == (entry.request, entry.act)
            self._desk.reject(entry, Code.LOCAL_NUMBER, f"the number {entry.number} was taken by {owner.uid}")
            return accepted if same else self._desk.store.entry(entry.seq) or entry
        state = self._desk.server.state(self._desk.settings.number)
        number = whole((state or {}).get("NextLocalNum"))
        if state is None or number is None:
            raise LinkLost(Code.FRAME, "the registrar's state has no next number")
        if entry.act is Act.CLOSE_SHIFT and whole(state.get("ShiftState")) == 0 and number == entry.number + 1:
            # A server that does not show the closing any more, but has counted it.
            return self._desk.accept(entry, text_of(state.get("LastFiscalNum")))
        if number > entry.number:
            raise other_device(
                f"the fiscal server has passed number {entry.number} and shows no document under it: "
                "another device works with this registrar"
            )
        with self._desk.store.step("not registered"):
            if self._desk.store.session() is None:
                self._desk.store.learn(next_number=number)
            return self._desk.store.mark(entry, Stage.UNKNOWN, text="the server has nothing under this number")

    def registered(self, entry: Entry) -> tuple[Entry, str] | None:
        """Whose document stands under the entry's number: ours by its UID, with its fiscal number; None for nobody's.

        Raises `DifferentDevice` when it is a stranger's.
        """
        info = self._desk.server.document_info(self._desk.settings.number, entry.number)
        fiscal = text_of((info or {}).get("NumFiscal"))
        if info is None or not fiscal:
            return None
        z = text_of(info.get("DocClass")) in ("1", "ZRep") or (entry.act is Act.Z_REPORT and "DocClass" not in info)
        xml = self._desk.server.original(self._desk.settings.number, fiscal, z=z)
        if xml is None:
            raise LinkLost(Code.FRAME, f"the server names document {fiscal} and does not give it")
        try:
            uid = UUID(read_document(xml).uid)
        except (Invalid, ValueError) as error:
            raise LinkLost(Code.FRAME, f"the server's document {fiscal} cannot be read: {error}") from error
        owner = next((each for each in self._desk.store.under(entry.number) if each.uid == uid), None)
        if owner is None:
            if entry.stage in OPEN:
                self._desk.reject(entry, Code.DIFFERENT_DEVICE, f"{fiscal} has its number, made by another device")
            raise other_device(f"number {entry.number} is {fiscal}, a document that this till has not made")
        return owner, fiscal

    def mend(self, entry: Entry, refusal: Refusal) -> Entry | bool:
        """What can be done about a refusal (§8.1): the entry that turned out to be registered, whether to make the
        document anew, or neither (False)."""
        match refusal.code:
            case Code.LOCAL_NUMBER | Code.Z_EXISTS | Code.SHIFT_OPEN | Code.SHIFT_CLOSED | Code.Z_REQUIRED:
                expected = self._desk.store.next_number
                found = self.resolve(entry)
                if found.stage is Stage.ACCEPTED:
                    return found
                if found.stage is Stage.UNKNOWN:
                    self._desk.reject(found, refusal.code, refusal.text)
                # Server and till do not see the same shift or number: compare everything before the next document.
                self._desk.forget()
                return refusal.code is Code.LOCAL_NUMBER and self._desk.store.next_number != expected
            case Code.CLOCK:
                self._desk.server.server_state()
                return True
            case Code.REGISTRY_DATA | Code.TAXPAYER:
                return self._meeting.refresh_outlet(force=True)
        return False

    def lost(self) -> Entry | None:
        """The online document that was sent and not answered for."""
        sent = (Stage.SENDING, Stage.UNKNOWN)
        found = [
            each for each in self._desk.store.open_entries() if each.stage in sent and each.act is not Act.END_OFFLINE
        ]
        return found[-1] if found else None
