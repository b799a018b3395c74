"""Public and private keys, and their ASN.1 forms (signing.md §4.1, §4.4, §8.1).

    SubjectPublicKeyInfo  SEQ{ SEQ{ OID, params }, BIT STRING{ OCTET STRING compressed point, little-endian } }
    params                SEQ{ named OID | explicit, OCTET STRING dke(64)? } | named OID
    explicit              SEQ{ [0] version?, SEQ{ m, k | SEQ{k1,k2,k3} }, A, OCTET STRING B, n, OCTET STRING P }
    PrivateKeyInfo        SEQ{ 0, SEQ{ OID, params }, OCTET STRING d little-endian, [0] attributes? }

A curve that is not one of the ten standard ones, and an S-box other than DKE-1, are refused.
Signature values are made in `dstu4145`; here a private key only knows how to keep silent about itself.
"""

from __future__ import annotations

from functools import lru_cache
from typing import NoReturn

from drivers.prro.signing import der, dstu4145, gost28147, oids, points
from drivers.prro.signing.curves import Curve, by_degree, standard
from drivers.prro.signing.der import Malformed
from drivers.prro.signing.points import FixedBase

_FAMILIAR = 8

_ALGORITHMS = (oids.DSTU4145_GOST, oids.DSTU4145_GOST_BIG_ENDIAN)


class UnsupportedKey(Malformed):
    """The form is right, but the key is of another algorithm, curve or S-box."""


class PublicKey:
    """A point of a standard curve by its compressed octets. Keys are equal when curve and octets are."""

    __slots__ = ("_point", "_proofs", "_table", "curve", "octets")

    def __init__(self, curve: Curve, octets: bytes) -> None:
        self.curve = curve
        self.octets = octets
        self._point: tuple[int, int] | None = None
        self._table: FixedBase | None = None
        self._proofs = 0

    @property
    def point(self) -> tuple[int, int]:
        """The point itself (0.4 ms the first time). Raises ValueError when the octets are no point."""
        if self._point is None:
            self._point = points.decompress(self.curve, self.octets)
        return self._point

    def prepare(self) -> None:
        """Build the table of multiples (45 ms, 0.25 MiB): verification then takes 3 ms instead of 11.

        A key that has proved several signatures prepares itself.
        """
        if self._table is None:
            self._table = FixedBase(self.curve, self.point)

    def verify(self, digest: bytes, signature: bytes) -> bool:
        """Whether `signature` (r ‖ s, bare or in an OCTET STRING) over `digest` was made by this key.

        Both forms are met (signing.md §4.2). The length decides: bare octets may begin like a header by chance.
        """
        try:
            point = self.point
        except ValueError:
            return False
        size = len(signature) - 2
        if size + 2 != 2 * self.curve.half and size < 0x80 and signature[:2] == bytes((der.OCTET_STRING, size & 0x7F)):
            signature = signature[2:]
        if not dstu4145.verify(self.curve, point, digest, signature, self._table):
            return False
        self._proofs += 1
        if self._proofs == _FAMILIAR:
            self.prepare()
        return True

    def __eq__(self, other: object) -> bool:
        return isinstance(other, PublicKey) and (self.curve, self.octets) == (other.curve, other.octets)

    def __hash__(self) -> int:
        return hash(self.octets)

    def __repr__(self) -> str:
        return f"PublicKey(m={self.curve.m}, {self.octets.hex()})"


class PrivateKey:
    """The scalar d, held in a buffer that `close` overwrites; it is neither shown, copied nor pickled.

    CPython cannot wipe the integers that a signature makes on its way (signing.md §11): they are dropped at once and
    `memory.forbid_core_dumps` keeps them out of files.
    """

    __slots__ = ("_buffer", "_public", "curve")

    def __init__(self, curve: Curve, d: int) -> None:
        """Raises ValueError unless 0 < d < n."""
        if not 0 < d < curve.order:
            raise ValueError("a private key lies between 0 and n")
        self.curve = curve
        self._buffer = bytearray(d.to_bytes(curve.half, "little"))
        self._public: PublicKey | None = None

    @property
    def public(self) -> PublicKey:
        """Its public key, computed once (1.5 ms)."""
        if self._public is None:
            point = dstu4145.public_key(self.curve, self.reveal())
            self._public = PublicKey(self.curve, points.compress(self.curve, point))
        return self._public

    @property
    def closed(self) -> bool:
        return not self._buffer

    def sign(self, digest: bytes) -> bytes:
        """r ‖ s over `digest`. Raises ValueError when the key is closed."""
        return dstu4145.sign(self.curve, self.reveal(), digest)

    def reveal(self) -> int:
        """The scalar, for a vault or a container that encrypts it. Raises ValueError when the key is closed."""
        if not self._buffer:
            raise ValueError("the private key is closed")
        return int.from_bytes(self._buffer, "little")

    def close(self) -> None:
        """Overwrite the buffer. The key is of no use afterwards."""
        for at in range(len(self._buffer)):
            self._buffer[at] = 0
        self._buffer = bytearray()

    def __repr__(self) -> str:
        return f"PrivateKey(m={self.curve.m})"

    def __reduce_ex__(self, protocol: object) -> NoReturn:
        raise TypeError("a private key is neither copied nor pickled")


def generate(m: int = 257) -> PrivateKey:
    """A fresh key on the standard curve over GF(2^m)."""
    curve = by_degree(m)
    return PrivateKey(curve, dstu4145.new_private_key(curve))


def read_public(info: der.Element) -> PublicKey:
    """A SubjectPublicKeyInfo. Raises Malformed, also when the algorithm or the curve is not supported."""
    items = info.items(der.SEQUENCE)
    curve, big_endian = read_algorithm(items.take())
    octets = der.parse(items.take().bits()).octets()
    items.end()
    if len(octets) != curve.octets:
        raise Malformed("a public key has the wrong length")
    return PublicKey(curve, octets[::-1] if big_endian else octets)


