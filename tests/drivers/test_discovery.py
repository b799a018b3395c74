"""Detection without harm (usb-udev.md): what answers is found, everything else is left alone within a bound."""

from __future__ import annotations

import os
import pty
import select
import threading
import time
import tty
from collections.abc import Callable, Iterator
from contextlib import contextmanager

import pytest

from drivers.clock import SystemClock
from drivers.discovery import SPEEDS, detect, ports
from drivers.errors import Invalid
from tests.conftest import Launch

BOUND = 2.5 * len(SPEEDS)
"""Seconds that one port may take at most: 2 a speed."""


@contextmanager
def port(answer: Callable[[bytes], bytes], every: float | None = None) -> Iterator[tuple[str, list[bytes]]]:
    """A port with something else on it; `every` seconds it speaks unasked. Yields its path and what it heard."""
    master, slave = pty.openpty()
    tty.setraw(slave)
    heard: list[bytes] = []
    stop_read, stop_write = os.pipe()

    def serve() -> None:
        while True:
            ready, _, _ = select.select([master, stop_read], [], [], every)
            if stop_read in ready:
                return
            data = os.read(master, 4096) if ready else b""
            if data:
                heard.append(data)
            if select.select([], [master], [], 0)[1]:
                os.write(master, answer(data))

    thread = threading.Thread(target=serve)
    thread.start()
    try:
        yield os.ttyname(slave), heard
    finally:
        os.write(stop_write, b"!")
        thread.join()
        for end in (master, slave, stop_read, stop_write):
            os.close(end)


def test_found_at_its_own_speed(launch: Launch) -> None:
    slow, fast = launch(baud=19200), launch(baud=38400, serial="CD00000002")
    first, second = detect([slow.address, fast.address], SystemClock())
    assert first.info is not None and first.info.serial == "AB12345678"
    assert first.url == f"datecs+serial://{slow.address}?baud=19200"
    assert second.info is not None and second.info.serial == "CD00000002"
    assert second.url == f"datecs+serial://{fast.address}?baud=38400" and len(second.tried) == 5


@pytest.mark.parametrize(
    ("answer", "every"),
    [
        (lambda data: data, None),
        (lambda data: b"", None),
        (lambda data: b"AT\r\r\nERROR\r\n", None),
        (lambda data: os.urandom(200), 0.01),
        (lambda data: b"\x16", 0.01),
        (lambda data: b"\x15", None),
        (lambda data: b"\x01\xff" + b"x" * 20, 0.05),
    ],
    ids=["echo", "silence", "modem", "noise", "syn-flood", "nak", "endless-frames"],
)
def test_nothing_here_within_the_bound(answer: Callable[[bytes], bytes], every: float | None) -> None:
    with port(answer, every) as (path, heard):
        begin = time.monotonic()
        (finding,) = detect([path], SystemClock())
        assert time.monotonic() - begin < BOUND
        assert finding.info is None and finding.url == "" and len(finding.tried) == len(SPEEDS)
        assert finding.wire
    commands = {data[3] for data in heard if data.startswith(b"\x01") and len(data) > 3}
    assert commands == {74}, "only the harmless question may go to a stranger"


def test_excluded_and_missing_ports_are_not_touched(launch: Launch) -> None:
    server = launch()
    with port(lambda data: b"") as (path, heard):
        findings = detect([path, server.address, "/dev/no-such-port"], SystemClock(), exclude=[path])
    assert heard == []
    assert [finding.info is not None for finding in findings] == [True, False]
    assert len(findings[1].tried) == 1, "a port that does not open is tried once"
    assert detect([path], SystemClock(), exclude=[path]) == []


def test_a_port_is_a_path_or_an_address() -> None:
    with pytest.raises(Invalid):
        detect(["COM1"], SystemClock())


def test_ports_of_this_machine_are_paths() -> None:
    assert all(name.startswith("/dev/") for name in ports())
