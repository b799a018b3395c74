"""HTTP, signatures and sizes at the door of the fiscal server (fiscal-server.md §1; signing.md §1.1)."""

from __future__ import annotations

import gzip
import zlib
from collections.abc import Callable

import httpx
import pytest

from drivers.clock import SystemClock
from drivers.prro.emulator.signed import EXPLICIT_KEY_ID, KEY_ID, Manner, message
from drivers.prro.emulator.web import FiscalEmulator
from drivers.prro.signing import Digest, Signer, Timestamper, cms, der, oids, verify
from drivers.prro.signing.errors import SignatureBad, SignatureFault
from tests.prro.conftest import Launch
from tests.prro.fiscal import GOODS, OPEN, SALE, Till

Connect = Callable[..., Till]
JSON = {"Content-Type": "application/json"}


def test_wrong_addresses_and_methods(till: Till, emulator: FiscalEmulator) -> None:
    root = emulator.address.removesuffix("/fs")
    assert till.http.post(f"{root}/fs/document", content=b"x" * 20).status_code == 403
    assert till.http.get(f"{root}/").status_code == 403
    for method in ("GET", "PUT", "DELETE", "HEAD"):
        assert till.http.request(method, f"{root}/fs/doc").status_code == 405


@pytest.mark.parametrize("path", ["doc", "pck"])
def test_wrong_content_types(till: Till, path: str) -> None:
    for kind in ("application/json", "text/xml", ""):
        answer = till.http.post(f"{till.emulator.address}/{path}", content=b"x" * 20, headers={"Content-Type": kind})
        assert answer.status_code == 415 and "Код помилки" not in answer.text
    answer = till.http.post(f"{till.emulator.address}/cmd", content=b"x" * 20, headers={"Content-Type": "text/plain"})
    assert answer.status_code == 415


def test_sizes(shop: Till) -> None:
    assert shop.post("doc", b"123456789").status_code == 416
    assert shop.post("doc", b"1" * (200 * 1024 + 1)).status_code == 416
    assert shop.post("doc", b"1" * (200 * 1024)).status_code == 400
    with httpx.Client(verify=False) as client:
        assert client.post(f"{shop.emulator.address}/pck", content=b"1" * (1 << 20), headers={
            "Content-Type": "application/octet-stream"}).status_code == 416  # fmt: skip
    big = GOODS.replace("<NAME>Кава</NAME>", f"<NAME>Кава</NAME><DESCRIPTION>{'х' * 190 * 1024}</DESCRIPTION>")
    assert shop.register(SALE, big).number


@pytest.mark.parametrize(
    ("label", "squeeze"),
    [
        ("gzip", gzip.compress),
        ("deflate", zlib.compress),
        ("gzip", zlib.compress),  # one production client does so, and the server takes it
        ("deflate", lambda data: zlib.compress(data, wbits=-15)),
    ],
)
def test_compressed_bodies(till: Till, label: str, squeeze: Callable[[bytes], bytes]) -> None:
    body = squeeze(till.sign(till.xml(OPEN)))
    assert till.read(till.post("doc", body, **{"Content-Encoding": label})).number


def test_bodies_that_do_not_unpack(till: Till) -> None:
    whole = gzip.compress(till.sign(till.xml(OPEN)))
    for body, label in ((whole[:-20], "gzip"), (b"x" * 40, "deflate"), (whole, "br")):
        assert till.post("doc", body, **{"Content-Encoding": label}).status_code == 400
    bomb = gzip.compress(b"\0" * (50 << 20))
    assert till.post("doc", bomb, **{"Content-Encoding": "gzip"}).status_code == 416
    assert till.open().number


def test_the_date_header_is_the_servers_time(till: Till, emulator: FiscalEmulator) -> None:
    emulator.advance_clock(86400)
    assert till.ask("ServerState", signed=False).headers["Date"].startswith("Fri, 06 Mar 2026 08:0")


def test_what_is_not_signed(till: Till) -> None:
    xml = till.xml(OPEN)
    for body in (xml, b"x" * 100, till.sign(xml)[:-5], till.sign(xml) + b"\0", b"\x30\x80" + b"\0" * 20):
        answer = till.post("doc", body)
        assert answer.status_code == 400 and "Код помилки" not in answer.text, answer.text
        assert "Повідомлення повинно бути засвідчене КЕП" in answer.text
    assert till.open().number


