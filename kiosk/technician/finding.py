"""*Знайти реєстратор*: what is plugged in, asked by identification only, and what may be done with what answers (XI.2).

The ports are probed beside the till's thread (`probe` touches no ledger); `judge` and `use` belong to it.

    same unit, its own port         ours        nothing to do
    same unit, another port         moved       its binding follows it
    unknown unit, enterprise free   new         bound with the owner's help, if the tax number is the enterprise's
    unknown unit, enterprise taken  taken       a change of registrar is another act (X.5)
    another enterprise's unit       foreign     refused (XI-2)
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from enum import StrEnum

from drivers.clock import SystemClock
from drivers.discovery import Finding, detect, ports, usb_devices
from drivers.registry import parse_url
from kiosk.ledger.records import Binding, BindingRole, Enterprise
from kiosk.till.errors import N_, Refusal
from kiosk.till.rights import Right
from kiosk.till.workplace import Approval, Workplace


class Offer(StrEnum):
    """What may be done with what was found on a port."""

    OURS = "ours"
    MOVED = "moved"
    NEW = "new"
    TAKEN = "taken"
    FOREIGN = "foreign"
    NOBODY = "nobody"
    IN_USE = "in_use"


@dataclass(frozen=True)
class Found:
    """One port, what answered there, and what may be done with it. `binding` and `enterprise` are whom it concerns."""

    port: str
    offer: Offer
    finding: Finding | None = None
    binding: Binding | None = None
    enterprise: Enterprise | None = None


def probe(port: str) -> Finding:
    """Ask one port who is there; takes seconds, harms nothing (usb-udev.md, "Detection without harm")."""
    return detect([port], SystemClock())[0]


class Finder:
    """Finds registrars for this workplace."""

    def __init__(self, workplace: Workplace) -> None:
        self._workplace = workplace
        self._ledger = workplace.ledger

    def places(self, addresses: Sequence[str] = ()) -> list[Found | str]:
        """Where to look: this machine's ports and `addresses`; a port where our own registrar answers is told as such.

        Raises `Denied` for whoever may not look.
        """
        self._workplace.require(Right.FIND)
        mine = {_port(binding.url): binding for binding in self._workplace.bindings()}
        found: list[Found | str] = []
        for port in dict.fromkeys([*ports(), *(device.port for device in usb_devices()), *mine, *addresses]):
            binding = mine.get(port)
            last = self._workplace.desk(binding).access.last if binding is not None else None
            if binding is not None and last is not None and last.reachable:
                # The till holds the line: asking beside it would disturb the registrar at work.
                found.append(Found(port, Offer.IN_USE, binding=binding))
            elif port:
                found.append(port)
        self._workplace.audit("find_registrars", {"ports": len(found)})
        return found

    def judge(self, finding: Finding) -> Found:
        """What may be done with what answered."""
        info = finding.info
        if info is None:
            return Found(finding.port, Offer.NOBODY, finding)
        bindings = self._workplace.bindings()
        for binding in bindings:
            if info.serial and binding.serial == info.serial:
                same = _port(binding.url) == finding.port
                return Found(finding.port, Offer.OURS if same else Offer.MOVED, finding, binding)
        enterprises = self._ledger.shop.enterprises()
        owners = [one for one in enterprises if same_taxpayer(info.tax_number, one.tax_number)]
        if info.tax_number and not owners:
            return Found(finding.port, Offer.FOREIGN, finding)
        taken = {binding.enterprise_id: binding for binding in bindings}
        for enterprise in owners or enterprises:
            if enterprise.id not in taken:
                return Found(finding.port, Offer.NEW, finding, enterprise=enterprise)
        first = next(iter(owners or enterprises), None)
        return Found(finding.port, Offer.TAKEN, finding, taken.get(first.id) if first else None, first)

    def use(self, found: Found, approval: Approval | None = None) -> Binding:
        """Bind what was found, or let the binding follow its unit. Raises `Refusal` and `Denied`; asks no device."""
        self._workplace.require(Right.REGISTRAR, approval, reason="connect a registrar")
        finding = found.finding
        if finding is None or finding.info is None:
            raise Refusal("NOBODY_THERE", N_("No registrar answers on this port"))
        now = self.judge(finding)
        shop = self._ledger.shop
        if now.offer is Offer.MOVED and now.binding is not None:
            binding = shop.move(now.binding.id, finding.url)
        elif now.offer is Offer.NEW and now.enterprise is not None:
            binding = shop.bind(now.enterprise.id, self._workplace.settings.workplace, finding.url, BindingRole.ACTIVE)
            info = finding.info
            binding = shop.met(binding.id, serial=info.serial, fiscal_number=info.fiscal_number, model=info.model)
        else:
            raise _refusal(now)
        self._workplace.audit("connect_registrar", {"url": finding.url, "serial": finding.info.serial})
        return binding


def _refusal(found: Found) -> Refusal:
    match found.offer:
        case Offer.OURS:
            return Refusal("OURS", N_("This registrar is connected already"))
        case Offer.FOREIGN:
            return Refusal(
                "FOREIGN_OWNER",
                N_("The registrar belongs to the taxpayer {number}, which is no enterprise of this shop"),
                N_("It was not connected. Check the registrar, or enter the enterprise first."),
                number=found.finding.info.tax_number if found.finding and found.finding.info else "",
            )
        case _:
            return Refusal(
                "TAKEN",
                N_("Another registrar works for this enterprise here"),
                N_("It was not connected. A registrar is changed after a Z report, by the owner."),
            )


def _port(url: str) -> str:
    """The port as `detect` names it, "" for a server."""
    parsed = parse_url(url)
    if parsed.transport == "usb":
        return f"usb:{parsed.address}"
    return "" if parsed.family == "prro" else parsed.address


VAT_NUMBER = 12
"""Digits of a VAT payer's number: it begins with 7 digits of the company's code or with the 10 of a person."""


def same_taxpayer(told: str, known: str) -> bool:
    """Whether a device's number is this enterprise's: the registration code itself or the VAT number made from it.

    Devices print it with a prefix (ПН, ІД) or with leading zeros; only the digits count.
    """
    told, known = ("".join(filter(str.isdigit, text)) for text in (told, known))
    if len(told) == VAT_NUMBER and not told.startswith("0"):
        return (len(known) == 10 and told.startswith(known)) or (len(known) == 8 and told.startswith(known[:7]))
    return bool(told.lstrip("0")) and told.lstrip("0") == known.lstrip("0")
