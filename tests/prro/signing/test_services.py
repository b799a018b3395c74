"""Time stamps, OCSP, the guard on addresses, core dumps: through a real HTTP server where HTTP matters."""

from __future__ import annotations

import contextlib
import subprocess
import sys
import threading
from collections.abc import Callable, Iterator
from datetime import datetime, timedelta
from http.server import BaseHTTPRequestHandler, HTTPServer
from pathlib import Path

import httpx
import pytest
from asn1crypto import ocsp as asn1_ocsp  # type: ignore[import-untyped]
from asn1crypto import tsp as asn1_tsp
from hypothesis import given, settings
from hypothesis import strategies as st

from drivers.prro.emulator import responders
from drivers.prro.emulator.authority import Authority, Identity, restore_identity, save_identity
from drivers.prro.emulator.signed import Manner, message
from drivers.prro.signing import Digest, Signer, Timestamper, Trust, certificate, der, oids, timestamp, verify
from drivers.prro.signing.errors import CertificateRevoked, SignatureBad, SignatureFault, SigningFault, TimestampFault
from drivers.prro.signing.revocation import Standing, check, request
from drivers.prro.signing.web import MAX_ANSWER, check_address, poster
from tests.prro.signing.conftest import NOW

DOCUMENT = b"<CHECK/>"


class StillClock:
    """A clock that the test turns."""

    def __init__(self) -> None:
        self.moment = NOW
        self.seconds = 0.0

    def now(self) -> datetime:
        return self.moment

    def monotonic(self) -> float:
        return self.seconds

    def sleep(self, seconds: float) -> None:
        self.seconds += seconds


class Provider:
    """The time-stamp and status server of the demo authority, as a function or over HTTP."""

    def __init__(self, authority: Authority) -> None:
        self.authority = authority
        self.stamping = authority.stamping(NOW)
        self.standing = authority.standing(NOW)
        self.asked = 0
        self.twist: Callable[[bytes], bytes] = lambda answer: answer
        self.at = NOW

    def __call__(self, url: str, body: bytes, content_type: str) -> bytes:
        self.asked += 1
        if url.endswith("/tsp"):
            assert content_type == responders.TSP_TYPE
            return self.twist(responders.stamp(body, self.stamping, self.at))
        assert content_type == responders.OCSP_TYPE
        return self.twist(responders.standing(body, self.authority, self.standing, self.at))


@pytest.fixture
def provider(authority: Authority) -> Provider:
    return Provider(authority)


@pytest.fixture
def signer(cashier: Identity) -> Signer:
    return Signer(cashier.key, cashier.certificate)


def silent(*_: object) -> bytes:
    raise ConnectionError("nobody there")


def test_a_stamped_document(provider: Provider, signer: Signer, trust: Trust) -> None:
    signed = signer.sign(DOCUMENT, at=NOW, stamp=Timestamper(provider, StillClock(), trust=trust), required=True)
    proved = verify(signed, trust, at=NOW)
    assert proved.stamp is not None
    assert proved.stamp.time == NOW
    assert proved.stamp.trusted
    assert proved.stamp.authority == provider.stamping.certificate
    assert len(signed) > len(signer.sign(DOCUMENT, at=NOW)) + 1000


def test_a_silent_provider_does_not_stop_a_sale(signer: Signer, trust: Trust, caplog: pytest.LogCaptureFixture) -> None:
    signed = signer.sign(DOCUMENT, at=NOW, stamp=Timestamper(silent, StillClock()))
    assert verify(signed, trust, at=NOW).stamp is None
    assert "without a time stamp" in caplog.text
    with pytest.raises(TimestampFault, match="does not answer"):
        signer.sign(DOCUMENT, at=NOW, stamp=Timestamper(silent, StillClock()), required=True)


def test_a_dead_provider_is_left_alone_for_five_minutes(provider: Provider, signer: Signer) -> None:
    clock = StillClock()
    stamper = Timestamper(provider, clock)
    provider.twist = lambda _: silent()
    for _ in range(3):
        signer.sign(DOCUMENT, at=NOW, stamp=stamper)
    assert provider.asked == 1
    clock.sleep(timestamp.PAUSE)
    provider.twist = lambda answer: answer
    for _ in range(2):
        signer.sign(DOCUMENT, at=NOW, stamp=stamper, required=True)
    assert provider.asked == 3