def test_signatures_that_do_not_hold(till: Till, emulator: FiscalEmulator) -> None:
    good = till.sign(till.xml(OPEN))
    altered = good.replace("Ялинка".encode("cp1251"), "Ялинки".encode("cp1251"))
    assert altered != good
    broken = message(till.xml(OPEN), emulator.demo.cashier, emulator.now(), Manner(broken=True))
    for body in (altered, broken):
        reply = till.read(till.post("doc", body))
        assert (reply.status, reply.code) == (400, 12), reply.text


@pytest.mark.parametrize(
    "manner",
    [
        Manner(unsorted=True),
        Manner(sid=KEY_ID),
        Manner(sid=EXPLICIT_KEY_ID),
        Manner(wrapped=True),
        Manner(with_null=True),
        Manner(digest=Digest.KUPYNA_256),
    ],
)
def test_other_programs_signatures(till: Till, emulator: FiscalEmulator, manner: Manner) -> None:
    assert till.read(till.post("doc", message(till.xml(OPEN), emulator.demo.cashier, emulator.now(), manner))).number


def test_certificates_that_do_not_belong_inside(till: Till, emulator: FiscalEmulator) -> None:
    good = till.sign(till.xml(OPEN))
    own = emulator.demo.cashier.certificate.raw
    held = der.write(der.context(0), own)
    without = rebuilt(good, held, b"")
    both = rebuilt(good, held, der.write(der.context(0), own, emulator.demo.authority.certificate.raw))
    revocations = rebuilt(good, held, held + der.write(der.context(1), der.sequence()))
    for body in (without, both, revocations):
        cms.parse(body)  # each is a well-formed message
        answer = till.post("doc", body)
        assert answer.status_code == 400 and "Код помилки" not in answer.text
    assert till.read(till.post("doc", rebuilt(good, held, held))).number


def rebuilt(message: bytes, old: bytes, new: bytes) -> bytes:
    """A message with other certificates: they lie outside of what is signed."""
    outer = der.parse(message).items(der.SEQUENCE)
    kind = outer.take()
    members = [each.raw for each in outer.take().inside(der.context(0)).items(der.SEQUENCE)]
    assert old in members
    signed = der.sequence(*(new if each == old else each for each in members))
    return der.sequence(kind.raw, der.write(der.context(0), signed))


def test_two_signatures(till: Till) -> None:
    good = till.sign(till.xml(OPEN))
    outer = der.parse(good).items(der.SEQUENCE)
    kind = outer.take()
    *members, infos = (each.raw for each in outer.take().inside(der.context(0)).items(der.SEQUENCE))
    one = der.parse(infos).inside(der.SET).raw
    twice = der.sequence(kind.raw, der.write(der.context(0), der.sequence(*members, der.write(der.SET, one, one))))
    answer = till.post("doc", twice)
    assert answer.status_code == 400 and "один підпис" in answer.text and "Код помилки" not in answer.text


def test_a_detached_signature(till: Till) -> None:
    good = till.sign(till.xml(OPEN))
    outer = der.parse(good).items(der.SEQUENCE)
    kind = outer.take()
    members = [each.raw for each in outer.take().inside(der.context(0)).items(der.SEQUENCE)]
    members[2] = der.sequence(der.oid(oids.DATA))
    body = der.sequence(kind.raw, der.write(der.context(0), der.sequence(*members)))
    answer = till.post("doc", body)
    assert answer.status_code == 400 and "envelopeType" in answer.text


def test_a_content_time_stamp_is_forbidden(till: Till, emulator: FiscalEmulator) -> None:
    who = emulator.demo.cashier
    xml, digest = till.xml(OPEN), Digest.GOST_34311
    extra = der.sequence(der.oid(oids.CONTENT_TIMESTAMP), der.set_of(der.sequence()))
    attributes = extra + cms.signed_attributes(digest, xml, who.certificate, digest.of(who.certificate.raw), None)
    signature = who.key.sign(digest.of(cms.covered(attributes)))
    answer = till.post("doc", cms.build(xml, who.certificate, digest, attributes, signature))
    assert answer.status_code == 400 and "content-time-stamp" in answer.text and "Код помилки" not in answer.text


