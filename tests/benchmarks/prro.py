"""What the software registrar costs against the virtual server: `python -m tests.benchmarks.prro [documents]`.

A sale from the call to the stored ticket, beside one bare round trip over the same kind of connection (the server's own
work on a document is told apart: it is Python too); the same offline; the way home of 5 000 offline documents, and the
memory while it lasts. The server runs in a process of its own, so that its work is not counted here.
"""

from __future__ import annotations

import json
import resource
import statistics
import subprocess
import sys
import tempfile
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path
from uuid import uuid4

import httpx

from drivers.clock import SystemClock
from drivers.document import Document, DocumentKind, Line, Payment, PaymentForm
from drivers.prro.documents.offline import PACKAGE_DOCUMENTS
from drivers.prro.keys import ring
from drivers.prro.registrar import PrroRegistrar
from drivers.registry import connect


def sale() -> Document:
    lines = tuple(
        Line(code=str(number), name=f"Товар {number}", quantity=1000, price=1000 + number, sum=1000 + number, tax="А")
        for number in range(3)
    )
    due = sum(line.sum for line in lines)
    return Document(
        id=uuid4(), kind=DocumentKind.SALE, lines=lines, payments=(Payment(form=PaymentForm.CASH, amount=due),)
    )


def act(kind: DocumentKind) -> Document:
    return Document(id=uuid4(), kind=kind)


def register(registrar: PrroRegistrar, document: Document) -> None:
    registrar.check(document)
    result = registrar.register(document, registrar.snapshot(document))
    assert result.done, result


def timed(times: int, run: Callable[[], object]) -> list[float]:
    """Milliseconds of each run."""
    found = []
    for _ in range(times):
        begin = time.perf_counter()
        run()
        found.append((time.perf_counter() - begin) * 1000)
    return found


def show(name: str, found: list[float], note: str = "") -> float:
    middle = statistics.median(found)
    print(f"{name:<52}{middle:>9.2f} ms  (best {min(found):.2f}, worst {max(found):.2f}) {note}")
    return middle


@contextmanager
def served(folder: Path) -> Iterator[tuple[PrroRegistrar, str]]:
    """A registrar with an open shift beside a fiscal server in a process of its own, and the server's address."""
    server = subprocess.Popen(
        [sys.executable, "-m", "drivers.cli", "emulate", "prro", "--port", "0", "--state", str(folder / "fs.db"),
         "--option", "tolerance=100000"],
        stdout=subprocess.PIPE, text=True,
    )  # fmt: skip
    try:
        assert server.stdout is not None
        ready = server.stdout.readline()
        address = ready.split()[-1]
        keys = folder / "fs.demo"
        page = json.loads((keys / "demo.json").read_text(encoding="utf-8"))
        (keys / "trust").mkdir()
        (keys / "trust" / "authority.cer").write_bytes((keys / "authority.cer").read_bytes())
        clock = SystemClock()
        begin = time.perf_counter()
        ring.unlock(keys, "cashier", page["password"], at=clock.now())
        print(f"{'the key is unlocked':<52}{(time.perf_counter() - begin) * 1000:>9.2f} ms")
        url = f"prro+{address}?fn={page['fn']}&key=cashier&keys={keys}&state={folder / 'state'}&demo=yes&tsp=no"
        registrar = connect(url, clock=clock)
        assert isinstance(registrar, PrroRegistrar)
        register(registrar, act(DocumentKind.OPEN_SHIFT))
        try:
            yield registrar, address
        finally:
            registrar.close()
    finally:
        server.terminate()
        server.wait()
        assert server.stdout is not None
        server.stdout.close()


def measure(folder: Path, count: int) -> None:
    with served(folder) as (registrar, address):
        for _ in range(5):
            register(registrar, sale())
        with httpx.Client(trust_env=False) as client:
            ping = {"Command": "ServerState", "UID": "1"}
            bare = show(
                "one bare HTTP round trip (ServerState)",
                timed(50, lambda: client.post(f"{address}/cmd?resultAsJson=true", json=ping)),
            )
        online = show("a sale online, to the stored ticket", timed(50, lambda: register(registrar, sale())))
        print(f"{'':<52}{online / bare:>9.1f} x the bare round trip")
        whole = show("the server's answer to a document alone", _alone(registrar, 30))
        print(f"{'the registrar itself':<52}{online - whole:>9.2f} ms")
        drain(registrar, count)


def _alone(registrar: PrroRegistrar, times: int) -> list[float]:
    """Sales, of which only the exchange with the server is timed."""
    found: list[float] = []
    real = registrar._desk.server._post

    def post(*arguments: object) -> object:
        begin = time.perf_counter()
        answer = real(*arguments)  # type: ignore[arg-type]
        found.append((time.perf_counter() - begin) * 1000)
        return answer

    registrar._desk.server._post = post  # type: ignore[method-assign,assignment]
    for _ in range(times):
        register(registrar, sale())
    registrar._desk.server._post = real  # type: ignore[method-assign]
    return found


def fill(registrar: PrroRegistrar, count: int) -> list[float]:
    """Documents made without a link as fast as they can be; milliseconds of each."""
    desk = registrar._desk
    # A shop makes no two receipts a second; here the time between documents may stand still.
    desk.moment = lambda *, after=None, apart=False: desk.time.now().replace(microsecond=0)  # type: ignore[method-assign]
    registrar._line.is_up = lambda: False  # type: ignore[method-assign]
    made = timed(count, lambda: register(registrar, sale()))
    del registrar._line.is_up
    return made


def drain(registrar: PrroRegistrar, count: int) -> None:
    """Documents made as fast as they can be, then the way home."""
    show(f"a sale offline ({count} of them)", fill(registrar, count))
    sizes: list[float] = []
    used = time.thread_time()
    begin = time.perf_counter()
    assert registrar.synchronise(lambda sent, total: sizes.append(resident()))
    took, own = time.perf_counter() - begin, time.thread_time() - used
    print(
        f"the way home of {count} documents: {took:.1f} s, {count / took:.0f} documents a second, "
        f"{len(sizes) - 1} packages; our own work {own:.2f} s ({own / took:.0%})"
    )
    late = max(sizes[len(sizes) // 2 :])
    print(f"resident memory: {sizes[0]:.1f} MiB before the first package, {sizes[1]:.1f} after it, {late:.1f} at most "
          "in the second half")  # fmt: skip


def resident() -> float:
    """Resident memory of this process, MiB."""
    pages = int(Path("/proc/self/statm").read_text(encoding="ascii").split()[1])
    return pages * resource.getpagesize() / 1024 / 1024


def main() -> None:
    count = int(sys.argv[1]) if len(sys.argv) > 1 else 5000
    assert PACKAGE_DOCUMENTS == 100
    with tempfile.TemporaryDirectory() as folder:
        measure(Path(folder), count)


if __name__ == "__main__":
    main()
