"""One conversation with a Maria: tuning, CRC, login, the dialogue of a command (maria.md §1, §3).

    host    command
    device  WAIT  (WRK | PRN)…  [data]  [SOFT… | HARD…]  DONE only if executed  READY

Nothing is ever repeated here but plain questions: the protocol has no sequence numbers, so whoever loses the answer of
an act asks for the registrar's state. The link stays open after a silence, because dropping DTR logs the cashier out.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, field

from drivers.clock import Clock
from drivers.errors import Code, Fault, LinkLost, Refused, Unreachable
from drivers.links import Link
from drivers.maria import commands, refusals
from drivers.maria.frame import RESYNC, TUNE, Event, Frame, Parser, frame

FIRST_BYTE = 3.0
"""Seconds for the first byte of an answer (§3)."""
SILENCE = 6.0
"""Seconds of silence that mean a lost link; every byte starts them anew (§3)."""
TUNE_PAUSE = 0.2
TUNE_WAIT = 0.5
"""Seconds for READY after the second 'U'; one that comes later is heard by the resynchronisation that follows."""
RESYNC_WAIT = 1.0
DTR_DROP = 3.0
"""Seconds without DTR that disconnect the device (§1)."""
TUNED = 2
QUESTIONS = frozenset({"SYNC", "CONF", "GETD", "GLCN", "CNAL", "CFIS", "CCAS", "MDMD"})
"""Commands that change and print nothing: a damaged answer is asked for again."""
PRINTING = frozenset(
    {"PREP", "FISC", "BFIS", "FICD", "BFCD", "COMP", "CAIO", "NULL", "ZREP", "NREP", "COPY", "DBEG", "PRTX"}
)
"""Commands that tell whether the mechanism can print."""
ATTEMPTS = 3
PASSWORD = 10
"""Characters of the password, with which UPAS begins (§4)."""


@dataclass
class Dialogue:
    """What came between WAIT and READY."""

    data: list[bytes] = field(default_factory=list)
    words: list[str] = field(default_factory=list)
    done: bool = False
    damaged: bool = False


class Session:
    """Commands over one link.

    `tunes`: the device must be tuned by 'UU' (not over TCP). `drops`: one that does not answer is asked again after a
    pause without DTR, which takes seconds; a probe asks once without it. `cap` bounds every command and `wait` the
    start; a device that was just switched on tests itself for ten seconds (§1). `first` and `silence` are the seconds
    for the first byte of an answer, and without a byte after it.
    """

    def __init__(
        self,
        link: Link,
        clock: Clock,
        *,
        password: str = "1111111111",
        cashier: str = "1",
        checked: bool = True,
        tunes: bool = True,
        cap: float = 90.0,
        wait: float = 12.0,
        drops: bool = True,
        first: float = FIRST_BYTE,
        silence: float = SILENCE,
    ) -> None:
        self._link = link
        self._clock = clock
        self._password = password
        self._cashier = cashier
        self._checked = checked
        self._tunes = tunes
        self._cap = cap
        self._wait = wait
        self._drops = drops
        self._first = first
        self._silence = silence
        self._parser = Parser()
        self._open = False
        self._refused_login = False
        self.connected = False
        self.words: tuple[str, ...] = ()
        """Warnings of the last command that was executed, or the words that refused it."""
        self.paper_out = self.paper_low = self.cover_open = False
        self.training = False
        self.state = commands.Conf("", "", 0, 0, False, "", "")

    # -- start ----------------------------------------------------------------------------------------------------

    def connect(self) -> None:
        """Open the link, find the device and log the cashier in. Raises `Unreachable`, or `Refused` (password)."""
        if self.connected:
            return
        if self._refused_login:
            raise Refused(Code.PASSWORD, "the cashier's password was refused before: correct it in the configuration")
        try:
            self._find()
            self._begin()
        except LinkLost as fault:
            self.close()
            raise Unreachable(Code.OFFLINE, f"no Maria answers at {self._link.name}: {fault.what}") from fault
        except Fault:
            self.close()
            raise
        self.connected = True

    def close(self) -> None:
        self.connected = False
        self._open = False
        self._parser.reset()
        self._link.close()

    def unlock(self) -> None:
        """Forget a refused password, so that a person may try again."""
        self._refused_login = False

    def _find(self) -> None:
        """READY from the device: resynchronise a living connection, else tune, else drop DTR and tune again."""
        resume = self._open
        self._link.open()
        self._open = True
        self._parser.checked = False
        for attempt in (1, TUNED):
            deadline = self._clock.monotonic() + self._wait
            while True:
                if (resume or not self._tunes) and self._resync():
                    return
                if self._tunes and self._tune():
                    return
                resume = True
                if self._clock.monotonic() >= deadline:
                    break
            if attempt == TUNED or not (self._tunes and self._drops):
                break
            self._link.close()
            self._clock.sleep(DTR_DROP)
            self._link.open()
            resume = False
        self.close()
        raise Unreachable(Code.OFFLINE, f"no Maria answers at {self._link.name}")

    def _tune(self) -> bool:
        """Two bytes 55h; READY comes when the device waited for them."""
        self._fresh()
        self._link.write(TUNE)
        self._clock.sleep(TUNE_PAUSE)
        self._link.write(TUNE)
        return self._hear(lambda word: word == b"READY", TUNE_WAIT)

    def _resync(self) -> bool:
        """End a half-received frame. A device at work says so and is waited for."""
        self._fresh()
        self._link.write(RESYNC)
        if not self._hear(lambda word: word.startswith((b"READY", b"SOFTBLOCK")), min(RESYNC_WAIT, self._first)):
            return False
        token = f"SYNC{self._clock.now():%H%M%S%f}".encode()
        with_crc = frame(token, checked=True)
        # A device without CRC passes over two bytes between frames, one with CRC needs them (§2).
        self._fresh()
        self._link.write(with_crc)
        if not self._hear(lambda word: word == token, self._first):
            return False
        self._hear(lambda word: word == b"READY", self._first)
        return True

    def _hear(self, wanted: Callable[[bytes], bool], patience: float) -> bool:
        """Whether the wanted word comes; any whole frame gives the device the time of a working one."""
        deadline = self._clock.monotonic() + self._cap
        while (left := deadline - self._clock.monotonic()) > 0:
            chunk = self._link.read(min(patience, left))
            if not chunk:
                return False
            for event in self._parser.feed(chunk):
                if isinstance(event, Frame):
                    if wanted(event.payload):
                        return True
                    patience = max(patience, self._silence)
        return False

    def _begin(self) -> None:
        """CRC as configured, who is there, login."""
        try:
            self._converse("CSIN", b"1" if self._checked else b"0", crc=True)
            self._parser.checked = self._checked
        except Refused as fault:
            if fault.code is not Code.UNSUPPORTED:
                raise
            self._checked = False
        data = self._converse("CONF", b"").data
        self.state = commands.conf(data[0] if data else b"")
        if not self.state.logged:
            self._login()

    def _login(self) -> None:
        try:
            self._converse("UPAS", commands.login(self._password, self._cashier))
        except Refused as fault:
            if fault.code is Code.CASHIER_REQUIRED:
                # After the first refusal nothing more is sent until a person corrects the password.
                self._refused_login = True
                raise Refused(
                    Code.PASSWORD, "the registrar refuses the cashier's password", raw=fault.raw, command="UPAS"
                ) from fault
            raise

    # -- commands -------------------------------------------------------------------------------------------------

    def ask(self, command: str, parameters: bytes = b"", *, cap: float | None = None) -> list[bytes]:
        """Execute one command and return its data frames. Raises `Refused`, `LinkLost` or `Unreachable`."""
        self.connect()
        try:
            return self._converse(command, parameters, cap=cap).data
        except LinkLost:
            self.connected = False
            raise

    def question(self, command: str, parameters: bytes = b"") -> bytes:
        """The one data frame of a question."""
        data = self.ask(command, parameters)
        if not data:
            self.connected = False
            raise LinkLost(Code.FRAME, f"the registrar answered {command} without data", command=command)
        return data[0]

    def refresh(self) -> commands.Conf:
        """The state of this moment; logs in again when the login was lost."""
        self.state = commands.conf(self.question("CONF"))
        if not self.state.logged:
            try:
                self._login()
            except LinkLost:
                self.connected = False
                raise
        return self.state

    def _converse(self, command: str, parameters: bytes, *, cap: float | None = None, crc: bool = False) -> Dialogue:
        """One dialogue, repeated only for a question whose frames were damaged on the way."""
        attempts = ATTEMPTS if command in QUESTIONS else 1
        while True:
            attempts -= 1
            dialogue = self._dialogue(command, parameters, cap or self._cap, crc or self._checked)
            unread = any(word.startswith(("SOFTBLOCK", "SOFTBADCS")) for word in dialogue.words)
            if not (attempts and command in QUESTIONS and (dialogue.damaged or unread)):
                break
        self._note(command, dialogue)
        if dialogue.done:
            return dialogue
        if dialogue.damaged:
            raise LinkLost(Code.FRAME, f"the answer to {command} was damaged", command=command)
        code, what = refusals.meaning(dialogue.words)
        raise Refused(code, what, raw=" ".join(dialogue.words), command=command)

    def _note(self, command: str, dialogue: Dialogue) -> None:
        self.words = tuple(dialogue.words)
        paper = any(word.startswith(refusals.PAPER) for word in dialogue.words)
        cover = any(word.startswith(refusals.COVER) for word in dialogue.words)
        if command in PRINTING:
            # With DONE the word is a warning of the paper's end, without it the reason of the refusal (§3).
            self.paper_out = paper and not dialogue.done
            self.paper_low = paper and dialogue.done
            self.cover_open = cover
        self.training = any(word.startswith("SOFTREGIST") for word in dialogue.words)

    def _dialogue(self, command: str, parameters: bytes, cap: float, crc: bool) -> Dialogue:
        try:
            packet = frame(command.encode() + parameters, checked=crc)
        except ValueError as error:
            raise Refused(Code.BAD_FIELD, f"{command} cannot be sent: {error}", command=command) from error
        shown = None
        if command == "UPAS":
            # Its own LEN and CRC: those of the real password would tell something about it.
            shown = frame(command.encode() + b"*" * PASSWORD + parameters[PASSWORD:], checked=crc)
        self._fresh()
        self._link.write(packet, shown)
        dialogue = Dialogue()
        started = False
        deadline = self._clock.monotonic() + cap
        patience = self._first
        while (left := deadline - self._clock.monotonic()) > 0:
            chunk = self._link.read(min(patience, left))
            if not chunk:
                break
            patience = self._silence
            for event in self._parser.feed(chunk):
                word = self._word(event, dialogue)
                if word == "READY":
                    if started or dialogue.words or dialogue.damaged:
                        return dialogue
                    continue  # READY of something before this command
                started = started or word in ("WAIT", "WRK", "PRN")
        if dialogue.done:
            # Executed for certain; only the end of the dialogue was lost. The next command starts with a resync.
            self.connected = False
            return dialogue
        raise LinkLost(
            Code.TIMEOUT_UNKNOWN, f"no answer to {command} from {self._link.name}", command=command,
            wire=(shown or packet).hex(" ").upper(),
        )  # fmt: skip

    def _word(self, event: Event, dialogue: Dialogue) -> str:
        """File one event of the dialogue; returns the word of a frame."""
        if not isinstance(event, Frame):
            dialogue.damaged = True
            return ""
        word = event.payload.decode("cp866")
        if word in ("WAIT", "WRK", "PRN", "READY"):
            return word
        if word == "DONE":
            dialogue.done = True
        elif refusals.is_error(word):
            dialogue.words.append(word)
        else:
            dialogue.data.append(event.payload)
        return word

    def _fresh(self) -> None:
        self._parser.reset()
        self._link.flush_input()
