"""A till that knows nothing but HTTP: plain httpx against a virtual device on a socket."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import httpx

from drivers.emulation.faults import FaultPlan
from drivers.emulation.lines import TcpLine
from drivers.emulation.memory import StateFile, Tape
from drivers.emulation.server import EmulatorServer
from drivers.helpmicro.emulator.machine import HelpMicroMachine, build

CLOCK = "2026-11-24T10:15:00"
SALE: dict[str, Any] = {
    "F": [
        {"S": {"code": 100, "name": "Хліб", "qty": 2, "price": 12.5, "tax": 1}},
        {"P": {"no": 1, "sum": 30}},
    ]
}


def virtual(folder: Path, **options: object) -> HelpMicroMachine:
    settings = {"clock": CLOCK, **{name: str(value) for name, value in options.items()}}
    return build(settings, StateFile(folder / "state.json"), Tape(folder / "tape.txt"), FaultPlan())


def item(name: str = "Хліб", price: float = 12.5, qty: float = 2, code: int = 100, **more: Any) -> dict[str, Any]:
    return {"S": {"code": code, "name": name, "qty": qty, "price": price, "tax": 1, **more}}


def pay(no: int = 1, **more: Any) -> dict[str, Any]:
    return {"P": {"no": no, **more}}


class Till:
    """A client of the service account, and of cashiers where their credentials are needed."""

    def __init__(self, server: EmulatorServer, timeout: float = 20.0) -> None:
        self.server = server
        self.http = httpx.Client(
            base_url=f"http://{server.address}",
            auth=httpx.DigestAuth("service", "751426"),
            timeout=timeout,
            trust_env=False,
        )

    def get(self, path: str) -> Any:
        reply = self.http.get(path)
        assert reply.status_code == 200, reply
        return reply.json()

    def post(self, document: Any, user: str = "", password: str = "1111") -> Any:
        auth = httpx.DigestAuth(user, password) if user else httpx.USE_CLIENT_DEFAULT
        reply = self.http.post("/cgi/chk", json=document, auth=auth)
        assert reply.status_code == 200, reply
        return reply.json()

    def register(self, operator: str = "1") -> Any:
        return self.post({"L": []}, operator)

    def done(self, document: Any) -> dict[str, Any]:
        entry = self.post(document)
        assert isinstance(entry, dict) and "err" not in entry, entry
        return entry

    def refused(self, document: Any, code: str, line: int | None = None) -> None:
        entry: dict[str, Any] = {"e": f"x{code}"} | ({} if line is None else {"line": line})
        assert self.post(document) == {"err": [entry]}

    def z(self) -> Any:
        return self.get("/cgi/proc/printreport?0")

    def registers(self) -> dict[str, Any]:
        return self.server.registers()


@contextmanager
def running(folder: Path, *, registered: bool = True, timeout: float = 20.0, **options: object) -> Iterator[Till]:
    with EmulatorServer(virtual(folder, **options), TcpLine(0)) as server:
        till = Till(server, timeout)
        with till.http:
            if registered:
                till.register()
            yield till