def test_stamps_that_are_refused(provider: Provider, signer: Signer, trust: Trust, authority: Authority) -> None:
    other = Provider(Authority.create(NOW))
    wrong_purpose = Provider(authority)
    wrong_purpose.stamping = authority.cashier(NOW)
    late = Provider(authority)
    late.at = NOW + timedelta(minutes=6)
    first = provider(f"{authority.url}/tsp", timestamp.request(b"x" * 64, Digest.GOST_34311, 5), responders.TSP_TYPE)
    twists: dict[str, Callable[[bytes], bytes]] = {
        "no usable stamp": lambda _: b"<html>busy</html>",
        "status 2": lambda _: der.sequence(der.sequence(der.integer(2))),
        "another request": lambda _: first,
        "cannot be read|no signed|does not belong|altered": lambda answer: answer[:-5] + b"\0\0\0\0\0",
    }
    for why, twist in twists.items():
        provider.twist = twist
        with pytest.raises(TimestampFault, match=why):
            signer.sign(DOCUMENT, at=NOW, stamp=Timestamper(provider, StillClock(), trust=trust), required=True)
    for which, why in ((other, "stranger"), (wrong_purpose, "may not stamp"), (late, "check the clock")):
        with pytest.raises(TimestampFault, match=why):
            signer.sign(DOCUMENT, at=NOW, stamp=Timestamper(which, StillClock(), trust=trust), required=True)


def test_a_stamp_of_another_signature(provider: Provider, signer: Signer, authority: Authority, trust: Trust) -> None:
    def moved(_: bytes, digest: Digest, own: certificate.Certificate) -> bytes:
        return Timestamper(provider, StillClock())(b"another signature", digest, own)

    signed = signer.sign(DOCUMENT, at=NOW, stamp=moved)
    with pytest.raises(SignatureBad, match="another signature"):
        verify(signed, trust, at=NOW)


def test_a_certificate_without_an_address(authority: Authority, provider: Provider) -> None:
    plain = Authority(authority.root, authority.generation).cashier(NOW)
    signer = Signer(plain.key, plain.certificate)
    with pytest.raises(TimestampFault, match="names no"):
        signer.sign(DOCUMENT, at=NOW, stamp=Timestamper(provider, StillClock()), required=True)
    stamper = Timestamper(provider, StillClock(), url="http://127.0.0.1:9/tsp")
    assert signer.sign(DOCUMENT, at=NOW, stamp=stamper, required=True)


def test_the_second_parser_agrees(provider: Provider, cashier: Identity, authority: Authority) -> None:
    asked = timestamp.request(b"signature", Digest.KUPYNA_256, 77)
    parsed = asn1_tsp.TimeStampReq.load(asked, strict=True)
    assert parsed["nonce"].native == 77
    assert parsed["cert_req"].native is True
    assert parsed["message_imprint"]["hashed_message"].native == Digest.KUPYNA_256.of(b"signature")
    answer = asn1_tsp.TimeStampResp.load(provider("x/tsp", asked, responders.TSP_TYPE), strict=True)
    assert answer["status"]["status"].native == "granted"
    info = answer["time_stamp_token"]["content"]["encap_content_info"]["content"].parsed
    assert info["gen_time"].native == NOW
    assert info["nonce"].native == 77

    asked = request(cashier.certificate, authority.certificate)
    (only,) = asn1_ocsp.OCSPRequest.load(asked, strict=True)["tbs_request"]["request_list"]
    assert only["req_cert"]["serial_number"].native == cashier.certificate.serial
    assert only["req_cert"]["issuer_key_hash"].native == authority.certificate.key_id
    reply = asn1_ocsp.OCSPResponse.load(provider("x/ocsp", asked, responders.OCSP_TYPE), strict=True)
    assert reply["response_status"].native == "successful"
    (single,) = reply.response_data["responses"]
    assert single["cert_status"].name == "good"


def test_ocsp(authority: Authority, cashier: Identity, provider: Provider, trust: Trust) -> None:
    own, issuer = cashier.certificate, authority.certificate
    assert check(own, issuer, provider, trust, at=NOW) is Standing.GOOD
    stranger = Authority.create(NOW, url=authority.url)
    foreign = stranger.cashier(NOW).certificate
    assert check(foreign, stranger.certificate, provider, trust, at=NOW) is Standing.UNKNOWN
    assert check(own, issuer, silent, trust, at=NOW) is Standing.UNREACHABLE
    person = Authority(authority.root, authority.generation).cashier(NOW).certificate
    assert check(person, issuer, provider, trust, at=NOW) is Standing.UNREACHABLE
    taken = authority.cashier(NOW).certificate
    authority.revoke(taken, NOW - timedelta(days=1))
    with pytest.raises(CertificateRevoked, match="2026-03-04"):
        check(taken, issuer, provider, trust, at=NOW)


