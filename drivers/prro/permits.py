"""What is allowed now: the client's state machine, the drawer, whose receipt it is (fiscal-server.md §5.3, §5.4)."""

from __future__ import annotations

from drivers.document import Document, DocumentKind, PaymentForm
from drivers.errors import Code, Invalid, Refused
from drivers.prro.desk import Desk
from drivers.prro.documents import Act
from drivers.prro.offline import FINANCIAL
from drivers.prro.rules import rule

SOFTWARE = "4"
"""First digit of the fiscal numbers of software registrars."""


class Permits:
    """Refuses before anything is made what the server, the law or the drawer would not bear."""

    def __init__(self, desk: Desk) -> None:
        self._desk = desk

    def check(self, document: Document, *, alive: bool) -> None:
        """The client's state machine (§5.4) and the drawer (cashier-flow.md V-3). Raises `Refused`."""
        store, kind = self._desk.store, document.kind
        shift = store.shift()
        if store.fact("cancelled", False) and kind is not DocumentKind.Z_REPORT:
            raise Refused(
                Code.REGISTRAR_UNKNOWN,
                "the registrar's registration is cancelled: nothing is left but closing the shift",
            )
        if kind is DocumentKind.OPEN_SHIFT:
            if shift is not None:
                raise Refused(Code.SHIFT_OPEN, f"the shift {shift.number} is open already")
            return
        if shift is None:
            raise Refused(Code.SHIFT_CLOSED, "the shift is not open")
        if shift.z_made and kind is not DocumentKind.Z_REPORT:
            raise Refused(Code.Z_REQUIRED, "the Z-report is made and the shift is not closed yet: finish closing it")
        if shift.testing != self._desk.settings.testing:
            now, then = ("test", "fiscal") if self._desk.settings.testing else ("fiscal", "test")
            raise Refused(
                Code.WRONG_STATE, f"a {then} shift is open, {now} documents do not go into it: close it first"
            )
        operator = self._desk.operator()
        if shift.opener and shift.opener != operator.key_id:
            finishing = kind is DocumentKind.Z_REPORT and self._desk.chief and alive
            if not finishing:
                raise Refused(
                    Code.ACCESS_DENIED,
                    "the shift was opened with another key: go on with that one, or let a senior cashier close it",
                )
        if kind is not DocumentKind.Z_REPORT:
            self.not_expired()
        drawer = store.spendable(shift.number, str(document.id))
        wanted = document.amount if kind is DocumentKind.CASH_OUT else 0
        if kind is DocumentKind.REFUND:
            wanted = document.paid_by(PaymentForm.CASH)
            self._same_owner(document)
        if wanted > drawer:
            raise Refused(Code.INSUFFICIENT_CASH, f"{drawer} kopecks in the drawer of this shift, {wanted} needed")
        if kind is DocumentKind.STORNO:
            self._cancellable(document, shift.number)

    def not_expired(self) -> None:
        """A Z-report is due each day (§5.3). Raises `Refused`."""
        shift, now = self._desk.store.shift(), self._desk.time.now()
        if shift is not None and now - shift.opened > rule(now).shift:
            raise Refused(Code.SHIFT_EXPIRED, "the shift is longer than 24 hours: make the Z-report")

    def _same_owner(self, document: Document) -> None:
        """A refund of another registrar's receipt: only within the same business (cashier-flow.md V-9)."""
        original = document.original
        if original is None:
            raise Invalid(Code.BAD_FIELD, "a refund names the receipt that it gives money back for", field="original")
        own = self._desk.registrars() | {self._desk.settings.register}
        named = original.fiscal_number
        # The server names software registrars only, and their numbers begin with 4 (§3.2): a receipt of the shop's
        # hardware registrar may be given back too, and whose that was the till must know.
        if named.startswith(SOFTWARE) and named not in own:
            raise Refused(
                Code.TAXPAYER,
                f"the receipt was made by the registrar {named}, which is not of this business",
            )

    def _cancellable(self, document: Document, shift: int) -> None:
        """Only the last document of all, and only one that moved money (§3.9)."""
        last = self._desk.store.last()
        named = document.original.number if document.original else ""
        if last is None or last.shift != shift or last.act not in FINANCIAL or last.act is Act.STORNO:
            raise Refused(Code.NOT_LAST, "the last document is none that can be cancelled: make a refund")
        if last.fiscal != named:
            raise Refused(Code.NOT_LAST, f"the last document is {last.fiscal}, not {named}: make a refund")
        if -last.cash + self._desk.store.drawer(shift) < 0:
            raise Refused(Code.INSUFFICIENT_CASH, "there is less cash in the drawer than the cancelled document put in")
