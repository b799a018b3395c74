"""Byte pipes: one small interface, one file a transport.

A link moves bytes and knows nothing about receipts; a driver knows frames and opens nothing. That split is what lets
the same driver talk to a serial port, a TCP converter, a pseudo-terminal or a recording.
"""

from __future__ import annotations

from typing import Protocol


class Link(Protocol):
    """A byte pipe to one device. Not thread-safe."""

    @property
    def name(self) -> str:
        """The address as a technician knows it."""

    def open(self) -> None:
        """Open and flush the input. Raises `Unreachable`; does nothing when already open."""

    def close(self) -> None:
        """Release the device; never raises."""

    def write(self, data: bytes, shown: bytes | None = None) -> None:
        """Send all of `data`. `shown` is what the wire log keeps instead, secrets masked. Raises `LinkLost`."""

    def read(self, timeout: float) -> bytes:
        """What has arrived, waiting at most `timeout` seconds for the first byte; empty on silence.

        Raises `LinkLost` when the other end is gone.
        """

    def flush_input(self) -> None:
        """Forget what arrived and was not read."""
