"""The key's password for a technician's command: asked for on the terminal, or read from a private file.

Not from the command line, which every user of the machine can list, and not from the environment, which every child
inherits and crash reports carry away.
"""

from __future__ import annotations

import os
import stat
from contextlib import suppress
from getpass import getpass
from pathlib import Path

from drivers.clock import Clock
from drivers.errors import Code, Invalid
from drivers.prro.address import settings
from drivers.prro.keys import ring
from drivers.prro.signing.errors import KeyLocked
from drivers.registry import RegistrarUrl

ENVIRONMENT = "KASA_KEY_PASSWORD"
MOST = 1024
"""Bytes of a password file that are read."""


def unlock(url: RegistrarUrl, clock: Clock, password_file: Path | None = None) -> None:
    """Unlock the key that the URL names; nothing where it is unlocked already.

    Raises `Invalid` where there is no way to a password or the file is open to others, and the key's own faults.
    """
    chosen = settings(url)
    with suppress(KeyLocked):
        ring.signer(chosen.keys, chosen.slot)
        return
    password = read(password_file) if password_file is not None else ask(chosen.slot)
    ring.unlock(chosen.keys, chosen.slot, password, at=clock.now())


def read(path: Path) -> str:
    """The first line of a file that its owner alone can read. Raises `Invalid`."""
    try:
        with path.open("rb") as file:
            # Asked of the open file: a name could be pointed elsewhere in between.
            facts = os.fstat(file.fileno())
            if not stat.S_ISREG(facts.st_mode):
                raise Invalid(Code.BAD_FIELD, f"{path} is no file", field="key-password-file")
            if facts.st_mode & 0o077 or facts.st_uid not in (0, os.geteuid()):
                raise Invalid(
                    Code.BAD_FIELD,
                    f"others can read the key's password in {path}: chmod 600 {path}, and own it",
                    field="key-password-file",
                )
            data = file.read(MOST)
    except OSError as error:
        what = f"the key's password cannot be read from {path}: {error.strerror}"
        raise Invalid(Code.BAD_FIELD, what, field="key-password-file") from error
    try:
        password = data.decode("utf-8").partition("\n")[0].rstrip("\r")
    except UnicodeDecodeError as error:
        raise Invalid(Code.BAD_FIELD, f"{path} is no text in UTF-8", field="key-password-file") from error
    if not password:
        raise Invalid(Code.BAD_FIELD, f"{path} is empty", field="key-password-file")
    return password


def ask(slot: str) -> str:
    """Ask on the terminal, whatever stdin is. Raises `Invalid` where there is none, or nothing is typed."""
    if os.environ.get(ENVIRONMENT):
        raise Invalid(
            Code.BAD_FIELD,
            f"{ENVIRONMENT} is not read: every program that this shell starts gets it, and core dumps keep it. "
            "Write the password into a file of mode 600 and give --key-password-file",
            field=ENVIRONMENT,
        )
    try:
        os.close(os.open("/dev/tty", os.O_RDWR | os.O_NOCTTY))
    except OSError as error:
        raise Invalid(
            Code.BAD_FIELD,
            f"the key {slot} is locked and there is no terminal to ask for its password: give --key-password-file",
            field="key",
        ) from error
    try:
        password = getpass(f"Password of the key {slot}: ")
    except EOFError:
        password = ""
    if not password:
        raise Invalid(Code.BAD_FIELD, "no password was typed", field="key")
    return password
