"""One conversation with an IKC registrar: meeting, verdict on every reply, password (ikc.md §3–4)."""

from __future__ import annotations

from collections.abc import Mapping

from drivers.clock import Clock
from drivers.errors import Code, LinkLost, Refused, Unreachable
from drivers.ikc import commands, status
from drivers.ikc.exchange import ATTEMPTS, SILENCE, SILENCE_WORKING, Exchange
from drivers.ikc.frame import Reply
from drivers.ikc.status import Flags
from drivers.links import Link

ASK_FIRST = frozenset({commands.PAYMENT, commands.CASH_IN, commands.CASH_OUT, commands.Z_REPORT})
"""Commands that make a document are not repeated on silence: the memory of the last NUM dies with the power (§8)."""
ALWAYS = frozenset({commands.STATUS, 28, commands.DAY_DATA, commands.RECEIPT, commands.MODEM})
"""Executed whatever STATUS says (§4)."""
ALSO: Mapping[int, frozenset[int]] = {
    0x02: frozenset({commands.GET_DATE, commands.SET_DATE, 21, 22}),
    0x08: frozenset({commands.GET_DATE, commands.SET_DATE}),
    0x20: frozenset({commands.Z_REPORT}),
}
"""Executed while STATUS has this one reason (§4)."""
SECRETS: Mapping[int, str] = {
    commands.LOGIN: "cashier",
    commands.X_REPORT: "report",
    commands.Z_REPORT: "report",
    commands.MODEM: "programming",
}
"""Whose password the parameters begin with (§5)."""
MASK = b"**"


class Session:
    """Request and reply over one link. `cap`, `silence`, `working`: see `Exchange`, seconds."""

    def __init__(
        self,
        link: Link,
        clock: Clock,
        *,
        cap: float = 90.0,
        silence: float = SILENCE,
        working: float = SILENCE_WORKING,
        attempts: int = ATTEMPTS,
        checked: bool = False,
    ) -> None:
        self._link = link
        self._exchange = Exchange(
            link, clock, cap=cap, silence=silence, working=working, attempts=attempts, checked=checked
        )
        self._locked: set[str] = set()
        self.connected = False
        self.flags = Flags(0, 0)
        self.halfway = False
        """Whether the last command was blocked in the middle: it may have been executed (§4)."""
        self.identity = commands.Identity(0, "", "", "", "")

    def connect(self) -> None:
        """Open the link and prove that an IKC registrar answers. Raises `Unreachable`."""
        if self.connected:
            return
        self._link.open()
        try:
            # The device may still remember a NUM and CODE like our first: the second differs from it for certain (§3).
            self._exchange.send(commands.STATUS)
            reply = self._exchange.send(commands.STATUS)
            self.flags = Flags(reply.status, reply.reserve)
            self.identity = commands.identity(reply.data)
        except LinkLost as fault:
            self.close()
            raise Unreachable(Code.OFFLINE, f"no IKC registrar answers at {self._link.name}: {fault.what}") from fault
        self.connected = True

    def close(self) -> None:
        self.connected = False
        self._exchange.reset()
        self._link.close()

    def unlock(self) -> None:
        """Forget refused passwords, so that a person may try again."""
        self._locked.clear()

    def ask(self, code: int, parameters: bytes = b"", *, cap: float | None = None) -> bytes:
        """Execute one command and return its data. Raises `Refused`, `LinkLost` or `Unreachable`."""
        secret = SECRETS.get(code, "")
        if secret in self._locked:
            what = f"wrong {secret} password, refused before: correct it in the configuration"
            raise Refused(Code.PASSWORD, what, raw="21", command=str(code))
        self.connect()
        shown = MASK + parameters[len(MASK) :] if secret else None
        try:
            reply = self._exchange.send(code, parameters, shown=shown, ask_first=code in ASK_FIRST, cap=cap)
        except LinkLost:
            self.close()
            raise
        return self._judged(code, reply)

    def refresh(self) -> Flags:
        """STATUS and RESERVE of this moment."""
        self.identity = commands.identity(self.ask(commands.STATUS))
        return self.flags

    def _judged(self, code: int, reply: Reply) -> bytes:
        self.flags = Flags(reply.status, reply.reserve)
        self.halfway = reply.status != 0 and reply.result in status.HALFWAY
        executed = code in ALWAYS or code in ALSO.get(reply.status, ())
        if executed and reply.result == 0:
            return reply.data
        found = status.refusal(reply.status, reply.result, reply.reserve)
        if found is None:
            return reply.data
        meaning, what = found
        if meaning is Code.PASSWORD and code in SECRETS:
            # After the first refusal it is not sent again until a person corrects it; the other passwords are.
            self._locked.add(SECRETS[code])
        raw = f"STATUS={reply.status:02X} RESULT={reply.result} RESERVE={reply.reserve:02X}"
        raise Refused(meaning, what, raw=raw, command=str(code), wire=reply.data.hex(" ").upper())
