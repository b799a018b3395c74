"""The wall: types that cannot hold private fields, connections through the recorded rooms only, a unit that allows no
other host."""

from __future__ import annotations

import ast
import json
import os
import re
import subprocess
import sys
import types
import typing
import uuid
from collections.abc import Iterator, Mapping, Sequence
from datetime import datetime
from enum import Enum
from pathlib import Path

import msgspec
import pytest

from drivers.document import Document
from drivers.prro.documents import record
from drivers.registrar import Registrar
from kiosk.cli import main
from kiosk.config import Settings
from kiosk.evidence.wall import drop_in, host_of, hosts, resolvers
from kiosk.ledger.store import open_ledger
from tests.contract.bench import emulator_bench
from tests.contract.test_helpmicro import HELPMICRO

ROOT = Path(__file__).resolve().parents[3]
PRIVATE = re.compile(
    r"phone|mail|customer|buyer|client|loyal|bonus|debt|purchase|cost|margin|supplier|stock|badge|pin(?!_mask|g)|note",
    re.I,
)
PLAIN = (str, int, bool, bytes, uuid.UUID, type(None), datetime)


# -- types --------------------------------------------------------------------------------------------------------


def fields_of(kind: object, seen: set[object]) -> Iterator[tuple[str, object]]:
    """Every field that a value of this type can reach: (Type.field, its type)."""
    origin, arguments = typing.get_origin(kind), typing.get_args(kind)
    if origin is typing.Annotated:
        yield from fields_of(arguments[0], seen)
    elif origin in (tuple, typing.Union, types.UnionType):
        for part in arguments:
            if part is not Ellipsis:
                yield from fields_of(part, seen)
    elif isinstance(kind, type) and issubclass(kind, msgspec.Struct):
        if kind not in seen:
            seen.add(kind)
            for name, part in typing.get_type_hints(kind, include_extras=True).items():
                if typing.get_origin(part) is typing.ClassVar or name.startswith("__"):
                    continue
                yield f"{kind.__name__}.{name}", part
                yield from fields_of(part, seen)
    elif not (isinstance(kind, type) and (kind in PLAIN or issubclass(kind, Enum))):
        raise AssertionError(f"{kind!r} can hold anything: it has no place in what is sent")


def test_what_is_sent_has_no_place_for_private_values() -> None:
    names = {name for name, _ in fields_of(Document, set())}
    assert {"Document.lines", "Line.name", "Payment.card", "CardSlip.pan_mask", "Original.number"} <= names
    assert [name for name in names if PRIVATE.search(name.partition(".")[2])] == []


def test_the_check_itself_can_fail() -> None:
    class Leaky(msgspec.Struct):
        anything: dict[str, str]

    class Phone(msgspec.Struct):
        buyer_phone: str

    with pytest.raises(AssertionError, match="can hold anything"):
        list(fields_of(Leaky, set()))
    assert [name for name, _ in fields_of(Phone, set()) if PRIVATE.search(name)] == ["Phone.buyer_phone"]


def test_unknown_fields_are_refused_and_not_carried_along() -> None:
    with pytest.raises(msgspec.ValidationError, match="phone"):
        msgspec.convert({"id": str(uuid.uuid4()), "kind": "sale", "phone": "+380671234567"}, Document)


def test_a_registrar_takes_nothing_but_documents_and_lines_of_text() -> None:
    """The whole interface: what crosses it is a document, the registrar's own readings, slips' lines, a time."""
    allowed = {Document, Mapping[str, str | int], Sequence[str], str, datetime}
    taken = set()
    for name, method in vars(Registrar).items():
        if name.startswith("_") or not callable(method):
            continue
        hints = typing.get_type_hints(method)
        hints.pop("return", None)
        taken |= set(hints.values())
    assert taken and taken <= allowed, taken - allowed


