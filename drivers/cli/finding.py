"""`registrar detect`: what is plugged in, and who answers at a server."""

from __future__ import annotations

import argparse
import sys
from collections.abc import Sequence
from contextlib import suppress
from typing import Any

from drivers.cli.saying import DONE, UNREACHABLE, say
from drivers.clock import SystemClock


def detect(options: argparse.Namespace) -> int:
    from drivers import discovery

    servers = [port for port in options.port if port.startswith("prro+")]
    if servers:
        return _detect_servers(options, servers)
    devices = [] if options.port else discovery.usb_devices()
    known = [device.port for device in devices if device.kind == "registrar" and not device.driver]
    where = options.port or [*discovery.ports(), *known]
    if options.watch:
        return _watch(options, where)
    found = discovery.detect(where, SystemClock(), exclude=options.exclude)
    lines = _told(found)
    lines += [
        f"{device.port}: {device.product or 'a USB device'} without a serial port ({device.kind}"
        + (", held by a kernel driver)" if device.driver else ")")
        for device in devices
        if device.port not in known
    ]
    say(options, {"ports": found, "usb": devices}, "\n".join(lines) or "no ports to try; name one")
    return DONE if any(finding.info for finding in found) else UNREACHABLE


def _detect_servers(options: argparse.Namespace, urls: Sequence[str]) -> int:
    """Whether the servers of software registrars answer, and which keys lie here: no key is unlocked for that."""
    from drivers.prro.command import look

    if others := [port for port in options.port if port not in urls]:
        raise ValueError(f"look for {others[0]} by a command of its own")
    found = look(urls)
    say(options, {"servers": found}, "\n".join(map(str, found)))
    return DONE if all(one.latency is not None for one in found) else UNREACHABLE


def _watch(options: argparse.Namespace, where: Sequence[str]) -> int:
    """Probe what is there, then everything that is plugged in, one line of JSON or a few of text each."""
    from drivers import discovery
    from drivers.links.hotplug import HotPlug

    with suppress(KeyboardInterrupt), HotPlug() as plugs:
        fresh: Sequence[str] = where
        while True:
            for finding in discovery.detect(fresh, SystemClock(), exclude=options.exclude):
                say(options, {"port": finding}, "\n".join(_told([finding])))
                sys.stdout.flush()
            change = plugs.wait(3600)
            fresh = [change.port] if change is not None and change.present and _is_for(change.port) else []
            if change is not None and not change.present:
                say(options, {"gone": change.port}, f"{change.port}: gone")
                sys.stdout.flush()
    return DONE


def _is_for(port: str) -> bool:
    """Whether a device that was just plugged in may be asked: a serial port, or a known registrar without one."""
    from drivers import discovery

    return (port.startswith("/") and port in discovery.nodes()) or any(
        device.port == port and device.kind == "registrar" and not device.driver for device in discovery.usb_devices()
    )


def _told(found: Sequence[Any]) -> list[str]:
    """Findings as people read them."""
    lines = []
    for finding in found:
        if (info := finding.info) is not None:
            lines += [
                f"{finding.port}: {info.model}",
                f"    serial {info.serial}, fiscal number {info.fiscal_number or '-'}, firmware {info.firmware}",
                f"    {finding.url}",
            ]
            continue
        lines.append(f"{finding.port}: nothing here")
        for attempt in finding.attempts:
            lines.append(f"    {attempt.url}: {attempt.ended}")
            lines += [f"        asked     {attempt.asked}"] if attempt.asked else []
            lines += [f"        came back {attempt.answered or 'nothing'}"] if attempt.asked else []
    return lines
