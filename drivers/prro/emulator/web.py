"""The virtual fiscal server on a port.

    registrar emulate prro --port N --state fs.db --tape fs.txt --faults plan.json --option NAME=VALUE

It prints `ready http://127.0.0.1:N/fs` and answers POST /fs/doc, /fs/pck, /fs/cmd; the demo authority's /ca/tsp and
/ca/ocsp are on the same port. What a client needs (keys, certificates, names, password) is in the folder beside the
state file, see `demo`; the options are in `settings`. The people are made on the first start; without --state they live
in memory only and no client outside the process can sign.

Faults (`--faults`, `add_fault`) by the ids of drivers.emulation.faults; `command` is doc, doc:CHECK, doc:ZREP,
doc:CheckGoods (any name of §2.11), pck, cmd, cmd:NAME, tsp, ocsp or *. `when` says whether the request was processed:

    F1   the request is dropped: connection reset, nothing processed
    F2   processed, answer lost: silence for `seconds`, then a reset
    F3   processed, the answer arrives with one bit wrong
    F4   HTTP `status` (400) with a text without a code, nothing processed
    F5   a pause of `seconds` before or after processing, then the answer
    F6   silence until the connection, the link or the power goes; before or after
    F7   the answer belongs to another document: a ticket with another UID and number; before or after
    F8   the server dies before or after, back after `restore_after` seconds or by `power_on`
    F11  the link goes before or after (connections are refused), back after `restore_after` or by `replug`
    F12  another device (`serial` is its id) has taken the number: server ahead, DeviceRegister shows it
    F13, F15  the server's clock jumps by `seconds`
    F20  HTTP 200 with nonsense; before or after
    F22  HTTP 200 with the answer of another command; before or after
    F23  HTTP `status` (500; or 502, 503) without a code; before or after
    refusal          refused with `code` (9) and `text`, nothing processed
    package          the document at `position` of the package is refused with `code` (9); earlier ones stay
    offline-closed   the server has closed the offline session; its pair brings it back (§2.6)
    no-offline-pair  the server has no offline pair to give
    behind           the last `position` (1) documents are gone from the server
    revoked          the signer's certificate has been revoked
    unchecked        the certificate's status cannot be checked: code 12 by the server's fault
    unregistered     the registrar's registration has been cancelled
"""

from __future__ import annotations

import contextlib
import hashlib
import threading
import uuid
from collections.abc import Callable, Iterable, Mapping
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

from drivers.emulation.faults import Fault, FaultPlan
from drivers.emulation.memory import Tape
from drivers.prro.emulator import demo, refusals, verifier
from drivers.prro.emulator.listener import Cut, Listener
from drivers.prro.emulator.refusals import SYMBOLS, Refused
from drivers.prro.emulator.requests import JSON, OCTETS, TEXT, Answer, Request, names
from drivers.prro.emulator.server import FiscalServer
from drivers.prro.emulator.settings import Settings
from drivers.prro.emulator.store import Entry
from drivers.prro.emulator.world import World


def build(
    options: Mapping[str, str],
    *,
    port: int = 0,
    state: Path | None = None,
    tape: Tape | None = None,
    plan: FaultPlan | None = None,
    wall: Callable[[], datetime] = lambda: datetime.now(UTC),
) -> FiscalEmulator:
    """A fiscal server from its options; port 0 takes a free one.

    Raises ValueError for an unknown option, a bad value or a foreign state file, OSError when the port is taken.
    """
    return FiscalEmulator(Settings.of(options), port=port, state=state, tape=tape or Tape(), plan=plan, wall=wall)


