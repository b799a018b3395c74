"""The registrar's URL (fiscal-server.md §1.1).

    prro+https://fs.tax.gov.ua:8643/fs?fn=4000123456&key=cashier1
    prro+http://127.0.0.1:8609/fs?fn=4000123456&key=cashier1&demo=yes

    fn          fiscal number of the registrar, 10 digits        keys      folder of the keys and of `trust/`
    key         slot of the cashier's key                        state     folder of the registrar's memory
    serial      must equal fn when given                         testing   yes: test documents, not fiscal
    tsp         no: sign without asking for time stamps          lost      ask | reissue (settings.Settings)
    connect_ms, read_ms, package_ms, command_ms, doubt_ms        timeouts
    signer      ЄДРПОУ of who signs tickets (comma-separated)    ca        file of the TLS authorities
    printer     the receipt printer (drivers.printers.address), percent-encoded
    files       folder that gets each receipt as text         pictures  yes: as PNG too
    tape        file that receipts are printed into              width     characters in its row
    plain       yes: plain HTTP to another machine               demo      yes: demo certificates, this machine only

Plain HTTP needs a word for it: documents are signed, but questions and the offline secrets would travel in the open.
"""

from __future__ import annotations

import os
import re
from pathlib import Path
from urllib.parse import urlsplit

from drivers.clock import Clock
from drivers.errors import Code, Invalid
from drivers.links.wire import WireLog
from drivers.printers import Printer
from drivers.printers.files import Shelf
from drivers.printers.tape import TextTape
from drivers.prro.client import TAX_SERVICE, Timeouts
from drivers.prro.keys import check_slot
from drivers.prro.registrar import PrroRegistrar
from drivers.prro.settings import Settings
from drivers.registry import RegistrarUrl

OPTIONS = (
    "fn", "key", "keys", "state", "serial", "testing", "tsp", "lost", "connect_ms", "read_ms", "package_ms",
    "command_ms", "doubt_ms", "signer", "ca", "printer", "files", "pictures", "tape", "width", "plain", "demo",
)  # fmt: skip
YES_NO = ("yes", "no")
LOOPBACK = frozenset({"127.0.0.1", "localhost", "::1"})


def connect(url: RegistrarUrl, clock: Clock, log: WireLog) -> PrroRegistrar:
    """The driver for a URL. Opens nothing. Raises `Invalid` naming the option."""
    chosen = settings(url)
    shelf = None
    if folder := url.options.get("files"):
        shelf = Shelf(Path(folder).expanduser(), pictures=url.choice("pictures", "no", YES_NO) == "yes")
    return PrroRegistrar(chosen, clock, log, printer=_printer(url, chosen, log), shelf=shelf)


def _printer(url: RegistrarUrl, chosen: Settings, log: WireLog) -> Printer | None:
    if url.options.get("printer"):
        if chosen.tape:
            raise Invalid(Code.BAD_FIELD, "give a printer or a tape, not both", field="tape")
        from drivers.printers.address import at

        return at(url.options["printer"], log.beside("printer"))
    return TextTape(chosen.tape, url.number("width", 42, 24, 64)) if chosen.tape else None


def settings(url: RegistrarUrl) -> Settings:
    """What the URL says. Raises `Invalid`."""
    url.refuse_unknown(*OPTIONS)
    if url.transport not in ("https", "http"):
        raise Invalid(Code.BAD_FIELD, f"a software registrar speaks over https or http, not {url.transport!r}")
    parts = urlsplit(url.text)
    demo = url.choice("demo", "no", YES_NO) == "yes"
    plain = url.choice("plain", "no", YES_NO) == "yes"
    if demo and parts.hostname not in LOOPBACK:
        raise Invalid(Code.BAD_FIELD, "demo certificates are for a server on this very machine", field="demo")
    if url.transport == "http" and not (plain or demo):
        raise Invalid(
            Code.BAD_FIELD,
            "plain http shows questions and offline secrets to everybody on the way: use prro+https, or say plain=yes",
            field="plain",
        )
    register = url.options.get("fn", "")
    if not re.fullmatch(r"\d{10}", register, re.ASCII):
        raise Invalid(Code.BAD_FIELD, f"fn is the registrar's fiscal number of 10 digits, not {register!r}", field="fn")
    slot = url.options.get("key", "")
    check_slot(slot)
    signers = tuple(code for code in url.options.get("signer", ",".join(TAX_SERVICE)).split(",") if code)
    return Settings(
        base=f"{url.transport}://{parts.netloc}{parts.path.rstrip('/') or '/fs'}",
        register=register,
        bound=url.options.get("serial", ""),
        slot=slot,
        keys=_folder(url, "keys", Path(os.environ.get("XDG_CONFIG_HOME") or Path.home() / ".config") / "kasa" / "keys"),
        state=_folder(
            url, "state", Path(os.environ.get("XDG_STATE_HOME") or Path.home() / ".local" / "state") / "kasa" / "prro"
        ),
        testing=url.choice("testing", "no", YES_NO) == "yes",
        stamps=url.choice("tsp", "yes", YES_NO) == "yes",
        timeouts=Timeouts(
            connect=url.number("connect_ms", 3_000, 50, 60_000) / 1000,
            document=url.number("read_ms", 5_000, 50, 120_000) / 1000,
            package=url.number("package_ms", 60_000, 50, 600_000) / 1000,
            command=url.number("command_ms", 10_000, 50, 120_000) / 1000,
        ),
        demo=demo,
        lost=url.choice("lost", "ask", ("ask", "reissue")),
        doubt=url.number("doubt_ms", 20_000, 0, 600_000) / 1000,
        signers=signers,
        tape=Path(url.options["tape"]).expanduser() if url.options.get("tape") else None,
        authority=Path(url.options["ca"]).expanduser() if url.options.get("ca") else None,
    )


def _folder(url: RegistrarUrl, name: str, default: Path) -> Path:
    text = url.options.get(name, "")
    return Path(text).expanduser() if text else default
