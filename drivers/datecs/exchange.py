"""One packet and its answer: SEQ, repeats, waiting (datecs-fp3530t.md §1–2), the same for every Datecs dialect.

A new command takes a new SEQ; a repeat keeps it, so that the printer answers from memory instead of acting again.
That memory does not survive a restart of the printer, so a command sent with `ask_first` is not repeated on silence:
its caller asks the registers first. A NAK or a broken reply proves a living printer and is repeated in any case.
"""

from __future__ import annotations

from collections.abc import Callable

from drivers.clock import Clock
from drivers.datecs.frame import MAX_DATA, SEQ_FIRST, SEQ_LAST, Broken, Nak, Parser, Reply, Syn, request
from drivers.errors import Code, LinkLost
from drivers.links import Link

SILENCE = 0.5
"""Seconds without an answer before the packet is repeated (§1)."""
SILENCE_WORKING = 3.0
"""The same after a SYN, or after a command that moves money (§1: real printers pause longer)."""
ATTEMPTS = 4
SEQ_SPAN = 0x5F


class Exchange:
    """Packets over one link. `cap` bounds every wait; `silence` and `working` are the seconds without an answer after
    which a packet is repeated or given up, at rest and after a SYN; `attempts` is how often it is sent.
    `named` writes a command as its page does."""

    def __init__(
        self,
        link: Link,
        clock: Clock,
        *,
        cap: float,
        silence: float = SILENCE,
        working: float = SILENCE_WORKING,
        attempts: int = ATTEMPTS,
        last_command: int = SEQ_LAST,
        max_data: int = MAX_DATA,
        named: Callable[[int], str] = str,
    ) -> None:
        self._link = link
        self._clock = clock
        self._cap = cap
        self._silence = silence
        self._working = max(silence, working)
        self._attempts = attempts
        self._named = named
        self._last_command = last_command
        self._max_data = max_data
        self._parser = Parser()
        # Any beginning will do, but not always the same one; taken from the clock, a recording can be lived again.
        self._count = clock.now().microsecond % SEQ_SPAN

    def reset(self) -> None:
        """Forget half a frame of a former connection."""
        self._parser.reset()

    def send(
        self,
        command: int,
        data: bytes,
        *,
        shown: bytes | None = None,
        ask_first: bool = False,
        any_command: bool = False,
        cap: float | None = None,
    ) -> Reply:
        """The reply to one command. `shown`: data for the wire log, secrets masked. Raises `LinkLost`."""
        seq = SEQ_FIRST + self._count
        self._count = (self._count + 1) % SEQ_SPAN
        packet = self._packet(seq, command, data)
        masked = None if shown is None else self._packet(seq, command, shown)
        deadline = self._clock.monotonic() + (cap or self._cap)
        patience = self._working if ask_first else self._silence
        self._parser.reset()
        self._link.flush_input()
        for _ in range(self._attempts):
            self._link.write(packet, masked)
            reply, repeat = self._await(seq, None if any_command else command, patience, deadline)
            if reply is not None:
                return reply
            if self._clock.monotonic() >= deadline or (ask_first and not repeat):
                break
        raise LinkLost(
            Code.TIMEOUT_UNKNOWN,
            f"no answer to command {self._named(command)} from {self._link.name}",
            command=self._named(command),
            wire=(masked or packet).hex(" ").upper(),
        )

    def _packet(self, seq: int, command: int, data: bytes) -> bytes:
        return request(seq, command, data, last_command=self._last_command, max_data=self._max_data)

    def _await(self, seq: int, command: int | None, patience: float, deadline: float) -> tuple[Reply | None, bool]:
        """The accepted reply, or None and whether the printer itself asked for a repeat.

        Only a SYN or a frame under way prolongs the waiting: a line full of noise is as good as silent. A broken
        reply or a NAK counts as the printer's own request only at once: after a SYN the printer may have restarted
        and forgotten the SEQ, and such bytes may be the noise of that.
        """
        quiet = self._clock.monotonic() + patience
        worked = False
        while True:
            left = min(quiet, deadline) - self._clock.monotonic()
            chunk = self._link.read(left) if left > 0 else b""
            if not chunk:
                return None, False
            for event in self._parser.feed(chunk):
                if isinstance(event, Reply) and event.seq == seq and command in (None, event.command):
                    return event, False
                if isinstance(event, Nak | Broken):
                    self._parser.reset()
                    return None, not worked
                if isinstance(event, Syn):
                    worked = True
                    quiet = self._clock.monotonic() + self._working
            if self._parser.pending:
                quiet = max(quiet, self._clock.monotonic() + self._silence)
