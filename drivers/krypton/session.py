"""One conversation with a Krypton registrar: password, error code, status (datecs-krypton.md §2–4)."""

from __future__ import annotations

from drivers.clock import Clock
from drivers.datecs import text
from drivers.datecs.exchange import ATTEMPTS, SILENCE, SILENCE_WORKING, Exchange
from drivers.datecs.frame import Reply
from drivers.errors import Code, LinkLost, Refused, Unreachable
from drivers.krypton import commands, refusals
from drivers.krypton.status import Flags
from drivers.links import Link

ASK_FIRST = frozenset({commands.PAY, commands.CLOSE, commands.REPORT, commands.CASH})
"""Commands that move money are not repeated on silence: the memory of the last SEQ dies with the power (§8)."""
CODEPAGE = "cp1251"


class Session:
    """Request and reply over one link. `cap`, `silence`, `working`: see `Exchange`, seconds."""

    def __init__(
        self,
        link: Link,
        clock: Clock,
        *,
        password: str = "000000",
        cap: float = 90.0,
        silence: float = SILENCE,
        working: float = SILENCE_WORKING,
        attempts: int = ATTEMPTS,
    ) -> None:
        self._link = link
        self._password = password
        self._exchange = Exchange(
            link,
            clock,
            cap=cap,
            silence=silence,
            working=working,
            attempts=attempts,
            last_command=commands.LAST_COMMAND,
            max_data=commands.MAX_DATA,
            named="{:02X}h".format,
        )
        self._locked = False
        self.connected = False
        self.flags = Flags(b"\x80" * 6)
        self.identity: commands.Identity | None = None

    def connect(self) -> None:
        """Open the link and prove that a Krypton registrar answers. Raises `Unreachable`, or `Refused` (password)."""
        if self.connected:
            return
        if self._locked:
            raise Refused(Code.PASSWORD, "wrong password, refused before: correct it in the configuration", raw="0006")
        self._link.open()
        try:
            for _ in range(ATTEMPTS):
                reply = self._send(commands.IDENTIFY, (), any_command=True)
                if reply.command == commands.IDENTIFY:
                    self.identity = commands.identity(self._judged(commands.IDENTIFY, reply))
                    self.connected = True
                    return
                # The registrar still remembers our random SEQ from another command: take the next.
        except LinkLost as fault:
            self.close()
            code = Code.FRAME if fault.code is Code.FRAME else Code.OFFLINE
            raise Unreachable(code, f"no Krypton registrar answers at {self._link.name}: {fault.what}") from fault
        except Refused:
            self.close()
            raise
        self.close()
        raise Unreachable(Code.FRAME, f"{self._link.name} answers, but not as this protocol does")

    def close(self) -> None:
        self.connected = False
        self._exchange.reset()
        self._link.close()

    def unlock(self) -> None:
        """Forget a refused password, so that a person may try again."""
        self._locked = False

    def ask(self, command: int, *fields: str, cap: float | None = None) -> list[str]:
        """Send one command and return the reply's fields. Raises `Refused`, `LinkLost` or `Unreachable`."""
        self.connect()
        try:
            reply = self._send(command, fields, cap=cap)
        except LinkLost:
            self.close()
            raise
        return self._judged(command, reply)

    def refresh(self) -> Flags:
        """The status bytes of this moment."""
        self.ask(commands.IDENTIFY)
        return self.flags

    def _send(
        self, command: int, fields: tuple[str, ...], *, any_command: bool = False, cap: float | None = None
    ) -> Reply:
        return self._exchange.send(
            command,
            text.encode(commands.data(self._password, *fields), CODEPAGE),
            shown=text.encode(commands.data("*" * len(self._password), *fields), CODEPAGE),
            ask_first=command in ASK_FIRST,
            any_command=any_command,
            cap=cap,
        )

    def _judged(self, command: int, reply: Reply) -> list[str]:
        self.flags = Flags(reply.status)
        error, fields = commands.answer(text.decode(reply.data, CODEPAGE))
        if error == "0000":
            return fields
        code, what = refusals.meaning(error)
        if error in ("0101", "0A01") and (obstacle := self.flags.obstacle()) is not None:
            code, what = obstacle
        if code is Code.PASSWORD:
            # A few wrong passwords may block the registrar: after the first refusal nothing more is sent.
            self._locked = True
            self.connected = False
        raise Refused(code, what, raw=error, command=f"{command:02X}h", wire=reply.data.hex(" ").upper())
