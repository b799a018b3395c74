"""The Ukrainian electronic signature: keys, certificates, CMS messages, time stamps (reference: signing.md).

    with Signer.open(Path("Key-6.dat"), password, at=clock.now(), certificates=read_many(cer)) as signer:
        message = signer.sign(xml, at=clock.now(), stamp=Timestamper(poster(client), clock))
    ticket = verify(answer, Trust(read_many(bundle)), at=clock.now(), codes=["43005393"])
    ticket.content

Rooms, from the ground up:

    field, curves, points, dstu4145     the signature itself, ten standard curves
    gost28147, gost34311, kupyna        cipher and hashes
    der, oids, algorithms, keys         ASN.1 and the forms of keys
    certificate, trust, revocation      who it is, whether to believe it, whether it was taken back
    containers                          Key-6.dat, .jks, .pfx/.p12/.zs2, encrypted PKCS#8
    cms, verification, timestamp, web   signed messages
    signer, memory, errors              the cashier's key at work

The code is no certified tool in the sense of the law on trust services (signing.md §14.1); `signer.SigningKey` is where
a certified library or a token plugs in. Private keys are never shown, pickled or logged.
"""

from drivers.prro.signing.algorithms import Digest
from drivers.prro.signing.certificate import Certificate, read, read_many
from drivers.prro.signing.containers import Container, load
from drivers.prro.signing.memory import forbid_core_dumps
from drivers.prro.signing.signer import Candidate, Signer, candidates, choose
from drivers.prro.signing.timestamp import Stamp, Timestamper
from drivers.prro.signing.trust import Trust
from drivers.prro.signing.verification import Verified, verify

__all__ = [
    "Candidate",
    "Certificate",
    "Container",
    "Digest",
    "Signer",
    "Stamp",
    "Timestamper",
    "Trust",
    "Verified",
    "candidates",
    "choose",
    "forbid_core_dumps",
    "load",
    "read",
    "read_many",
    "verify",
]