def test_the_fiscal_servers_documents_know_the_schemas_fields_only() -> None:
    """The record that a document is read back into has no private field either."""
    for kind in vars(record).values():
        if isinstance(kind, type) and kind.__module__ == record.__name__ and hasattr(kind, "__annotations__"):
            assert not [name for name in kind.__annotations__ if re.search(r"phone|mail|customer|debt", name)], kind


# -- rooms --------------------------------------------------------------------------------------------------------

WIRES = frozenset(
    {"socket", "httpx", "serial", "usb", "ssl", "urllib.request", "http.client", "ftplib", "smtplib", "telnetlib",
     "requests", "aiohttp", "urllib3", "websockets", "paramiko", "xmlrpc"}
)  # fmt: skip
ROOMS = {
    "drivers/links/": "the links, all under the wire log",
    "drivers/discovery.py": "what is plugged in: probes by links, lists by pyserial and pyusb",
    "drivers/helpmicro/transport.py": "HTTP over a link",
    "drivers/helpmicro/session.py": "HTTP over a link",
    "drivers/prro/client.py": "the fiscal server, every request in the wire log",
    "drivers/prro/desk.py": "time stamps, every request in the wire log",
    "drivers/prro/signing/web.py": "the request of a time stamp, which the desk writes down",
    "drivers/emulation/": "virtual registrars: they listen",
    "drivers/prro/emulator/": "the virtual fiscal server: it listens",
    "kiosk/demo.py": "the demo asks this machine for a free port",
    "kiosk/logs.py": "the journal's socket on this machine",
}


def imports(file: Path) -> Iterator[str]:
    for node in ast.walk(ast.parse(file.read_bytes())):
        if isinstance(node, ast.Import):
            yield from (name.name for name in node.names)
        elif isinstance(node, ast.ImportFrom) and node.module and not node.level:
            yield node.module
            yield from (f"{node.module}.{name.name}" for name in node.names)
        elif isinstance(node, ast.Attribute) and node.attr in ("open_connection", "create_connection"):
            yield "socket"


def test_only_the_recorded_rooms_know_a_wire() -> None:
    strangers, used = [], set()
    for package in ("drivers", "kiosk"):
        for file in sorted((ROOT / package).rglob("*.py")):
            wires = {name for name in imports(file) for wire in WIRES if name == wire or name.startswith(wire + ".")}
            place = str(file.relative_to(ROOT))
            room = next((room for room in ROOMS if place.startswith(room)), None)
            if wires and room is None:
                strangers.append((place, sorted(wires)))
            elif wires:
                used.add(room)
    assert strangers == [], "a connection is opened outside the rooms that record it"
    assert used == set(ROOMS), "a room of the list knows no wire any more"


PROGRAM = """
import json, sys, traceback
from pathlib import Path

connections = []

def hook(event, arguments):
    if event in ("socket.connect", "socket.sendto", "socket.getaddrinfo"):
        files = [frame.filename for frame in traceback.extract_stack() if "/drivers/" in frame.filename
                 or "/kiosk/" in frame.filename]
        address = arguments[1] if event == "socket.connect" else arguments[:2]
        connections.append([event, list(address) if isinstance(address, tuple) else str(address), files[-1:]])

sys.addaudithook(hook)
from kiosk.config import Settings
from kiosk.start import open_till

till = open_till(Settings(data=sys.argv[1], registrar=sys.argv[2], demo=True, internet=""))
till.people.login_badge("2000000001")
binding = till.workplace.main_binding()
till.shifts.open(binding, counted=10000, float_=10000, reason="x")
good = till.workplace.ledger.goods.page("", 1)[0]
till.sale.pick(good, 1000)
paid = till.sale.pay(received=till.sale.basket.total + 100)
till.close()
print(json.dumps([str(paid.state), connections]))
"""


