"""The virtual fiscal server on a virtual network, in this process: what `Box` and `Cable` are for a device.

    till ─► drivers.prro (store, client) ─► httpx ─► `Network` ═══ bytes ═══► `Office` ─► drivers.prro.emulator.server

`Network` is httpx's own transport seam; documents, signatures, tickets and the server's rules are the real ones.
"""

from __future__ import annotations

import random
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from email.utils import format_datetime
from functools import cache
from pathlib import Path
from typing import Any
from unittest import mock
from urllib.parse import parse_qs

import httpx

from drivers.emulation.faults import Fault, FaultPlan
from drivers.emulation.memory import Tape
from drivers.prro.emulator import demo
from drivers.prro.emulator.authority import Authority
from drivers.prro.emulator.requests import Answer, Request, names
from drivers.prro.emulator.server import FiscalServer
from drivers.prro.emulator.settings import Settings
from drivers.prro.emulator.world import World as Server
from drivers.prro.keys import ring
from drivers.prro.signing import Signer
from tests.simulation.world import START, Dead, World

FN = "4000123456"
TIN = "12345678"
TRIP = 0.04
"""Seconds of the way there."""
RENAMED = {"Z_REPORT": "Z"}


@cache
def people() -> demo.Demo:
    """The authority, the cashiers and the server's own key; the same in every life."""
    noise = random.Random("people")
    with (
        mock.patch("os.urandom", noise.randbytes),
        mock.patch.object(random, "_urandom", noise.randbytes),
    ):
        made = demo.load(Settings(), None, "http://127.0.0.1:1/ca", START)
    for who in (*made.people.values(), *made.services.values()):
        Signer(who.key, who.certificate).warm()
    return made


class Paperless:
    """What a device would have and a server has not."""

    def set_paper(self, present: bool) -> None: ...

    def set_cover(self, opened: bool) -> None: ...

    def advance_clock(self, seconds: float) -> None: ...

    def later(self, what: str) -> None: ...

    def set_serial(self, serial: str) -> None: ...


class Office:
    """The tax service's server; has the hands of `Box`."""

    def __init__(self, world: World) -> None:
        self.world = world
        made = people()

        def load(at: Any) -> demo.Demo:
            return demo.Demo(
                Authority(made.authority.root, made.authority.generation, ""), made.people, made.services, None
            )

        self.server = FiscalServer(Settings.of({}), None, load, Tape(None), world.true_now)
        self.view = Server(self.server)
        self.machine = Paperless()
        self.plan = FaultPlan()
        self.powered = self.plugged = True
        self.loose = False
        self.spoil: Callable[[bytes], bytes] | None = None
        self.watch: Callable[[Any], None] = lambda office: None
        self.heard: list[object] = []

    @property
    def reachable(self) -> bool:
        return self.powered and self.plugged

    def power_off(self) -> None:
        """The server has mains of its own: when the shop's go, it is only out of reach until they are back."""
        self.powered = False

    def power_on(self) -> None:
        self.powered = True

    def unplug(self) -> None:
        self.plugged = False

    def replug(self, serial: str = "") -> None:
        self.plugged = True

    def replug_own(self, serial: str) -> None:
        self.plugged = True

    def set_link(self, up: bool) -> None:
        self.plugged = up

    def fault(self, id: str, command: str = "*", **how: Any) -> None:
        self.plan.add(Fault(id, command, **how))

    def forget_faults(self) -> None:
        self.plan = FaultPlan()

    def serial(self) -> str:
        return FN

    def registers(self) -> dict[str, Any]:
        return self.view.registers()

    def journal(self) -> list[dict[str, Any]]:
        """Documents that count, oldest first, under the fiscal numbers that the till is told."""
        return [
            entry | {"number": entry["fiscal"], "kind": RENAMED.get(entry["kind"], entry["kind"])}
            for entry in self.view.registers()["journal"]
            if not entry["revoked"]
        ]


