"""What the tax service and the key's authority say about one key of the folder (fiscal-server.md §2.4, §2.6).

Asked with that very key and beside the registrar's own work: nothing here is a document, and nothing of the registrar's
memory changes. A new key can so be looked at while the old one still signs (cashier-flow.md VIII.3).
"""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime

from drivers.errors import Code, LinkLost, Refused, Unreachable
from drivers.prro.answers import rows, text_of, yes
from drivers.prro.client import FiscalServer
from drivers.prro.desk import Desk
from drivers.prro.keys import ring
from drivers.prro.signing import Certificate, revocation

NOT_REGISTERED = frozenset({Code.ACCESS_DENIED, Code.REGISTRAR_UNKNOWN, Code.TAXPAYER})
"""Refusals that mean: this key may not work with this registrar."""


@dataclass(frozen=True)
class KeyStanding:
    """A key as the tax service knows it. `key_id` is the subject key identifier, hex; `until` aware UTC.

    `registered`: it may sign for this registrar (form 5-ПРРО); `chief`: as a senior cashier's.
    """

    name: str
    key_id: str
    until: datetime
    registered: bool
    chief: bool = False


def ask(desk: Desk, slot: str) -> KeyStanding:
    """Ask about the unlocked key of a slot.

    Raises `KeyLocked`, `CertificateRevoked`, `Unreachable` where nobody answers, `Refused` for any other "no".
    """
    signer = ring.signer(desk.settings.keys, slot)
    certificate = signer.certificate
    server = FiscalServer(
        desk.settings.base,
        desk.log,
        desk.time,
        trust=desk.trusted,
        sign=lambda content: signer.sign(content, at=desk.time.now()),
        timeouts=desk.settings.timeouts,
        tls=str(desk.settings.authority) if desk.settings.authority else True,
    )
    try:
        server.server_state()
        _not_revoked(desk, certificate)
        registered, chief = _registration(server, desk)
    except LinkLost as fault:
        raise Unreachable(Code.OFFLINE, fault.what, command=fault.command) from fault
    finally:
        server.close()
    return KeyStanding(
        certificate.name, (certificate.key_id or b"").hex(), certificate.expires, registered, registered and chief
    )


def _registration(server: FiscalServer, desk: Desk) -> tuple[bool, bool]:
    try:
        named = {
            text_of(registrar.get("NumFiscal"))
            for place in server.objects()
            for registrar in rows(place, "TransactionsRegistrars")
        }
        if desk.settings.register not in named:
            return False, False
        state = server.state(desk.settings.number)
    except Refused as fault:
        if fault.code in NOT_REGISTERED:
            return False, False
        raise
    return state is not None, state is not None and yes(state.get("ChiefCashier"))


def _not_revoked(desk: Desk, certificate: Certificate) -> None:
    """Raises `CertificateRevoked`; silence of the authority proves nothing (signing.md §5.4)."""
    trust, _ = desk.trusted()
    issuer = next((each for each in trust.anchors if each.subject_der == certificate.issuer_der), None)
    if issuer is not None and certificate.ocsp_urls:
        revocation.check(certificate, issuer, desk.post(), trust, at=desk.time.now())