def test_ocsp_answers_that_are_not_believed(
    authority: Authority, cashier: Identity, provider: Provider, trust: Trust
) -> None:
    own, issuer = cashier.certificate, authority.certificate
    assert check(own, issuer, provider, trust, at=NOW + timedelta(days=3)) is Standing.UNREACHABLE
    assert check(own, issuer, provider, trust, at=NOW - timedelta(hours=1)) is Standing.UNREACHABLE
    other = Provider(authority)
    other.standing = authority.cashier(NOW)
    assert check(own, issuer, other, trust, at=NOW) is Standing.UNREACHABLE
    neighbour = request(authority.cashier(NOW).certificate, issuer)
    mixed = Provider(authority)
    answer = mixed("x/ocsp", neighbour, responders.OCSP_TYPE)
    mixed.twist = lambda _: answer
    assert check(own, issuer, mixed, trust, at=NOW) is Standing.UNREACHABLE
    for twist in (lambda answer: answer[:-3], lambda _: b"", lambda _: der.sequence(der.write(0x0A, b"\x06"))):
        provider.twist = twist
        assert check(own, issuer, provider, trust, at=NOW) is Standing.UNREACHABLE


@given(st.floats(0, 1, exclude_max=True), st.binary(max_size=2), st.integers(0, 2))
@settings(max_examples=60, deadline=None)
def test_spoilt_answers_are_refused_by_name(
    authority: Authority, cashier: Identity, trust: Trust, where: float, octets: bytes, lost: int
) -> None:
    """No spoilt answer turns a good certificate into a revoked one or makes a stamp of another signature."""
    provider = Provider(authority)
    stamped = provider("x/tsp", timestamp.request(b"x", Digest.GOST_34311, 5), responders.TSP_TYPE)

    def twist(answer: bytes) -> bytes:
        at = int(len(answer) * where)
        return answer[:at] + octets + answer[at + lost :]

    provider.twist = twist
    assert check(cashier.certificate, authority.certificate, provider, trust, at=NOW) in tuple(Standing)
    token = der.parse(stamped).items(der.SEQUENCE)
    token.take()
    with contextlib.suppress(SignatureFault):
        assert timestamp.check(twist(token.take().raw), b"x").time == NOW
    with contextlib.suppress(TimestampFault):
        Timestamper(provider, StillClock(), trust=trust)(b"x", Digest.GOST_34311, cashier.certificate)


def test_requests_that_cannot_be_read(authority: Authority, provider: Provider) -> None:
    for rubbish in (b"", b"hello", der.sequence(der.integer(1))):
        answer = responders.stamp(rubbish, provider.stamping, NOW)
        assert answer == der.sequence(der.sequence(der.integer(2)))
        reply = asn1_ocsp.OCSPResponse.load(responders.standing(rubbish, authority, provider.standing, NOW))
        assert reply["response_status"].native == "malformed_request"


