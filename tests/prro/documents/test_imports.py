"""What a start pays for the documents: no schema library, no parser, no OpenSSL before the first one needs them."""

from __future__ import annotations

import subprocess
import sys

HEAVY = ("lxml", "pyexpat", "hashlib", "urllib", "decimal", "asyncio", "httpx", "cryptography", "textwrap")


def test_nothing_heavy_is_loaded() -> None:
    code = (
        "import sys, drivers.document, drivers.clock; before = set(sys.modules); import drivers.prro.documents; "
        "print(*(set(sys.modules) - before))"
    )
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)
    loaded = {name.partition(".")[0] for name in done.stdout.split()}
    assert "drivers" in loaded
    assert not loaded & set(HEAVY)
