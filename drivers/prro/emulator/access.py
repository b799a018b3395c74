"""Whose message it is: signature, certificate, operator (fiscal-server.md §1.3, §2.5; form 5-ПРРО)."""

from __future__ import annotations

from collections.abc import Callable
from datetime import datetime

from drivers.prro.emulator import refusals, verifier
from drivers.prro.emulator.demo import Demo
from drivers.prro.emulator.refusals import Refused
from drivers.prro.emulator.store import Facts, Operator, Store
from drivers.prro.emulator.verifier import Envelope


class Access:
    """Knows the demo authority and the registered keys."""

    def __init__(self, store: Store, demo: Demo, now: Callable[[], datetime]) -> None:
        self._store = store
        self._demo = demo
        self._now = now
        self._trusted: set[bytes] = set()
        self.unchecked = 0
        """How many more certificates cannot be checked, as when the authority's OCSP is silent."""

    def envelope(self, message: bytes, at: datetime | None = None) -> Envelope:
        """A proved message, its certificate judged at the aware time `at` (now). Raises verifier.Unsigned, Refused."""
        try:
            envelope = verifier.check(message)
        except verifier.Forged as error:
            raise Refused(refusals.CRYPTOGRAPHY, str(error)) from error
        if at is not None:
            self.check_certificate(envelope, at)
        return envelope

    def check_certificate(self, envelope: Envelope, at: datetime) -> None:
        """Issued by the demo authority, in its time, not revoked at the aware time `at`. Raises Refused 12."""
        certificate = envelope.certificate
        if self.unchecked:
            self.unchecked -= 1
            raise Refused(
                refusals.CRYPTOGRAPHY, "Неможливо перевірити статус сертифіката: OCSP-сервер видавця недоступний"
            )
        if certificate.raw not in self._trusted:
            if not certificate.signed_by(self._demo.authority.certificate):
                raise Refused(refusals.CRYPTOGRAPHY, "Сертифікат видано невідомим надавачем довірчих послуг")
            self._trusted.add(certificate.raw)
        if not certificate.not_before <= at <= certificate.expires:
            raise Refused(refusals.CRYPTOGRAPHY, "Строк дії сертифіката не настав або закінчився")
        revoked = self._demo.authority.revoked.get(certificate.serial)
        if revoked is not None and revoked <= at:
            raise Refused(refusals.CRYPTOGRAPHY, "Сертифікат скасовано")

    def facts(self) -> Facts:
        """Raises LookupError for a memory without a taxpayer."""
        facts = self._store.facts()
        if facts is None:
            raise LookupError("the memory has no taxpayer")
        return facts

    def operator(self, envelope: Envelope, at: datetime) -> Operator | None:
        """The registered operator with this key at the aware time `at`."""
        for operator in self.facts().operators:
            if operator.key == envelope.key_id:
                ended = operator.withdrawn and datetime.fromisoformat(operator.withdrawn) <= at
                return None if ended else operator
        return None

    def owner(self, envelope: Envelope, at: datetime) -> Operator:
        """The operator who signs a command or a package. Raises Refused 3 or 2."""
        if self.facts().tin not in (envelope.certificate.drfo, envelope.certificate.edrpou):
            raise Refused(refusals.INVALID_TIN, "Код платника в сертифікаті не відповідає власнику ПРРО")
        operator = self.operator(envelope, at)
        if operator is None:
            raise Refused(refusals.ACCESS_DENIED, "Оператора з таким ключем не зареєстровано (форма 5-ПРРО)")
        return operator
