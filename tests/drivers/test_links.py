"""Links over real file descriptors and sockets, and the wire log beside them."""

from __future__ import annotations

import os
import pty
import socket
import threading
import tty
from collections.abc import Iterator
from contextlib import closing

import pytest

from drivers.clock import SystemClock
from drivers.errors import Code, LinkLost, Unreachable
from drivers.links.serial import SerialLink
from drivers.links.tcp import TcpLink
from drivers.links.wire import RecordedLink, WireLog


@pytest.fixture
def terminal() -> Iterator[tuple[int, str]]:
    """The device's end of a pseudo-terminal and the path of the host's."""
    master, slave = pty.openpty()
    tty.setraw(slave)
    yield master, os.ttyname(slave)
    for end in (master, slave):
        try:
            os.close(end)
        except OSError:
            continue


@pytest.fixture
def server() -> Iterator[socket.socket]:
    with socket.create_server(("127.0.0.1", 0)) as listening:
        yield listening


def test_serial_both_ways(terminal: tuple[int, str]) -> None:
    master, path = terminal
    link = SerialLink(path, baud=9600)
    link.open()
    link.open()
    link.write(bytes(range(256)))
    assert os.read(master, 300) == bytes(range(256))
    os.write(master, b"\x00\x11\x13\xff\r\n")
    assert link.read(1) == b"\x00\x11\x13\xff\r\n"
    assert link.read(0) == b""
    assert link.name == path and link.exists()
    link.close()
    link.close()


def test_serial_forgets_stale_bytes(terminal: tuple[int, str]) -> None:
    master, path = terminal
    os.write(master, b"from before the session")
    link = SerialLink(path)
    link.open()
    os.write(master, b"stale")
    link.flush_input()
    os.write(master, b"fresh")
    assert link.read(1) == b"fresh"
    link.close()


def test_serial_is_exclusive(terminal: tuple[int, str]) -> None:
    _, path = terminal
    first, second = SerialLink(path), SerialLink(path)
    first.open()
    with pytest.raises(Unreachable) as caught:
        second.open()
    assert caught.value.code is Code.BUSY
    first.close()
    second.open()
    second.close()


def test_no_such_port() -> None:
    link = SerialLink("/dev/no-such-port")
    with pytest.raises(Unreachable) as caught:
        link.open()
    assert caught.value.code is Code.OFFLINE and not link.exists()
    with pytest.raises(LinkLost):
        link.read(0)


def test_not_a_terminal() -> None:
    with pytest.raises(Unreachable):
        SerialLink("/dev/null").open()


def test_serial_unplugged(terminal: tuple[int, str]) -> None:
    master, path = terminal
    link = SerialLink(path)
    link.open()
    os.close(master)
    with pytest.raises(LinkLost):
        for _ in range(3):
            link.read(1)
    with pytest.raises(LinkLost):
        link.write(b"x")


def test_tcp_both_ways(server: socket.socket) -> None:
    link = TcpLink(*server.getsockname())
    link.open()
    with closing(server.accept()[0]) as device:
        device.sendall(b"stale")
        assert link.read(1) == b"stale"
        link.write(b"question")
        assert device.recv(100) == b"question"
        device.sendall(b"late")
        assert link.read(1) == b"late"
        assert link.read(0) == b""
    with pytest.raises(LinkLost):
        link.read(1)
    with pytest.raises(LinkLost):
        link.write(b"x")


def test_tcp_nobody_listens(server: socket.socket) -> None:
    host, port = server.getsockname()
    server.close()
    with pytest.raises(Unreachable):
        TcpLink(host, port).open()


def test_a_peer_that_never_stops_does_not_hold_a_flush(server: socket.socket) -> None:
    link = TcpLink(*server.getsockname())
    link.open()
    with closing(server.accept()[0]) as device:
        stop = threading.Event()

        def talk() -> None:
            while not stop.is_set():
                try:
                    device.sendall(b"\x16" * 65536)
                except OSError:
                    return

        flood = threading.Thread(target=talk)
        flood.start()
        RecordedLink(link, WireLog(SystemClock())).flush_input()
        link.flush_input()
        stop.set()
        link.close()
        flood.join(10)
        assert not flood.is_alive()


def test_the_log_keeps_both_ways_and_masks(terminal: tuple[int, str]) -> None:
    master, path = terminal
    log = WireLog(SystemClock())
    link = RecordedLink(SerialLink(path), log)
    link.open()
    link.write(b"password 1234", b"password ****")
    assert os.read(master, 100) == b"password 1234"
    os.write(master, b"\x06")
    assert link.read(1) == b"\x06"
    os.write(master, b"stale")
    link.flush_input()
    link.close()
    kept = [(exchange.direction, exchange.data) for exchange in log if exchange.data]
    assert kept == [(">", b"password ****"), ("<", b"\x06"), ("<", b"stale")]
    assert (log.sent, log.received) == (13, 6)
    assert b"1234".hex(" ") not in log.tail(10) and "06" in log.tail(10)
    assert f"# open {path}" in log.tail(10) and log.tail(10).endswith("# close")


def test_the_wire_log_is_bounded_in_bytes_too() -> None:
    log = WireLog(SystemClock(), most=1000)
    for number in range(10):
        log.to_device(bytes((number,)) * 300, None)
    assert [exchange.data[0] for exchange in log] == [7, 8, 9] and log.sent == 3000
    log.from_device(bytes(5000))
    assert [len(exchange.data) for exchange in log] == [5000], "the newest stays whatever its size"
    log.clear()
    log.to_device(bytes(900), None)
    assert len(list(log)) == 1


def test_the_log_is_a_ring() -> None:
    log = WireLog(SystemClock(), size=10)
    for number in range(1000):
        log.to_device(bytes([number % 256]), None)
    assert [exchange.data[0] for exchange in log] == [number % 256 for number in range(990, 1000)]
    assert log.sent == 1000 and log.tail(3).count("\n") == 2
    log.clear()
    assert list(log) == [] and log.sent == 1000
