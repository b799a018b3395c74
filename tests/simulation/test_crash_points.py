"""A real kill (SIGKILL of a process) at the points of each operation; the list comes from the instruments.

A slice runs always; every disk point and every 16th byte with KASA_FULL=1, of every family.
"""

from __future__ import annotations

import json
import multiprocessing
import os
import shutil
import signal
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

from tests.simulation import crash, disk
from tests.simulation.shop import FAMILIES

pytestmark = pytest.mark.skipif(not disk.available(), reason="Python's sqlite3 is built in: no disk to put under it")

FULL = os.environ.get("KASA_FULL") == "1"
EVERY = {"disk": 1, "wire": 16} if FULL else {"disk": 17, "wire": 211}
CONTEXT = multiprocessing.get_context("forkserver")
CONTEXT.set_forkserver_preload(["tests.simulation.crash"])


def apart(work: Callable[..., None], *arguments: Any) -> int:
    """Run in a process of its own; returns how it ended."""
    process = CONTEXT.Process(target=work, args=arguments)
    process.start()
    process.join(120)
    code = process.exitcode
    process.close()
    assert code is not None
    return code


@pytest.mark.timeout(3600 if FULL else 240)
@pytest.mark.parametrize("family", list(FAMILIES) if FULL else ["datecs"])
@pytest.mark.parametrize("act", crash.ACTS)
def test_a_kill_at_any_point_leaves_one_story(act: str, family: str, tmp_path: Path) -> None:
    template, here = tmp_path / "template", tmp_path / "here"
    template.mkdir()
    assert apart(crash.prepare, str(template), family) == 0
    shutil.copytree(template, here)
    assert apart(crash.perform, str(here), family, act, "disk", -1) == 0
    points = json.loads((here / "points.json").read_text())
    assert points["disk"] > 20 and points["wire"] > 20
    wrong = {}
    for where, count in points.items():
        for at in range(0, count, EVERY[where]):
            shutil.rmtree(here)
            shutil.copytree(template, here)
            assert apart(crash.perform, str(here), family, act, where, at) == -signal.SIGKILL
            assert apart(crash.survive, str(here), family) == 0, f"{act} killed at {where} point {at}"
            if verdict := json.loads((here / "verdict.json").read_text()):
                wrong[f"{where} {at}"] = verdict
    assert not wrong, wrong
