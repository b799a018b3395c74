"""One line says which printer (escpos.md §1):

escpos+tcp://10.0.0.9:9100            escpos+serial:///dev/pos/printer?baud=115200        escpos+usb://04b8:0e15
tape:///var/lib/kasa/receipts.txt?width=42

profile    epson, chinese, …: profiles.toml          codepage   cp866 of the profile, or any as cp1251:46
paper      80 or 58 mm                               width      48, 42 or 32 characters a row
letters    alike | drawn | picture                   qr         native | raster | text
module     dots of a QR module, 3..8                 cut        partial | full | none
drawer     pin 2 | 5 | none                          status     auto | yes | no: answers status questions
logo       picture above every document              font       file of the font for drawn rows
baud, parity (N, E, O)                               of a serial printer
"""

from __future__ import annotations

from pathlib import Path
from urllib.parse import urlsplit

from drivers.errors import Code, Invalid
from drivers.links import Link
from drivers.links.opening import link_to
from drivers.links.tcp import TcpLink
from drivers.links.wire import RecordedLink, WireLog
from drivers.printers import Printer
from drivers.printers.escpos import EscposPrinter, Manner
from drivers.printers.job import CUTS, DRAWERS, Look
from drivers.printers.letters import page_of, profiles
from drivers.printers.tape import TextTape
from drivers.registry import RegistrarUrl, parse_url

OPTIONS = (
    "profile", "codepage", "paper", "width", "letters", "qr", "module", "cut", "drawer", "status", "logo", "font",
    "baud", "parity",
)  # fmt: skip
PORT = 9100
SLOWEST, FASTEST = 1200, 921_600
CONNECT = 1.0
"""Seconds for the connection: the buyer waits for the code on the screen while a printer that is off is looked for."""


def at(text: str, log: WireLog) -> Printer:
    """The printer of a line; opens nothing. Raises `Invalid` naming the option."""
    if text.startswith("tape:"):
        return _tape(text)
    url = parse_url(text)
    if url.family != "escpos":
        raise Invalid(Code.BAD_FIELD, f"a printer is escpos+… or tape:///FILE, not {text!r}", field="printer")
    return escpos(url, log)


def escpos(url: RegistrarUrl, log: WireLog) -> EscposPrinter:
    """An ESC/POS printer. Raises `Invalid`."""
    url.refuse_unknown(*OPTIONS)
    baud = url.number("baud", 9600, SLOWEST, FASTEST)
    paper = int(url.choice("paper", "80", ("80", "58")))
    columns = int(url.choice("width", "48" if paper == 80 else "32", ("48", "42", "32")))
    if paper == 58 and columns > 42:
        raise Invalid(Code.BAD_FIELD, "58 mm of paper take 32 or 42 characters a row", field="width")
    look = Look(
        page=page_of(url.choice("profile", "epson", tuple(profiles())), url.options.get("codepage", "")),
        columns=columns,
        paper=paper,
        letters=url.choice("letters", "alike", ("alike", "drawn", "picture")),
        qr=url.choice("qr", "native", ("native", "raster", "text")),
        module=url.number("module", 4, 3, 8),
        cut=url.choice("cut", "partial", tuple(CUTS)),
        logo=_file(url, "logo"),
        font=_file(url, "font"),
    )
    manner = Manner(
        status=url.choice("status", "auto", ("auto", "yes", "no")),
        drawer=url.choice("drawer", "2", tuple(DRAWERS)),
        byte_time=10 / baud if url.transport == "serial" else 0.0,
    )
    return EscposPrinter(RecordedLink(_link(url, baud), log), look, manner)


def _link(url: RegistrarUrl, baud: int) -> Link:
    if url.transport != "tcp":
        parity = url.choice("parity", "N", ("N", "E", "O"))
        return link_to(url.transport, url.address, baud=baud, parity=parity)
    link = link_to("tcp", url.address, baud=baud, default_port=PORT)
    assert isinstance(link, TcpLink)
    link.patience = CONNECT
    return link


def _file(url: RegistrarUrl, name: str) -> Path | None:
    text = url.options.get(name, "")
    if not text:
        return None
    path = Path(text).expanduser()
    if not path.is_file():
        raise Invalid(Code.BAD_FIELD, f"there is no file {path}", field=name)
    return path


def _tape(text: str) -> TextTape:
    parts = urlsplit(text)
    url = RegistrarUrl("tape", "", parts.path, dict(_pairs(parts.query)), text)
    url.refuse_unknown("width")
    if parts.netloc or not parts.path:
        raise Invalid(Code.BAD_FIELD, f"a tape is a file, e.g. tape:///tmp/receipts.txt, not {text!r}", field="printer")
    return TextTape(Path(parts.path), url.number("width", 42, 24, 64))


def _pairs(query: str) -> list[tuple[str, str]]:
    from urllib.parse import parse_qsl

    return parse_qsl(query, keep_blank_values=True)
