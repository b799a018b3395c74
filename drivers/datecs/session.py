"""One conversation with a printer: SEQ, repeats, waiting (datecs-fp3530t.md §1–2).

A new command takes a new SEQ; a repeat keeps it, so that the printer answers from memory instead of acting again.
That memory does not survive a restart of the printer, so a command that moves money (53, 56, 69, 70) is never repeated
on silence: the caller asks the registers first. A NAK or a broken reply proves a living printer and is repeated.
"""

from __future__ import annotations

from drivers.clock import Clock
from drivers.datecs import commands, text
from drivers.datecs.dialect import CLASSIC, Dialect
from drivers.datecs.exchange import ATTEMPTS, SILENCE, SILENCE_WORKING, Exchange
from drivers.datecs.frame import Reply
from drivers.datecs.status import Flags
from drivers.errors import Code, Existence, Fault, LinkLost, Refused, Unreachable
from drivers.links import Link

ASK_FIRST = frozenset({commands.PAY, commands.CLOSE, commands.REPORT, commands.CASH})
READS = frozenset(
    {
        commands.CLOCK,
        commands.LAST_Z,
        commands.TAX_SUMS,
        commands.CORRECTIONS,
        commands.STATUS,
        commands.TRANSACTION,
        commands.IDENTIFY,
        commands.TAX_RATES,
        commands.TAX_NUMBER,
        commands.DAY_SUMS,
        commands.LAST_DOCUMENT,
        commands.ARTICLE,
    }
)
"""Commands that print nothing: a lasting obstacle such as paper out does not touch them."""
WITH_DATA = frozenset(
    {
        commands.SALE_OPEN,
        commands.RETURN_OPEN,
        commands.SUBTOTAL,
        commands.PAY,
        commands.CLOSE,
        commands.REPORT,
        commands.CASH,
        commands.SLIP_OPEN,
        commands.SLIP_CLOSE,
    }
)
"""Printing commands whose reply has data when they were executed, so an obstacle met afterwards can be told apart."""


class Session:
    """Request and reply over one link. `cap` bounds every wait; `silence` and `working` are the seconds without an
    answer after which a packet is repeated or given up, at rest and after a SYN."""

    def __init__(
        self,
        link: Link,
        clock: Clock,
        *,
        codepage: str = "cp1251",
        cap: float = 90.0,
        silence: float = SILENCE,
        working: float = SILENCE_WORKING,
        attempts: int = ATTEMPTS,
        dialect: Dialect = CLASSIC,
    ) -> None:
        self._link = link
        self._codepage = codepage
        self._packets = Exchange(link, clock, cap=cap, silence=silence, working=working, attempts=attempts)
        self.connected = False
        self._dialect = dialect
        self.flags = Flags(b"\x80" * 6, dialect)

    def connect(self) -> None:
        """Open the link and prove that a Datecs printer answers. Raises `Unreachable`."""
        if self.connected:
            return
        self._link.open()
        try:
            for _ in range(ATTEMPTS):
                reply = self._exchange(commands.STATUS, b"X", any_command=True)
                if reply.command == commands.STATUS:
                    self.flags = Flags(reply.status, self._dialect)
                    self.connected = True
                    return
                # The printer still remembers our random SEQ from another command: take the next (§2).
        except LinkLost as fault:
            self.close()
            raise Unreachable(Code.OFFLINE, f"no registrar answers at {self._link.name}: {fault.what}") from fault
        self.close()
        raise Unreachable(Code.FRAME, f"{self._link.name} answers, but not as this protocol does")

    def close(self) -> None:
        self.connected = False
        self._packets.reset()
        self._link.close()

    def ask(self, command: int, data: str = "", *, cap: float | None = None) -> str:
        """Send one command and return the reply's text. Raises `Refused`, `LinkLost` or `Unreachable`."""
        self.connect()
        try:
            reply = self._exchange(command, text.encode(data, self._codepage), cap=cap)
        except LinkLost:
            self.close()
            raise
        self.flags = Flags(reply.status, self._dialect)
        self._judge(command, reply)
        return text.decode(reply.data, self._codepage)

    def ask_if_known(self, command: int, data: str = "") -> str:
        """The same for a question that not every firmware knows: an empty text when it is refused."""
        try:
            return self.ask(command, data)
        except Refused:
            return ""

    def _judge(self, command: int, reply: Reply) -> None:
        """Decision order of §3, with lasting obstacles told apart from refusals."""
        flags = self.flags
        found = flags.refusal()
        if found is None and command not in READS:
            obstacle = flags.obstacle()
            executed = command in WITH_DATA and reply.data
            if obstacle is not None and not executed:
                found = obstacle
        if found is not None:
            raise Refused(found[0], found[1], raw=flags.hex, command=str(command), wire=reply.data.hex())

    def _exchange(self, command: int, data: bytes, *, any_command: bool = False, cap: float | None = None) -> Reply:
        hidden = commands.masked(command, data)
        return self._packets.send(
            command,
            data,
            shown=None if hidden == data else hidden,
            ask_first=command in ASK_FIRST,
            any_command=any_command,
            cap=cap,
        )


def before_commit(fault: Fault) -> Fault:
    """The same fault where the driver knows that no document can have come of it."""
    fault.document = Existence.NO
    return fault