class FiscalEmulator:
    """The server with the hooks that tests and trainers need; the same as those of the hardware emulators."""

    def __init__(
        self,
        settings: Settings,
        *,
        port: int,
        state: Path | None,
        tape: Tape,
        plan: FaultPlan | None,
        wall: Callable[[], datetime],
    ) -> None:
        self.plan = plan or FaultPlan()
        self.settings = settings
        self._lock = threading.RLock()
        self._cut = threading.Event()
        self._alarms: list[threading.Timer] = []
        self._powered = self._plugged = True
        self._stopped = False
        self._listener: Listener | None = Listener(port, self, self._cut)
        self._port: int = self._listener.server_address[1]
        certification = f"http://127.0.0.1:{self._port}/ca"
        try:
            self.server = FiscalServer(
                settings, state, lambda at: demo.load(settings, state, certification, at), tape, wall
            )
            self.world = World(self.server)
            demo.describe(self.server.demo, settings, self.address)
        except BaseException:
            self._listener.server_close()
            raise

    # -- life -----------------------------------------------------------------------------------------------------

    @property
    def address(self) -> str:
        """The base URL."""
        return f"http://127.0.0.1:{self._port}/fs"

    @property
    def demo(self) -> demo.Demo:
        """The people of this world and their keys."""
        return self.server.demo

    def __enter__(self) -> FiscalEmulator:
        self.start()
        return self

    def __exit__(self, *_: object) -> None:
        self.stop()

    def start(self) -> None:
        assert self._listener is not None
        self._listener.listen()

    def stop(self) -> None:
        with self._lock:
            alarms, self._alarms = self._alarms, []
            self._close()
            self._powered, self._stopped = False, True
        for alarm in alarms:
            alarm.cancel()
        self.server.close()

    def power_off(self) -> None:
        """The server dies: what was acknowledged is on the disk, nothing else."""
        with self._lock:
            if self._powered:
                self._powered = False
                self._close()

    def power_on(self) -> None:
        with self._lock:
            if not self._powered and not self._stopped:
                self.server.reload()
                self._powered = True
                self._open()

    def unplug(self) -> None:
        """The link goes: connections break and new ones are refused."""
        with self._lock:
            self._plugged = False
            self._close()

    def replug(self) -> None:
        with self._lock:
            self._plugged = True
            self._open()

    def _open(self) -> None:
        if self._powered and self._plugged and self._listener is None and not self._stopped:
            self._cut = threading.Event()
            self._listener = Listener(self._port, self, self._cut)
            self._listener.listen()

    def _close(self) -> None:
        self._cut.set()
        if self._listener is not None:
            listener, self._listener = self._listener, None
            listener.end()

    def _later(self, seconds: float | None, act: Callable[[], None]) -> None:
        if seconds is not None:
            alarm = threading.Timer(seconds, act)
            alarm.daemon = True
            self._alarms.append(alarm)
            alarm.start()

    # -- hooks ----------------------------------------------------------------------------------------------------

    def add_fault(self, id: str, command: str = "*", **how: Any) -> None:
        with self._lock:
            self.plan.add(Fault(id, command, **how))

    def registers(self, fn: int | None = None) -> dict[str, Any]:
        """As of the hardware emulators; of the first registrar when none is named. Kopecks."""
        with self._lock:
            return self.world.registers(fn)

    def now(self) -> datetime:
        """The server's time, aware UTC."""
        return self.server.now()

    def advance_clock(self, seconds: float) -> None:
        with self._lock:
            self.server.advance_clock(seconds)

    def foreign_document(self, fn: int | None = None, device: str = "") -> Entry:
        """Another device takes the next number of a registrar. Raises Refused when even it may not."""
        with self._lock:
            return self.world.foreign_document(fn, device)

    def lose_documents(self, count: int = 1, fn: int | None = None) -> list[Entry]:
        """The last documents of a registrar never were: the server is behind."""
        with self._lock:
            return self.world.lose_documents(count, fn)

    def close_offline_session(self, fn: int | None = None) -> None:
        """The server closes the offline session by itself."""
        with self._lock:
            self.world.close_offline_session(fn)

    def drop_offline_pair(self, fn: int | None = None) -> None:
        """The server has no offline pair until the next shift opens online."""
        with self._lock:
            self.world.drop_offline_pair(fn)

    def set_offline(self, supported: bool, fn: int | None = None) -> None:
        """`OfflineSupported` of a registrar."""
        with self._lock:
            self.world.set_offline(supported, fn)

    def cancel_registration(self, closed: bool = True, fn: int | None = None) -> None:
        with self._lock:
            self.world.cancel_registration(closed, fn)

    def withdraw_operator(self, who: str) -> None:
        """Withdraw a key by its name in the demo folder (cashier, second, senior, head)."""
        with self._lock:
            self.world.withdraw_operator(demo.key_id(self.demo.people[who].certificate))

    def revoke(self, who: str) -> None:
        """Revoke the certificate of one of the demo people."""
        with self._lock:
            self.demo.revoke(self.demo.people[who].certificate, self.server.now())

    # -- requests -------------------------------------------------------------------------------------------------

    def exchange(self, request: Request, cut: threading.Event) -> Answer:
        """Process a request with the faults that are due. Raises Cut when no answer is to be given."""
        with self._lock:
            if cut.is_set():
                raise Cut
            faults = {fault.id: fault for fault in self.plan.take(*names(request))}
        if "F1" in faults:
            raise Cut
        self._disasters(faults, cut, before=True)
        with self._lock:
            if cut.is_set():
                raise Cut
            self._prepare(faults.values(), request)
            ready = self._instead(faults, before=True)
            answer = ready if ready is not None else self.server.handle(request)
            if cut.is_set():
                raise Cut
        self._disasters(faults, cut, before=False)
        if (lost := faults.get("F2")) is not None:
            cut.wait(lost.seconds)
            raise Cut
        return self._spoilt(faults, answer)

    def _disasters(self, faults: Mapping[str, Fault], cut: threading.Event, *, before: bool) -> None:
        due = {name: fault for name, fault in faults.items() if fault.before == before}
        if (slow := due.get("F5")) is not None:
            cut.wait(slow.seconds)
        if "F6" in due:
            cut.wait()
            raise Cut
        if (death := due.get("F8")) is not None:
            self.power_off()
            self._later(death.restore_after, self.power_on)
            raise Cut
        if (link := due.get("F11")) is not None:
            self.unplug()
            self._later(link.restore_after, self.replug)
            raise Cut

    def _prepare(self, faults: Iterable[Fault], request: Request) -> None:
        """What happened to the server before the request came."""
        for fault in faults:
            if fault.id == "F12":
                with contextlib.suppress(Refused):  # where even the other device may not, only its id is there
                    self.world.foreign_document(device=_device_id(fault.serial))
            elif fault.id in ("F13", "F15"):
                self.server.advance_clock(fault.seconds)
            elif fault.id == "package":
                refusal = Refused(fault.code or refusals.DOCUMENT_INVALID, fault.text or "Документ не прийнято")
                self.server.refuse_package(fault.position, refusal)
            elif fault.id == "offline-closed":
                self.world.close_offline_session()
            elif fault.id == "no-offline-pair":
                self.world.drop_offline_pair()
            elif fault.id == "behind":
                self.world.lose_documents(fault.position or 1)
            elif fault.id == "unregistered":
                self.world.cancel_registration()
            elif fault.id == "unchecked":
                self.server.rules.access.unchecked = 1
            elif fault.id == "revoked":
                with contextlib.suppress(verifier.Unsigned, Refused):
                    signer = self.server.rules.access.envelope(request.body).certificate
                    self.demo.revoke(signer, self.server.now())

    def _instead(self, faults: Mapping[str, Fault], *, before: bool) -> Answer | None:
        """An answer that does not come from the server; `before`: the request never reached it."""
        if before and (gross := faults.get("F4")) is not None:
            return Answer(gross.status or 400, TEXT, (gross.text or "Bad Request").encode())
        if before and (refusal := faults.get("refusal")) is not None:
            code = refusal.code or refusals.DOCUMENT_INVALID
            refused = Refused(code, refusal.text or SYMBOLS[code])
            return Answer(refusal.status or refused.status, TEXT, refused.body)
        for name in ("F7", "F20", "F22", "F23"):
            fault = faults.get(name)
            if fault is None or fault.before != before:
                continue
            if name == "F7":
                return Answer(200, OCTETS, self.server.sign(_stranger(self.server.kyiv())))
            if name == "F20":
                return Answer(200, "text/html", (fault.text or "<html><body>It works!</body></html>").encode())
            if name == "F22":
                return Answer(200, JSON, b'{"UID":"other","Timestamp":"2020-01-01T00:00:00+02:00"}')
            return Answer(fault.status or 500, TEXT, (fault.text or "Internal Server Error").encode())
        return None

    def _spoilt(self, faults: Mapping[str, Fault], answer: Answer) -> Answer:
        other = self._instead(faults, before=False)
        if other is not None:
            return other
        if "F3" in faults and answer.body:
            # The last octets of a signed answer are its signature; of any other they are what closes it.
            spoilt = answer.body[:-1] + bytes((answer.body[-1] ^ 1,))
            return Answer(answer.status, answer.content_type, spoilt)
        return answer


def _stranger(at: datetime) -> bytes:
    """A ticket of a document that nobody here has sent."""
    return (
        '<?xml version="1.0" encoding="windows-1251"?><TICKET>'
        f"<UID>{str(uuid.uuid4()).upper()}</UID><ORDERDATE>{int(f'{at:%d%m%Y}')}</ORDERDATE>"
        f"<ORDERTIME>{int(f'{at:%H%M%S}')}</ORDERTIME><ORDERNUM>999999</ORDERNUM>"
        "<ORDERTAXNUM>833000001</ORDERTAXNUM><ERRORCODE>0</ERRORCODE><VER>1</VER></TICKET>"
    ).encode("cp1251")


def _device_id(serial: str) -> str:
    """A DeviceId has 64 characters; anything shorter is hashed."""
    return serial if len(serial) == 64 else hashlib.sha256(serial.encode()).hexdigest()
