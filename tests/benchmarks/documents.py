"""What a fiscal document costs: `python -m tests.benchmarks.documents`.

The best of several runs in milliseconds of processor time, one thread. Target on a development machine: a document of
5 KB built, checked by our own rules and wrapped in its signature within 15 ms, of which the signature takes the most.
"""

from __future__ import annotations

import os
import subprocess
import sys
import tempfile
import time
from collections.abc import Callable
from functools import partial

from drivers.prro.documents import build, figures, open_shift, read_document, z_report
from drivers.prro.documents.forms import form
from drivers.prro.documents.structure import validate
from drivers.prro.documents.xml import read
from tests.prro.documents.shop import SHOP, heading, line, sale
from tests.prro.documents.test_examples import BY_CARD


def best(times: int, run: Callable[[], object]) -> float:
    """The shortest of `times` runs in milliseconds of processor time, which a busy machine does not stretch."""
    found = []
    for _ in range(times):
        begin = time.thread_time()
        run()
        found.append(time.thread_time() - begin)
    return min(found) * 1000


def show(name: str, milliseconds: float, note: str = "") -> None:
    print(f"{name:<46}{milliseconds:>10.2f} ms  {note}")


def main() -> None:
    head = heading(1)
    goods = [line(f"Товар з назвою номер {number}", 100 + number, tax="АГ") for number in range(500)]
    documents = {"card sale, 2 lines": BY_CARD, "14 lines": sale(*goods[:14]), "500 lines": sale(*goods)}
    show("open shift", best(50, lambda: open_shift(SHOP, head)))
    for name, document in documents.items():
        document.check()
        data = build(SHOP, head, document)
        tree = read(data)
        record = read_document(data, "1")
        size = f"{len(data)} bytes"
        show(f"build and prove, {name}", best(30, partial(build, SHOP, head, document)), size)
        show("  of it: structure", best(30, partial(validate, tree)))
        show("  read back", best(30, partial(read_document, data)))
        show("  printed form", best(30, partial(form, record)))
    shift = [read_document(build(SHOP, head, documents["14 lines"]), str(number)) for number in range(500)]
    show("figures of 500 receipts", best(5, lambda: figures(shift)))
    show("Z-report", best(20, lambda: z_report(SHOP, head, figures(shift[:1]))))
    code = (
        "import time, drivers.document, drivers.clock; b=time.process_time(); import drivers.prro.documents; "
        "print((time.process_time()-b)*1000)"
    )
    with tempfile.TemporaryDirectory() as compiled:
        environment = os.environ | {"PYTHONPYCACHEPREFIX": compiled, "PYTHONDONTWRITEBYTECODE": ""}
        command = [sys.executable, "-c", code]
        runs = [
            float(subprocess.run(command, capture_output=True, check=True, env=environment).stdout) for _ in range(6)
        ]
    show("import after drivers.document", min(runs))


if __name__ == "__main__":
    main()
