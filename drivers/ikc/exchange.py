"""One packet and its answer: NUM, ACK, SYN, repeats, waiting (ikc.md §3).

A new command takes the next NUM; a repeat keeps it, so that the device sends its stored reply instead of acting again.
That memory does not survive a restart of the device, so a command sent with `ask_first` is not repeated on silence: its
caller asks the counters first. A NAK, or a broken reply at once, proves a living device and is repeated in any case.
"""

from __future__ import annotations

from enum import Enum

from drivers.clock import Clock
from drivers.errors import Code, LinkLost
from drivers.ikc.frame import Ack, Broken, Nak, Parser, Reply, Syn, request
from drivers.links import Link

SILENCE = 0.5
"""Seconds without an answer before the packet is repeated: ACK is due in 40 ms and SYN every 200 ms (§3)."""
SILENCE_WORKING = 3.0
"""The same after ACK or SYN, and for a command that moves money: the overall silence of §3."""
ATTEMPTS = 4


class _Missing(Enum):
    SILENT = "silence"
    AGAIN = "the device forgot the packet, or sent a reply that was damaged on the way"
    WAS_BUSY = "the device finished an earlier command"


class Exchange:
    """Packets over one link. `cap` bounds every command, seconds; `silence` and `working` see above;
    `attempts` is how often a packet is sent."""

    def __init__(
        self,
        link: Link,
        clock: Clock,
        *,
        cap: float,
        silence: float = SILENCE,
        working: float = SILENCE_WORKING,
        attempts: int = ATTEMPTS,
        checked: bool = False,
    ) -> None:
        self._link = link
        self._clock = clock
        self._cap = cap
        self._silence = silence
        self._working = max(silence, working)
        self._attempts = attempts
        self._checked = checked
        self._parser = Parser()
        # Any beginning will do, but not always the same one; taken from the clock, a recording can be lived again.
        self._num = clock.now().microsecond % 0x100

    def reset(self) -> None:
        """Forget half a frame of a former connection."""
        self._parser = Parser()

    def send(
        self,
        code: int,
        parameters: bytes = b"",
        *,
        shown: bytes | None = None,
        ask_first: bool = False,
        cap: float | None = None,
    ) -> Reply:
        """The reply to one command. `shown`: parameters for the wire log, secrets masked. Raises `LinkLost`."""
        self._num = (self._num + 1) % 0x100
        packet = request(self._num, code, parameters, checked=self._checked)
        masked = None if shown is None else request(self._num, code, shown, checked=self._checked)
        deadline = self._clock.monotonic() + (cap or self._cap)
        self._parser.reset()
        self._link.flush_input()
        attempts = self._attempts
        while attempts:
            self._link.write(packet, masked)
            answer = self._await(code, self._working if ask_first else self._silence, deadline)
            if isinstance(answer, Reply):
                return answer
            if self._clock.monotonic() >= deadline or (ask_first and answer is _Missing.SILENT):
                break
            # Waiting for an earlier command's end is no failed attempt; the deadline bounds it.
            attempts -= answer is not _Missing.WAS_BUSY
        raise LinkLost(
            Code.TIMEOUT_UNKNOWN,
            f"no answer to command {code} from {self._link.name}",
            command=str(code),
            wire=(masked or packet).hex(" ").upper(),
        )

    def _await(self, code: int, patience: float, deadline: float) -> Reply | _Missing:
        """The reply, or why there is none.

        Only a signal of work or a frame under way prolongs the waiting: a line full of noise is as good as silent. A
        NAK or a broken reply counts as a living device's only before a SYN: after one it may have restarted and
        forgotten the NUM, and such bytes may be the noise of that.
        """
        quiet = self._clock.monotonic() + patience
        taken = worked = False
        while True:
            left = min(quiet, deadline) - self._clock.monotonic()
            chunk = self._link.read(left) if left > 0 else b""
            if not chunk:
                return _Missing.SILENT
            for event in self._parser.feed(chunk):
                if isinstance(event, Reply):
                    if (event.num, event.code) == (self._num, code):
                        return event
                    if worked and not taken:
                        return _Missing.WAS_BUSY
                elif isinstance(event, Nak | Broken):
                    self._parser.reset()
                    return _Missing.SILENT if worked else _Missing.AGAIN
                elif isinstance(event, Ack | Syn):
                    taken = taken or (isinstance(event, Ack) and not worked)
                    worked = worked or isinstance(event, Syn)
                    quiet = self._clock.monotonic() + self._working
            if self._parser.pending:
                quiet = max(quiet, self._clock.monotonic() + self._silence)