def test_strangers_and_their_certificates(till: Till, emulator: FiscalEmulator) -> None:
    from drivers.prro.emulator.authority import Authority

    stranger = Authority.create(emulator.now()).cashier(emulator.now(), drfo="12345678")
    till.identify(stranger)
    reply = till.open()
    assert (reply.code, "невідомим надавачем" in reply.text) == (12, True)


def test_an_expired_certificate(shop: Till, emulator: FiscalEmulator) -> None:
    signed = shop.sign(shop.xml(SALE, GOODS))
    emulator.advance_clock(3 * 365 * 86400)
    reply = shop.read(shop.post("doc", signed))
    assert (reply.code, "Строк дії" in reply.text) == (12, True)


class ServersClock(SystemClock):
    def __init__(self, emulator: FiscalEmulator) -> None:
        self._emulator = emulator

    def now(self) -> object:  # type: ignore[override]
        return self._emulator.now()


def test_time_stamps_from_the_servers_own_authority(fiscal: Launch, connect: Connect) -> None:
    emulator = fiscal(stamp="required")
    till = connect(emulator)
    bare = till.open()
    assert (bare.code, "signature-time-stamp" in bare.text) == (12, True)

    def post(url: str, body: bytes, kind: str) -> bytes:
        return till.http.post(url, content=body, headers={"Content-Type": kind}).content

    url = emulator.address.removesuffix("/fs") + "/ca/tsp"
    stamper = Timestamper(post, ServersClock(emulator), url=url, trust=till.trust)  # type: ignore[arg-type]
    assert isinstance(till.signer, Signer)
    signed = till.signer.sign(till.xml(OPEN), at=emulator.now(), stamp=stamper, required=True)
    other = till.signer.sign(till.xml(OPEN), at=emulator.now(), stamp=stamper, required=True)
    token = cms.parse(other).unsigned(oids.SIGNATURE_TIMESTAMP)
    own = cms.parse(signed).unsigned(oids.SIGNATURE_TIMESTAMP)
    assert token is not None and own is not None
    if len(token) == len(own):
        swapped = till.read(till.post("doc", signed.replace(own, token)))
        assert (swapped.code, "іншому підпису" in swapped.text) == (12, True)
    assert till.read(till.post("doc", signed)).number


@pytest.mark.parametrize(
    "manner", ["kupyna", "unsorted", "key", "explicit-key", "wrapped", "null", "time", "unsorted,null"]
)
def test_tickets_in_other_manners(fiscal: Launch, connect: Connect, manner: str) -> None:
    till = connect(fiscal(ticket=manner))
    answer = till.post("doc", till.sign(till.xml(OPEN)))
    assert b"<ERRORCODE>0</ERRORCODE>" in verify(answer.content, till.trust, at=till.emulator.now()).content


def test_tickets_that_are_not_to_be_believed(fiscal: Launch, connect: Connect) -> None:
    till = connect(fiscal(ticket="broken"))
    with pytest.raises(SignatureBad):
        till.open()
    till = connect(fiscal(ticket="bare"))
    with pytest.raises(SignatureFault):
        till.open()
    assert till.emulator.registers()["shift_open"]


def test_refusals_as_tickets(fiscal: Launch, connect: Connect) -> None:
    """§1.5: the other way in which a refusal may come."""
    till = connect(fiscal(refusals="ticket"))
    reply = till.sell()
    assert (reply.status, reply.code) == (200, 5)
    assert reply.fields["ORDERNUM"] == "1" and "ORDERTAXNUM" not in reply.fields and reply.fields["ERRORTEXT"]
    assert till.post("doc", b"x" * 20).status_code == 400


def test_keys_of_the_new_generation(fiscal: Launch, connect: Connect) -> None:
    till = connect(fiscal(keys="kupyna256"))
    assert till.signer.digest is Digest.KUPYNA_256
    assert till.open().number


@pytest.mark.parametrize(
    "option",
    [{"nonsense": "1"}, {"chain": "broken"}, {"fn": "x"}, {"ticket": "pink"}, {"clock": "noon"}, {"registrars": "0"}],
)
def test_bad_options(fiscal: Launch, option: dict[str, str]) -> None:
    with pytest.raises(ValueError):
        fiscal(**option)