class Network(httpx.BaseTransport):
    """One till's way to the office; `sent` is what really went out, one entry a request."""

    def __init__(self, office: Office) -> None:
        self._office = office
        self._former: Answer | None = None
        self.sent: list[bytearray] = []

    def handle_request(self, request: httpx.Request) -> httpx.Response:
        office, world = self._office, self._office.world
        patience = request.extensions["timeout"]
        body = request.read()
        world.point("wire", f"connect for {request.url.path}")
        self.sent.append(bytearray())
        self._reach(patience["connect"])
        rest = body
        while rest:
            free = world.pass_points("wire", len(rest))
            self.sent[-1] += rest[:free]
            rest = rest[free:]
            if rest:
                world.point("wire", f"byte of {request.url.path}")
                if not office.reachable or office.loose:
                    raise httpx.WriteError("the connection broke")
                self.sent[-1] += rest[:1]
                rest = rest[1:]
        world.advance(TRIP)
        answer = self._served(_request(request, body), patience["read"])
        content = answer.body
        world.advance(TRIP)
        if world.pass_points("wire", len(content)) < len(content):
            world.point("wire", f"byte of the answer from {request.url.path}")
        if office.loose:
            self._silence(patience["read"])
        if not office.reachable:
            raise httpx.ReadError("the connection broke")
        if office.spoil is not None:
            content = office.spoil(content)
        date = format_datetime(office.server.now().replace(microsecond=0), usegmt=True)
        headers = {"Content-Type": answer.content_type, "Date": date}
        return httpx.Response(answer.status, headers=headers, content=content)

    def _reach(self, patience: float) -> None:
        if self._office.loose:
            self._office.world.advance(patience)
            raise httpx.ConnectTimeout("nobody answers")
        if not self._office.reachable:
            raise httpx.ConnectError("no way to the server")

    def _silence(self, patience: float) -> None:
        self._office.world.advance(patience)
        raise httpx.ReadTimeout("no answer")

    def _served(self, request: Request, patience: float) -> Answer:
        """The server's answer, with the faults of the plan."""
        office = self._office
        faults = {fault.id: fault for fault in office.plan.take(*names(request))}
        before = {name for name, fault in faults.items() if fault.before}
        if "F1" in faults:
            raise httpx.RemoteProtocolError("dropped")
        if before & {"F6", "F8", "F11"}:
            self._disaster(faults, patience)
        if "F4" in faults:
            return Answer(400, "text/plain", b"Bad Request")
        if before & {"F20", "F23"}:
            return _nonsense(faults)
        if "F7" in before and self._former is not None and request.path.endswith("/doc"):
            return self._former  # nothing was done, and the answer belongs to another document
        if "F5" in faults:
            office.world.advance(min(faults["F5"].seconds, patience - 0.5))
        answer = office.server.handle(request)
        office.watch(office)
        if "F2" in faults or faults.keys() & {"F6", "F8", "F11"}:
            self._disaster(faults, patience)
        if faults.keys() & {"F20", "F23"}:
            return _nonsense(faults)
        former = self._former
        if request.path.endswith("/doc") and answer.status == 200:
            self._former = answer
        if "F7" in faults and former is not None and request.path.endswith("/doc"):
            return former
        if "F3" in faults and answer.body:
            place = len(answer.body) // 2
            spoilt = answer.body[:place] + bytes([answer.body[place] ^ 4]) + answer.body[place + 1 :]
            return Answer(answer.status, answer.content_type, spoilt)
        return answer

    def _disaster(self, faults: dict[str, Fault], patience: float) -> None:
        if "F11" in faults or "F8" in faults:
            self._office.unplug()
            raise httpx.ReadError("the connection broke")
        self._silence(patience)


def _request(request: httpx.Request, body: bytes) -> Request:
    return Request(
        path=request.url.path,
        content_type=request.headers.get("Content-Type", "").partition(";")[0].strip().lower(),
        encoding=request.headers.get("Content-Encoding", "").strip().lower(),
        body=body,
        as_json=parse_qs(request.url.query.decode()).get("resultAsJson", ["false"])[-1].lower() == "true",
    )


def _nonsense(faults: dict[str, Fault]) -> Answer:
    if "F23" in faults:
        return Answer(500, "text/plain", b"Internal Server Error")
    return Answer(200, "text/html", b"<html>Welcome to the hotel's network</html>")


@contextmanager
def connected(office: Office, networks: list[Network]) -> Iterator[None]:
    """Every client of a fiscal server, or of its authority, that is made in here goes to the office."""

    def network() -> Network:
        if not networks:
            networks.append(Network(office))
        return networks[0]

    class Client(httpx.Client):
        """httpx's own client with the simulated network under it."""

        def __init__(self, **options: Any) -> None:
            super().__init__(transport=network(), trust_env=False)

    with mock.patch("httpx.Client", Client):
        yield


def lay_keys(folder: Path) -> None:
    """Who is trusted; the containers themselves are opened elsewhere: `unlock` puts the signer in the ring."""
    (folder / "trust").mkdir(parents=True, exist_ok=True)
    (folder / "trust" / "authority.cer").write_bytes(people().authority.certificate.raw)


def unlock(folder: Path, slot: str = "cashier") -> None:
    identity = people().people[slot]
    ring.put(folder, slot, Signer(identity.key, identity.certificate))


def forget_keys() -> None:
    """The process died, and its keys with it; they are everybody's here, so they are not closed."""
    ring._signers.clear()


def url(folder: Path) -> str:
    options = {
        "fn": FN, "key": "cashier", "keys": folder / "keys", "state": folder / "prro", "demo": "yes", "tsp": "no",
    }  # fmt: skip
    return "prro+http://127.0.0.1:1/fs?" + "&".join(f"{name}={value}" for name, value in options.items())


__all__ = ["Dead", "Network", "Office", "connected", "forget_keys", "lay_keys", "unlock", "url"]
