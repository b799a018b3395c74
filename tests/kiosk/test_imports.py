"""What the first paint may load: imports are paid for at every start on a weak box (kiosk-platform.md §1.6, §5.1)."""

from __future__ import annotations

import json
import subprocess
import sys

BANNED = (
    "sqlalchemy", "alembic", "serial", "usb", "httpx", "lxml", "cryptography", "pygments", "markdown_it",
    "kiosk.ledger.store", "kiosk.till.till", "drivers.registry", "drivers.links", "sqlite3", "babel",
)  # fmt: skip
BUDGET = 560
"""Modules in memory at the login; the parts of Textual that it draws with are the most of them."""
PROGRAM = """
import asyncio, json, sys, threading
from kiosk.app import KioskApp
from kiosk.config import Settings

painted = threading.Event()

def opener():
    painted.wait()
    raise OSError("only the first paint matters here")

async def main():
    app = KioskApp(Settings(), opener)
    async with app.run_test() as pilot:
        await pilot.pause()
        print(json.dumps([type(app.screen).__name__, sorted(sys.modules)]))
        painted.set()

asyncio.run(main())
"""


def test_the_login_paints_without_the_heavy_parts() -> None:
    done = subprocess.run([sys.executable, "-c", PROGRAM], capture_output=True, text=True, timeout=60, check=False)
    assert done.stdout, done.stderr
    screen, modules = json.loads(done.stdout.splitlines()[0])
    assert screen == "LoginScreen"
    loaded = [name for name in modules if any(name == ban or name.startswith(ban + ".") for ban in BANNED)]
    assert loaded == []
    assert len(modules) <= BUDGET, f"{len(modules)} modules"