class Handler(BaseHTTPRequestHandler):
    """Plays the provider over HTTP, and several of its bad days."""

    provider: Provider

    def do_POST(self) -> None:
        body = self.rfile.read(int(self.headers["Content-Length"]))
        if self.path == "/elsewhere/tsp":
            self.send_response(302)
            self.send_header("Location", "http://127.0.0.1/tsp")
            self.end_headers()
            return
        if self.path == "/endless/tsp":
            self.send_response(200)
            self.end_headers()
            with contextlib.suppress(ConnectionError):
                for _ in range(MAX_ANSWER // 1024 + 64):
                    self.wfile.write(bytes(1024))
            return
        answer = self.provider(self.path, body, self.headers["Content-Type"])
        self.send_response(200)
        self.send_header("Content-Length", str(len(answer)))
        self.end_headers()
        self.wfile.write(answer)

    def log_message(self, *_: object) -> None:
        """Nothing to the screen."""


@pytest.fixture
def address(provider: Provider) -> Iterator[str]:
    handler = type("Own", (Handler,), {"provider": provider})
    with HTTPServer(("127.0.0.1", 0), handler) as server:
        thread = threading.Thread(target=server.serve_forever)
        thread.start()
        try:
            yield f"http://127.0.0.1:{server.server_address[1]}"
        finally:
            server.shutdown()
            thread.join()


def test_over_http(address: str, cashier: Identity, authority: Authority, signer: Signer, trust: Trust) -> None:
    with httpx.Client() as client:
        post = poster(client, loopback=True)
        stamper = Timestamper(post, StillClock(), url=f"{address}/tsp", trust=trust)
        signed = signer.sign(DOCUMENT, at=NOW, stamp=stamper, required=True)
        assert verify(signed, trust, at=NOW).stamp is not None
        own = cashier.certificate
        assert check(own, authority.certificate, post, trust, at=NOW, url=f"{address}/ocsp") is Standing.GOOD
        for path, why in (("/elsewhere/tsp", "HTTP 302"), ("/endless/tsp", "too long")):
            with pytest.raises(TimestampFault, match=why):
                Timestamper(post, StillClock(), url=address + path)(b"x", Digest.GOST_34311, own)
        with pytest.raises(PermissionError, match="not public"):
            poster(client)(f"{address}/tsp", b"", "x")


def test_nobody_listens() -> None:
    with httpx.Client() as client, pytest.raises(OSError, match="refused"):
        poster(client, loopback=True)("http://127.0.0.1:9/tsp", b"", "x")


@pytest.mark.parametrize(
    "url",
    [
        "http://127.0.0.1/",
        "http://10.0.0.1/",
        "http://192.168.1.1:8080/",
        "http://169.254.169.254/latest",
        "http://[::1]/",
        "http://[fd00::1]/",
        "http://0.0.0.0/",
        "ftp://8.8.8.8/",
        "file:///etc/passwd",
        "http://",
        "http://[bad/",
        "http://8.8.8.8:99999/",
        "",
    ],
)
def test_addresses_that_are_not_asked(url: str) -> None:
    with pytest.raises(PermissionError):
        check_address(url)


def test_addresses_that_are_asked() -> None:
    check_address("http://8.8.8.8/services/tsp/")
    check_address("http://127.0.0.1:8000/tsp", loopback=True)
    with pytest.raises(PermissionError):
        check_address("http://10.0.0.1/", loopback=True)


def test_the_authority_survives_a_restart(authority: Authority, cashier: Identity, tmp_path: Path) -> None:
    authority.save(tmp_path / "demo")
    save_identity(cashier, tmp_path / "demo" / "cashier.jks")
    again = Authority.restore(tmp_path / "demo")
    assert again.certificate == authority.certificate
    assert again.root.key.reveal() == authority.root.key.reveal()
    assert (again.generation, again.url, again.revoked) == (authority.generation, authority.url, authority.revoked)
    assert restore_identity(tmp_path / "demo" / "cashier.jks").certificate == cashier.certificate
    assert (tmp_path / "demo" / "authority.jks").stat().st_mode & 0o77 == 0
    fresh = again.cashier(NOW).certificate
    assert fresh.signed_by(authority.certificate)
    with pytest.raises(FileNotFoundError):
        Authority.restore(tmp_path / "absent")


def test_core_dumps_are_forbidden() -> None:
    """In a process of its own: it cannot be undone. Reading /proc/self/mem's owner shows whether it took."""
    program = (
        "import resource, sys\n"
        "from drivers.prro.signing import forbid_core_dumps\n"
        "measures = forbid_core_dumps()\n"
        "assert 'RLIMIT_CORE' in measures, measures\n"
        "assert resource.getrlimit(resource.RLIMIT_CORE) == (0, 0)\n"
        "if sys.platform == 'linux':\n"
        "    import ctypes\n"
        "    assert 'PR_SET_DUMPABLE' in measures\n"
        "    assert ctypes.CDLL(None).prctl(3, 0, 0, 0, 0) == 0\n"
    )
    if sys.platform == "win32":
        pytest.skip("this platform writes no core files")
    subprocess.run([sys.executable, "-c", program], check=True, timeout=60)


def test_every_fault_has_its_own_message() -> None:
    """Each leaf of the tree has one code, and the tree in the docstring names every class."""
    import pickle

    from drivers.prro.signing import errors

    classes = [each for each in vars(errors).values() if isinstance(each, type) and issubclass(each, SigningFault)]
    assert errors.__doc__ is not None
    assert all(each.__name__ in errors.__doc__ for each in classes)
    leaves = [each for each in classes if not each.__subclasses__()]
    assert len({each.own for each in leaves}) == len(leaves)
    for each in leaves:
        fault = pickle.loads(pickle.dumps(each("what happened")))
        assert (type(fault), fault.what, fault.code) == (each, "what happened", each.own)


def test_manners_are_those_asked_for(server: Identity) -> None:
    """The switches of the emulator do something."""
    plain = message(b"t", server, NOW)
    wrapped = message(b"t", server, NOW, Manner(wrapped=True))
    assert b"\x04\x42\x04\x40" in wrapped
    assert b"\x04\x42\x04\x40" not in plain
    assert message(b"t", server, NOW, Manner(with_null=True)).count(der.oid(oids.GOST_34311) + der.null()) == 3
    assert server.certificate.raw not in message(b"t", server, NOW, Manner(certificate=False))
