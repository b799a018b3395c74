"""A failing script made short: steps, then faults, are left out while it still fails (delta debugging)."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import replace

from tests.simulation.script import Step

MOST_RUNS = 300


def shrink(steps: Sequence[Step], fails: Callable[[Sequence[Step]], bool], most: int = MOST_RUNS) -> list[Step]:
    """A short script that still fails; `fails` lives one. Tries at most `most` scripts."""
    best = list(steps)
    runs = 0

    def still(candidate: list[Step]) -> bool:
        nonlocal runs
        runs += 1
        return runs <= most and bool(candidate) and fails(candidate)

    size = max(1, len(best) // 2)
    while size:
        start = 0
        while start < len(best):
            candidate = best[:start] + best[start + size :]
            if still(candidate):
                best = candidate
            else:
                start += size
        size //= 2
    for index, step in enumerate(best):
        for simpler in (replace(step, fault="", where="", at=0, back=0.0), replace(step, twice=False)):
            candidate = [*best[:index], simpler, *best[index + 1 :]]
            if simpler != best[index] and still(candidate):
                best = candidate
    return best