def test_at_run_time_every_connection_goes_to_a_configured_host(tmp_path: Path) -> None:
    """Python's own audit hook sees every connect, whoever makes it."""
    with emulator_bench(HELPMICRO, tmp_path / "registrar") as bench:
        done = subprocess.run(
            [sys.executable, "-c", PROGRAM, str(tmp_path / "data"), bench.url],
            capture_output=True, text=True, timeout=90, check=False, env={**os.environ, "TZ": "Europe/Kyiv"},
        )  # fmt: skip
        assert done.returncode == 0, done.stderr
        state, connections = json.loads(done.stdout.splitlines()[-1])
        host, port = bench.url.partition("://")[2].partition("?")[0].split(":")
    assert state == "done" and connections
    for event, address, files in connections:
        assert [str(part) for part in address[:2]] == [host, port], (event, address)
        assert files and "/drivers/links/" in files[0], files


# -- the unit -----------------------------------------------------------------------------------------------------


def test_the_unit_denies_everything_else() -> None:
    unit = (ROOT / "udev" / "kasa-kiosk.service").read_text(encoding="utf-8")
    lines = [line.strip() for line in unit.splitlines() if line.strip() and not line.startswith("#")]
    assert "IPAddressDeny=any" in lines
    assert [line for line in lines if line.startswith("IPAddressAllow=")] == ["IPAddressAllow=localhost"]
    families = next(line for line in lines if line.startswith("RestrictAddressFamilies="))
    assert set(families.partition("=")[2].split()) == {"AF_UNIX", "AF_INET", "AF_INET6", "AF_NETLINK"}
    assert "NoNewPrivileges=yes" in lines


@pytest.mark.parametrize(
    ("url", "host"),
    [
        ("datecs+serial:///dev/registrar", ""),
        ("ikc+usb://ffff:1c01", ""),
        ("maria+tcp://10.0.0.7:2001", "10.0.0.7"),
        ("helpmicro+http://user:secret@10.0.0.8", "10.0.0.8"),
        ("prro+https://fs.tax.gov.ua:8643/fs?fn=1", "fs.tax.gov.ua"),
        ("postgresql://kasa@db.shop/kasa", "db.shop"),
        ("maria+tcp://[::1", ""),
        ("", ""),
    ],
)
def test_hosts_of_urls(url: str, host: str) -> None:
    assert host_of(url) == host


def test_the_drop_in_is_made_from_the_settings(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    from drivers.clock import SystemClock
    from kiosk.ledger.records import BindingRole

    with open_ledger(tmp_path / "ledger.db", SystemClock()) as ledger:
        ledger.shop.add_enterprise("ТОВ", "12345678")
        ledger.shop.bind(1, "Каса 1", "maria+tcp://10.0.0.7:2001", BindingRole.ACTIVE)
    settings = Settings(data=str(tmp_path), registrar="helpmicro+http://10.0.0.8", internet="192.0.2.1:443")
    found = hosts(settings, settings.ledger_url)
    assert found == ["10.0.0.8", "192.0.2.1", "10.0.0.7"]
    resolver = tmp_path / "resolv.conf"
    resolver.write_text("# x\nnameserver 127.0.0.53\nnameserver 10.0.0.1\nsearch shop\nnameserver nonsense\n")
    assert resolvers(resolver) == ["10.0.0.1"]
    text, lost = drop_in([*found, "no-such-host.invalid"], resolver)
    assert lost == ["no-such-host.invalid"]
    assert [line for line in text.splitlines() if not line.startswith("#")] == [
        "[Service]", "IPAddressDeny=any", "IPAddressAllow=localhost", "IPAddressAllow=10.0.0.8",
        "IPAddressAllow=192.0.2.1", "IPAddressAllow=10.0.0.7",
    ]  # fmt: skip
    config = tmp_path / "kiosk.toml"
    config.write_text(f'data = "{tmp_path}"\ninternet = ""\n', encoding="utf-8")
    assert main(["evidence", "wall", "--config", str(config), "--allow", "10.0.0.9"]) == 0
    assert "IPAddressAllow=10.0.0.7\nIPAddressAllow=10.0.0.9\n" in capsys.readouterr().out
