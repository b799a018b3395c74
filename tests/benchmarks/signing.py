"""What a signature costs: `python -m tests.benchmarks.signing [--slow]`.

The best of several runs in milliseconds of processor time, one thread. `--slow` also opens each container at full
strength. Targets on a development machine: a signature 3 ms, a signed document of 5 KB 15 ms, a hash 0.7 MB/s
(signing.md §0); a weak box is about ten times slower.
"""

from __future__ import annotations

import subprocess
import sys
import time
import tracemalloc
from collections.abc import Callable
from datetime import UTC, datetime

from drivers.prro.emulator.authority import Authority
from drivers.prro.emulator.signed import message
from drivers.prro.signing import Digest, Signer, Trust, cms, curves, keys, load, points, verify
from drivers.prro.signing.containers import Kind

NOW = datetime(2026, 3, 5, 10, 0, tzinfo=UTC)
RECEIPT = b"<CHECK>" + b"x" * 1500 + b"</CHECK>"
DOCUMENT = b"<CHECK>" + b"x" * 5000 + b"</CHECK>"


def best(times: int, run: Callable[..., object], *arguments: object, **named: object) -> float:
    """The shortest of `times` runs in milliseconds of processor time, which a busy machine does not stretch."""
    found = []
    for _ in range(times):
        begin = time.thread_time()
        run(*arguments, **named)
        found.append(time.thread_time() - begin)
    return min(found) * 1000


def show(name: str, milliseconds: float, note: str = "") -> None:
    print(f"{name:<46}{milliseconds:>10.2f} ms  {note}")


def primitives() -> None:
    print("curve    table     sign   verify   verify with the key's table   (ms)")
    for curve in curves.standard():
        table = best(1, points.FixedBase, curve, curve.generator)
        key = keys.generate(curve.m)
        digest = b"\x5a" * 32
        signature = key.sign(digest)
        sign = best(20, key.sign, digest)
        slow = best(5, key.public.verify, digest, signature)
        key.public.prepare()
        quick = best(10, key.public.verify, digest, signature)
        print(f"m={curve.m:<4}{table:>8.0f}{sign:>9.2f}{slow:>9.2f}{quick:>9.2f}")
    data = bytes(200_000)
    for digests in Digest:
        took = best(3, digests.of, data)
        show(f"{digests.value}, 200 KB", took, f"{0.2 / took * 1000:.2f} MB/s")


def messages() -> None:
    for generation in (Digest.GOST_34311, Digest.KUPYNA_256):
        authority = Authority.create(NOW, generation=generation)
        person, server = authority.cashier(NOW), authority.fiscal_server(NOW)
        trust = Trust([authority.certificate], demo=True)
        signer = Signer(person.key, person.certificate)
        show(f"{generation.value}: first signature of a key (its table)", best(1, signer.warm))
        show("   receipt of 1.5 KB in CMS, verified", best(20, signer.sign, RECEIPT, at=NOW))
        show("   document of 5 KB in CMS, verified", best(20, signer.sign, DOCUMENT, at=NOW))
        show("   package of 200 KB in CMS, verified", best(2, signer.sign, bytes(200_000), at=NOW))
        ticket = message(b"<TICKET>" + b"x" * 600, server, NOW)
        show("   ticket verified, first of its signer", best(1, verify, ticket, trust, at=NOW))
        show("   ticket verified, signer met often", best(20, verify, ticket, trust, at=NOW))
        show("   ticket parsed", best(20, cms.parse, ticket))


def memory() -> None:
    curve = curves.by_degree(257)
    tracemalloc.start()
    table = points.FixedBase(curve, curve.generator)
    print(f"{'memory of one table, m=257':<46}{tracemalloc.get_traced_memory()[0] / 1024:>10.0f} KiB")
    tracemalloc.stop()
    del table


def containers() -> None:
    authority = Authority.create(NOW)
    person = authority.cashier(NOW)
    for kind in Kind:
        data = person.container(kind, "password", at=NOW)
        show(f"open {kind.value}", best(1, load, data, "password"))


def imports() -> None:
    program = "import time; t = time.thread_time(); import drivers.prro.signing; print(time.thread_time() - t)"
    found = [
        float(subprocess.run([sys.executable, "-c", program], check=True, capture_output=True).stdout) for _ in range(5)
    ]
    show("import drivers.prro.signing", min(found) * 1000)


def main() -> None:
    imports()
    primitives()
    messages()
    memory()
    if "--slow" in sys.argv[1:]:
        containers()


if __name__ == "__main__":
    main()
