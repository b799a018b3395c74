"""Logs: to journald where it listens, else to a rotating file among the data; never to the screen.

The face is drawn on stderr, so nothing else may write there (kiosk-platform.md §1.6.7).
"""

from __future__ import annotations

import logging
import socket
import struct
from pathlib import Path

JOURNAL = Path("/run/systemd/journal/socket")
PRIORITY = {logging.DEBUG: 7, logging.INFO: 6, logging.WARNING: 4, logging.ERROR: 3, logging.CRITICAL: 2}


class JournalHandler(logging.Handler):
    """journald's native protocol: one datagram a record, `NAME=value` lines, long values with their length."""

    def __init__(self, path: Path = JOURNAL) -> None:
        super().__init__()
        self._socket = socket.socket(socket.AF_UNIX, socket.SOCK_DGRAM)
        try:
            self._socket.connect(str(path))
        except OSError:
            self._socket.close()
            raise

    def emit(self, record: logging.LogRecord) -> None:
        try:
            self._socket.send(datagram(record, self.format(record)))
        except OSError:
            # A log that cannot be written must not stop a sale; journald counts what it missed.
            return

    def close(self) -> None:
        self._socket.close()
        super().close()


def datagram(record: logging.LogRecord, text: str) -> bytes:
    """The bytes of one record."""
    fields = {
        "MESSAGE": text,
        "PRIORITY": str(PRIORITY.get(record.levelno, 6)),
        "SYSLOG_IDENTIFIER": "kiosk",
        "LOGGER": record.name,
        "CODE_FILE": record.pathname,
        "CODE_LINE": str(record.lineno),
    }
    parts = []
    for name, value in fields.items():
        data = value.encode("utf-8", "replace")
        if b"\n" in data:
            parts.append(name.encode() + b"\n" + struct.pack("<Q", len(data)) + data + b"\n")
        else:
            parts.append(name.encode() + b"=" + data + b"\n")
    return b"".join(parts)


def begin(folder: Path, *, journal: Path = JOURNAL) -> str:
    """Send every record to journald or to `folder`; returns where they go. Raises OSError when neither can be."""
    handler: logging.Handler
    try:
        handler, where = JournalHandler(journal), "journald"
    except OSError:
        from logging.handlers import RotatingFileHandler

        folder.mkdir(parents=True, exist_ok=True)
        path = folder / "kiosk.log"
        handler, where = RotatingFileHandler(path, maxBytes=1_000_000, backupCount=4, encoding="utf-8"), str(path)
        handler.setFormatter(logging.Formatter("%(asctime)s %(levelname)s %(name)s: %(message)s"))
    root = logging.getLogger()
    for old in root.handlers[:]:
        root.removeHandler(old)
    root.addHandler(handler)
    root.setLevel(logging.INFO)
    logging.captureWarnings(True)
    return where
