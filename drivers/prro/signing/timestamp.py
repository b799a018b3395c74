"""RFC 3161 time stamps over signatures (signing.md §5.3, §12).

    request   SEQ{ 1, SEQ{ digest algorithm, OCTET STRING H(signature) }, nonce, certReq TRUE }
    response  SEQ{ SEQ{ status, … }, token? };  token = CMS SignedData around TSTInfo
    TSTInfo   SEQ{ 1, policy, imprint, serial, genTime, accuracy?, ordering?, nonce?, … }

The address comes from the signer's certificate. The request goes out through a function, so that this file knows no
HTTP (`web.poster` makes one over httpx). Fiscal documents are signed without a stamp when the provider is silent;
after a failure it is left alone for five minutes, so that a dead provider costs one timeout, not one a receipt.
"""

from __future__ import annotations

import secrets
from collections.abc import Callable
from dataclasses import dataclass
from datetime import datetime, timedelta

from drivers.clock import Clock
from drivers.prro.signing import cms, der, oids
from drivers.prro.signing.algorithms import Digest, algorithm, digest_by_oid
from drivers.prro.signing.certificate import Certificate
from drivers.prro.signing.der import Element, Malformed
from drivers.prro.signing.errors import SignatureBad, SignatureFault, SignatureMalformed, TimestampFault
from drivers.prro.signing.trust import Trust

Post = Callable[[str, bytes, str], bytes]
"""POST(url, body, content type) -> body of the answer; raises OSError when there is none."""

PAUSE = 300.0
MAX_DRIFT = timedelta(minutes=5)
_REQUEST_TYPE = "application/timestamp-query"


@dataclass(frozen=True)
class Stamp:
    """A proved time stamp. `trusted` says whether its authority is; `time` is aware UTC."""

    time: datetime
    authority: Certificate
    trusted: bool


class Timestamper:
    """Asks the provider of the signer's certificate for stamps."""

    def __init__(self, post: Post, clock: Clock, *, url: str = "", trust: Trust | None = None) -> None:
        """`url` overrides the address in the certificate. With `trust`, a stamp of a stranger is refused."""
        self._post = post
        self._clock = clock
        self._url = url
        self._trust = trust
        self._silent_until: float | None = None

    def __call__(self, signature: bytes, digest: Digest, certificate: Certificate) -> bytes:
        """The token over `signature`. Raises TimestampFault."""
        url = self._url or next(iter(certificate.tsp_urls), "")
        if not url:
            raise TimestampFault(f"the certificate of {certificate.name} names no time-stamp server")
        if self._silent_until is not None and self._clock.monotonic() < self._silent_until:
            raise TimestampFault("the time-stamp server failed a moment ago and is left alone")
        try:
            token = self._ask(url, signature, digest)
        except TimestampFault:
            self._silent_until = self._clock.monotonic() + PAUSE
            raise
        self._silent_until = None
        return token

    def _ask(self, url: str, signature: bytes, digest: Digest) -> bytes:
        nonce = secrets.randbits(63) | 1
        try:
            answer = self._post(url, request(signature, digest, nonce), _REQUEST_TYPE)
        except OSError as error:
            raise TimestampFault(f"the time-stamp server does not answer: {error}") from error
        try:
            token, given = _response(answer)
            if given != nonce:
                raise SignatureBad("the answer belongs to another request")
            now = self._clock.now()
            stamp = check(token, signature, self._trust, at=now)
            if self._trust is not None and not stamp.trusted:
                raise SignatureBad("the stamp is made by a stranger")
            if abs(stamp.time - now) > MAX_DRIFT:
                raise SignatureBad(f"its time is {stamp.time:%H:%M:%S} UTC, ours {now:%H:%M:%S}: check the clock")
        except (Malformed, SignatureFault) as error:
            what = error.what if isinstance(error, SignatureFault) else str(error)
            raise TimestampFault(f"the time-stamp server gave no usable stamp: {what}") from error
        return token


def request(signature: bytes, digest: Digest, nonce: int) -> bytes:
    """TimeStampReq over the signature octets, asking for the authority's certificate."""
    imprint = der.sequence(digest.identifier(), der.octets(digest.of(signature)))
    return der.sequence(der.integer(1), imprint, der.integer(nonce), der.boolean(True))


def check(token: bytes, signature: bytes, trust: Trust | None = None, *, at: datetime | None = None) -> Stamp:
    """Prove that `token` stamps these signature octets.

    `trusted` is judged at `at`, else at the time of the stamp. Raises SignatureBad or SignatureMalformed.
    """
    message = cms.parse(token)
    if message.content_type != oids.TST_INFO or message.content is None:
        raise SignatureMalformed("the token holds no time stamp")
    try:
        info = _info(der.parse(message.content))
    except Malformed as error:
        raise SignatureMalformed(f"the time stamp cannot be read ({error})") from error
    authority = message.signer(trust.anchors + trust.authorities if trust else ())
    if authority is None:
        raise SignatureBad("the time stamp does not carry its authority's certificate")
    if info.imprint != info.digest.of(signature):
        raise SignatureBad("the time stamp belongs to another signature")
    if oids.EKU_TIMESTAMPING not in authority.purposes:
        raise SignatureBad(f"{authority.name} may not stamp time")
    message.check(authority)
    trusted = False
    if trust is not None:
        try:
            trust.check(authority, at or info.time, message.certificates)
            trusted = True
        except SignatureFault:
            trusted = False
    return Stamp(info.time, authority, trusted)


@dataclass(frozen=True)
class _Info:
    digest: Digest
    imprint: bytes
    time: datetime
    nonce: int | None


def _info(element: Element) -> _Info:
    items = element.items(der.SEQUENCE)
    items.take().small(1)
    items.take().oid()
    imprint = items.take().items(der.SEQUENCE)
    digest = digest_by_oid(algorithm(imprint.take()))
    if digest is None:
        raise Malformed("its digest is unknown")
    hashed = imprint.take().octets()
    items.take(der.INTEGER)
    time = items.take(der.GENERALIZED_TIME).time()
    nonce = None
    for extra in items:
        if extra.tag == der.INTEGER:
            nonce = extra.integer()
    return _Info(digest, hashed, time, nonce)


def _response(answer: bytes) -> tuple[bytes, int | None]:
    """(token, its nonce)."""
    items = der.parse(answer).items(der.SEQUENCE)
    status = items.take().items(der.SEQUENCE).take().small(255)
    if status > 1 or not items:
        raise SignatureMalformed(f"the server refused with status {status}")
    token = items.take()
    items.end()
    message = cms.parse(token.raw)
    return token.raw, _info(der.parse(message.content or b"")).nonce
