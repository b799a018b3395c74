"""The wall around the process: a systemd drop-in made from the settings, so that only configured hosts can be reached.

    [Service]
    IPAddressDeny=any
    IPAddressAllow=localhost
    IPAddressAllow=10.0.0.7

systemd takes addresses and no names, so names are resolved now: the command is run again when a host moves. What the
kernel refuses never leaves, whatever a defect or a stranger in the process tries.
"""

from __future__ import annotations

import ipaddress
from collections.abc import Iterable
from pathlib import Path
from urllib.parse import urlsplit

from drivers.clock import SystemClock
from drivers.links.reach import addresses
from kiosk.config import Settings
from kiosk.ledger.store import open_ledger

RESOLVER = Path("/etc/resolv.conf")


def hosts(settings: Settings, ledger_url: str) -> list[str]:
    """Hosts that this till is set up for: its registrars, the fiscal server's, the ledger's. Raises `LedgerError`."""
    found = [host_of(settings.registrar), settings.internet.rpartition(":")[0]]
    if "://" in ledger_url:
        found.append(host_of(ledger_url))
    if "://" in ledger_url or Path(ledger_url).exists():
        with open_ledger(ledger_url, SystemClock()) as ledger:
            found += [host_of(binding.url) for binding in ledger.shop.bindings(settings.workplace)]
    return list(dict.fromkeys(host for host in found if host))


def host_of(url: str) -> str:
    """The host that a registrar URL leads to, "" for a cable."""
    try:
        parts = urlsplit(url)
        transport = parts.scheme.rpartition("+")[2]
        return (parts.hostname or "") if transport in ("tcp", "http", "https", "postgresql", "postgres") else ""
    except ValueError:
        return ""


def drop_in(wanted: Iterable[str], resolver: Path = RESOLVER) -> tuple[str, list[str]]:
    """The text of the drop-in, and the hosts that do not resolve (they are left out, nothing is guessed)."""
    lines, lost, named = [], [], False
    for host in wanted:
        found = addresses(host)
        if not found:
            lost.append(host)
            continue
        named = named or not _is_address(host)
        lines += [f"IPAddressAllow={address}" for address in found if not ipaddress.ip_address(address).is_loopback]
        if not _is_address(host):
            lines.append(f"# the addresses above: {host}")
    if named:
        lines += [f"IPAddressAllow={server}" for server in resolvers(resolver)]
        lines.append("# the addresses above: the resolver of names")
    head = ["# Made by `kiosk evidence wall`; make it again when a host moves.", "[Service]", "IPAddressDeny=any"]
    return "\n".join([*head, "IPAddressAllow=localhost", *dict.fromkeys(lines)]) + "\n", lost


def resolvers(path: Path) -> list[str]:
    """Servers of names that are not this machine."""
    try:
        text = path.read_text(encoding="utf-8", errors="replace")
    except OSError:
        return []
    words = [line.split() for line in text.splitlines()]
    found = [parts[1].partition("%")[0] for parts in words if len(parts) > 1 and parts[0] == "nameserver"]
    return [server for server in found if _is_address(server) and not ipaddress.ip_address(server).is_loopback]


def _is_address(text: str) -> bool:
    try:
        ipaddress.ip_address(text)
    except ValueError:
        return False
    return True
