"""Whose signatures are believed (signing.md §5.2.4, §12).

A store of anchors: the state root and providers from the `CACertificates.p7b` of the Central Certifying Authority, and
pinned certificates of the fiscal server. A certificate is trusted when it is an anchor itself or a path of at most five
signatures leads to one. Checked on the path: signatures, validity at the given time, basicConstraints and keyUsage of
authorities. An anchor's own end of validity is not checked (RFC 5280 §6.1: an anchor is no part of the path): an
expired root must not stop a shop, an expired signer must. Policies are not processed.
"""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from datetime import datetime

from drivers.prro.signing.certificate import CERTIFICATE_SIGNING, Certificate
from drivers.prro.signing.errors import CertificateFault, SignerUntrusted

_MAX_PATH = 5
_REMEMBERED = 256


class Trust:
    """Anchors and the authorities that lead to them. Proved signatures are remembered: the next ticket costs none."""

    def __init__(self, anchors: Iterable[Certificate], authorities: Iterable[Certificate] = (), *, demo: bool = False):
        """`demo` lets in certificates of a demo authority, which production refuses. Raises SignerUntrusted for one."""
        self.anchors = tuple(anchors)
        self.authorities = tuple(authorities)
        self.demo = demo
        self._proved: set[tuple[bytes, bytes]] = set()
        for anchor in self.anchors:
            self._refuse_demo(anchor)

    def check(self, certificate: Certificate, at: datetime, others: Sequence[Certificate] = ()) -> None:
        """Raises SignerUntrusted unless `certificate` is trusted at the aware time `at`.

        `others` are certificates that came with the message: they may bridge the path, never begin it.
        """
        self._refuse_demo(certificate)
        try:
            certificate.check_time(at)
        except CertificateFault as error:
            raise SignerUntrusted(f"the signer's certificate is out of its time: {error.what}") from error
        if not self._reaches(certificate, at, others, _MAX_PATH, {certificate}):
            raise SignerUntrusted(
                f"the certificate of {certificate.name} is not issued by an authority that is trusted here: "
                "update the list of authorities, or check who answered"
            )

    def _reaches(
        self,
        certificate: Certificate,
        at: datetime,
        others: Sequence[Certificate],
        left: int,
        seen: set[Certificate],
    ) -> bool:
        """Depth first; each authority is tried once, so certificates that sign one another in a ring cost little."""
        if certificate in self.anchors:
            return True
        if not left:
            return False
        for issuer in (*self.anchors, *self.authorities, *others):
            if issuer.subject_der != certificate.issuer_der or issuer in seen or not _may_issue(issuer):
                continue
            anchored = issuer in self.anchors
            if not anchored and not issuer.not_before <= at <= issuer.not_after:
                continue
            if not self._signed(certificate, issuer):
                continue
            seen.add(issuer)
            if anchored or self._reaches(issuer, at, others, left - 1, seen):
                return True
        return False

    def _signed(self, certificate: Certificate, issuer: Certificate) -> bool:
        pair = (certificate.raw, issuer.raw)
        if pair in self._proved:
            return True
        if not certificate.signed_by(issuer):
            return False
        if len(self._proved) >= _REMEMBERED:
            self._proved.clear()
        self._proved.add(pair)
        return True

    def _refuse_demo(self, certificate: Certificate) -> None:
        if certificate.demo and not self.demo:
            raise SignerUntrusted(f"{certificate.name} is a demonstration certificate of no legal force")


def _may_issue(certificate: Certificate) -> bool:
    usage = certificate.key_usage
    return certificate.authority and (usage is None or bool(usage & CERTIFICATE_SIGNING))