def read_algorithm(element: der.Element) -> tuple[Curve, bool]:
    """The curve of a key's AlgorithmIdentifier, and whether its octets are big-endian. Raises Malformed."""
    items = element.items(der.SEQUENCE)
    oid = items.take().oid()
    if oid not in _ALGORITHMS:
        raise UnsupportedKey(f"the key is of algorithm {oid}, not DSTU 4145")
    big_endian = oid == oids.DSTU4145_GOST_BIG_ENDIAN
    parameters = items.take()
    items.end()
    return read_curve(parameters.raw, big_endian), big_endian


@lru_cache(maxsize=64)
def read_curve(parameters: bytes, big_endian: bool = False) -> Curve:
    """The standard curve that `parameters` name or spell out. Raises Malformed for any other."""
    element = der.parse(parameters)
    if element.tag == der.OID:
        return _named(element.oid())
    items = element.items(der.SEQUENCE)
    choice = items.take()
    sbox = items.maybe(der.OCTET_STRING)
    items.end()
    if sbox is not None and sbox.body != gost28147.DKE1:
        raise UnsupportedKey("the key wants an S-box other than DKE-1")
    return _named(choice.oid()) if choice.tag == der.OID else _explicit(choice, big_endian)


def write_algorithm(curve: Curve, *, explicit: bool = False, sbox: bool = False) -> bytes:
    """AlgorithmIdentifier of a key on `curve`: by name, or spelt out as old certificates do, with dke on request."""
    choice = der.oid(f"{oids.NAMED_CURVE}.{curve.index}")
    if explicit:
        taps = [der.integer(tap) for tap in curve.field.taps]
        choice = der.sequence(
            der.sequence(der.integer(curve.m), taps[0] if len(taps) == 1 else der.sequence(*taps)),
            der.integer(curve.a),
            der.octets(curve.b.to_bytes(curve.octets, "little")),
            der.integer(curve.order),
            der.octets(points.compress(curve, curve.generator)),
        )
    parameters = der.sequence(choice, der.octets(gost28147.DKE1)) if sbox else der.sequence(choice)
    return der.sequence(der.oid(oids.DSTU4145_GOST), parameters)


def write_public(key: PublicKey, algorithm: bytes) -> bytes:
    """SubjectPublicKeyInfo."""
    return der.sequence(algorithm, der.bits(der.octets(key.octets)))


def read_private(info: der.Element) -> tuple[PrivateKey, der.Items]:
    """A PrivateKeyInfo and its attributes (the members of [0], maybe none). Raises Malformed."""
    items = info.items(der.SEQUENCE)
    items.take().small(1)
    curve, big_endian = read_algorithm(items.take())
    secret = items.take().octets()
    attributes = items.maybe(der.context(0))
    d = _scalar(curve, secret, big_endian)
    if not 0 < d < curve.order:
        raise Malformed("the private key is out of range")
    return PrivateKey(curve, d), der.Items(attributes.body if attributes else b"")


def write_private(key: PrivateKey, attributes: bytes = b"") -> bytes:
    """PrivateKeyInfo with d little-endian straight in the OCTET STRING; `attributes` are the members of [0]."""
    secret = key.reveal().to_bytes(key.curve.half, "little")
    algorithm = write_algorithm(key.curve, explicit=True, sbox=True)
    extra = [der.write(der.context(0), attributes)] if attributes else []
    return der.sequence(der.integer(0), algorithm, der.octets(secret), *extra)


def _scalar(curve: Curve, secret: bytes, big_endian: bool) -> int:
    """d from the forms met in the field: bare octets, an OCTET STRING, an INTEGER, a SEC1-like SEQUENCE."""
    if len(secret) != curve.half and len(secret) > 2:
        try:
            inner = der.parse(secret)
        except Malformed:
            pass
        else:
            if inner.tag == der.OCTET_STRING:
                return int.from_bytes(inner.body, "big" if big_endian else "little")
            if inner.tag == der.INTEGER:
                return inner.integer()
            if inner.tag == der.SEQUENCE:
                items = inner.items(der.SEQUENCE)
                items.take().small(1)
                return int.from_bytes(items.take().octets(), "big")
    if len(secret) > 2 * curve.octets:
        raise Malformed("the private key is too long")
    return int.from_bytes(secret, "big" if big_endian else "little")


def _named(oid: str) -> Curve:
    prefix, _, last = oid.rpartition(".")
    if prefix != oids.NAMED_CURVE or last not in tuple("0123456789"):
        raise UnsupportedKey(f"{oid} is no standard curve")
    return standard()[int(last)]


def _explicit(element: der.Element, big_endian: bool) -> Curve:
    items = element.items(der.SEQUENCE)
    items.maybe(der.context(0))
    field = items.take().items(der.SEQUENCE)
    m = field.take().small(1024)
    middle = field.take()
    taps = (
        (middle.small(1024),)
        if middle.tag == der.INTEGER
        else tuple(tap.small(1024) for tap in middle.items(der.SEQUENCE))
    )
    a = items.take().small(1)
    b = int.from_bytes(items.take().octets(), "big" if big_endian else "little")
    n = items.take().integer()
    base = items.take().octets()
    items.end()
    try:
        curve = by_degree(m)
    except LookupError as error:
        raise UnsupportedKey(str(error)) from error
    generator = base[::-1] if big_endian else base
    if (curve.field.taps, curve.a, curve.b, curve.order) != (tuple(sorted(taps)), a, b, n) or (
        points.compress(curve, curve.generator) != generator
    ):
        raise UnsupportedKey(f"the curve is not the standard one over GF(2^{m})")
    return curve
