"""Commands for a registrar behind a server of the tax service."""

from __future__ import annotations

import argparse
import sys
from typing import Any

from drivers.cli.device import Device
from drivers.cli.saying import DONE, say


def _served(registrar: Any) -> Any:
    """The registrar as one behind a server. Raises `Invalid` for a device."""
    from drivers.errors import Code, Invalid
    from drivers.registrar import served

    found = served(registrar)
    if found is None:
        raise Invalid(Code.UNSUPPORTED, "a hardware registrar has no server of its own to speak with")
    return found


def sync(options: argparse.Namespace) -> int:
    def told(sent: int, all_: int) -> None:
        if not options.json:
            print(f"{sent} of {all_} delivered", file=sys.stderr)

    with Device(options) as registrar:
        _served(registrar).synchronise(told, again=options.again)
        offline = registrar.status().offline
    text = f"all documents are delivered: {offline.mode}"
    say(options, {"offline": offline}, text)
    return DONE


def take_over(options: argparse.Namespace) -> int:
    if not options.yes:
        raise ValueError(
            "offline documents that another machine has not sent yet could never be delivered after this: "
            "send them there first, then say --yes"
        )
    with Device(options) as registrar:
        _served(registrar).take_over()
        info = registrar.info()
    say(options, {"info": info}, f"the registrar {info.fiscal_number} belongs to this machine now")
    return DONE
