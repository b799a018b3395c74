"""Options of the virtual fiscal server: `--option NAME=VALUE`, all with defaults.

fn=4000123456        fiscal number of the registrar; `registrars=2` adds the following numbers
desk=7               its local number (CASHDESKNUM); the next registrar has the next one
tin=12345678         taxpayer's code, `ipn=` VAT number (empty: not a VAT payer)
org= point= address= names as registered, which documents must repeat literally
password=demo        of the demo key containers; `container=jks|pkcs12|pbes2|key6` chooses their kind
keys=gost34311       generation of the demo keys: gost34311 or kupyna256
clock=ISO            Kyiv wall time at the first start
tolerance=300        seconds a document's time may differ from the server's (the real tolerance is unknown)
strict=1             check all sums of receipts; `z_check=1` compares a Z report with the server's totals
drawer=1             refuse cash-outs and cash refunds above the cash in the drawer
chain=sample         PREVDOCHASH as in the official package; `lenient` also takes what working clients send (§6.4)
stamp=optional       `required` refuses online documents without a signature time stamp
refusals=text        refusals on /doc as HTTP 4xx text; `ticket`: as signed TICKET with ERRORCODE and HTTP 200
ticket=              manners of tickets, with commas: kupyna unsorted key explicit-key wrapped null time bare broken
numbers=plain        `strings`: numbers in JSON as strings; `enums=names|numbers`
offline=1            OfflineSupported
xsd=FOLDER           the official XSDs; by default ../shared/fiscal-server/xsd beside the project, if it is there
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, fields, replace
from datetime import datetime
from pathlib import Path

from drivers.prro.emulator.signed import EXPLICIT_KEY_ID, KEY_ID, Manner
from drivers.prro.signing.algorithms import Digest
from drivers.prro.signing.containers import Kind

_CHOICES = {
    "chain": ("sample", "lenient"),
    "stamp": ("optional", "required"),
    "refusals": ("text", "ticket"),
    "numbers": ("plain", "strings"),
    "enums": ("names", "numbers"),
    "keys": (Digest.GOST_34311.value, Digest.KUPYNA_256.value),
    "container": ("jks", "pkcs12", "pbes2", "key6"),
    "strict": ("1", "0"),
    "z_check": ("1", "0"),
    "drawer": ("1", "0"),
    "offline": ("1", "0"),
}
_MANNERS = {
    "kupyna": {"digest": Digest.KUPYNA_256},
    "unsorted": {"unsorted": True},
    "key": {"sid": KEY_ID},
    "explicit-key": {"sid": EXPLICIT_KEY_ID},
    "wrapped": {"wrapped": True},
    "null": {"with_null": True},
    "time": {"signing_time": True},
    "bare": {"certificate": False},
    "broken": {"broken": True},
}


@dataclass(frozen=True)
class Settings:
    """The options as text, checked; the properties give them their meaning."""

    fn: str = "4000123456"
    registrars: str = "1"
    desk: str = "7"
    tin: str = "12345678"
    ipn: str = "123456712345"
    org: str = 'ТОВ "Зразок"'
    point: str = 'Магазин "Ялинка"'
    address: str = "УКРАЇНА, м. Київ, вул. Прикладна, 1"
    password: str = "demo"
    container: str = "jks"
    keys: str = Digest.GOST_34311.value
    clock: str = ""
    tolerance: str = "300"
    strict: str = "1"
    z_check: str = "1"
    drawer: str = "1"
    chain: str = "sample"
    stamp: str = "optional"
    refusals: str = "text"
    ticket: str = ""
    numbers: str = "plain"
    enums: str = "names"
    offline: str = "1"
    xsd: str = ""

    @classmethod
    def of(cls, options: Mapping[str, str]) -> Settings:
        """Raises ValueError for an unknown option or a bad value."""
        known = [field.name for field in fields(cls)]
        if strange := sorted(set(options) - set(known)):
            raise ValueError(f"unknown option {strange[0]!r}; known: {', '.join(known)}")
        settings = replace(cls(), **options)
        for name, allowed in _CHOICES.items():
            if getattr(settings, name) not in allowed:
                raise ValueError(f"{name} is one of {', '.join(allowed)}, not {getattr(settings, name)!r}")
        for name in ("fn", "desk", "registrars", "tolerance"):
            value = getattr(settings, name)
            if not (value.isascii() and value.isdigit()) or int(value) < 1 or len(value) > 15:
                raise ValueError(f"{name} is a number from 1, not {value!r}")
        if unknown := [each for each in settings.ticket.split(",") if each and each not in _MANNERS]:
            raise ValueError(f"ticket takes {', '.join(_MANNERS)}, not {unknown[0]!r}")
        if settings.clock:
            datetime.fromisoformat(settings.clock)
        return settings

    @property
    def manner(self) -> Manner:
        """How tickets are signed."""
        manner = Manner()
        for each in filter(None, self.ticket.split(",")):
            manner = replace(manner, **_MANNERS[each])  # type: ignore[arg-type]
        return manner

    @property
    def kind(self) -> Kind:
        return {"jks": Kind.JKS, "pkcs12": Kind.PKCS12, "pbes2": Kind.PBES2, "key6": Kind.KEY6}[self.container]

    @property
    def xsd_folder(self) -> Path | None:
        """Where the official XSDs may be."""
        return Path(self.xsd) if self.xsd else Path(__file__).parents[4] / "shared" / "fiscal-server" / "xsd"
