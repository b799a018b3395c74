"""Fifty thousand documents in one offline session (fiscal-server.md §6.1: any number), with memory that stays flat.

It takes most of an hour; KASA_FULL=1 runs it, KASA_DOCUMENTS=5000 makes it shorter. Figures of memory are logged
(`--log-cli-level=INFO`), those of time are the benchmark's (`python -m tests.benchmarks.prro 50000`).
"""

from __future__ import annotations

import logging
import os
from pathlib import Path

import pytest

from drivers.prro.store import Stage
from tests.benchmarks.prro import fill, resident, served

log = logging.getLogger(__name__)
COUNT = int(os.environ.get("KASA_DOCUMENTS", "50000"))
PART = 10
GROWTH = 32.0
"""MiB that the process may hold more at the end than after the first tenth: caches, no list of documents (one signed
receipt is some 3 KiB, so fifty thousand of them would be 150)."""


@pytest.mark.timeout(4 * 3600)
@pytest.mark.skipif(os.environ.get("KASA_FULL") != "1", reason="takes most of an hour: KASA_FULL=1")
def test_fifty_thousand_documents_in_one_session_and_memory_stays_flat(tmp_path: Path) -> None:
    with served(tmp_path) as (registrar, _address):
        making = []
        for _ in range(PART):
            fill(registrar, COUNT // PART)
            making.append(resident())
        assert max(making) - making[0] < GROWTH, making
        store = registrar._desk.store
        session = store.session()
        assert session is not None
        assert store.count_in_session(session.id, Stage.OFFLINE_QUEUED) == COUNT // PART * PART + 1
        sending: list[float] = []
        progress: list[int] = []

        def watch(sent: int, total: int) -> None:
            sending.append(resident())
            progress.append(sent)

        assert registrar.synchronise(watch)
        assert progress == sorted(progress)
        assert progress[-1] == COUNT // PART * PART + 2
        first = sending[: max(2, len(sending) // PART)]
        assert max(sending) - max(first) < GROWTH, sending
        assert store.session() is None
        log.info(
            "MiB while making %.0f..%.0f, while sending %.0f..%.0f", making[0], max(making), sending[0], max(sending)
        )
