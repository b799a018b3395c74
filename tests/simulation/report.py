"""`python -m tests.simulation`: live seeds, print what came of them, and shrink what went wrong.

python3 task.py simulate --seeds 20              twenty fresh seeds of every family
python3 task.py simulate --seed 17 --family ikc  one seed again, with its whole story (--trace)
python3 task.py simulate --script failing.jsonl  a short script again, as it was written by a failure
"""

from __future__ import annotations

import argparse
import logging
import os
import sys
import time
from collections import Counter
from collections.abc import Iterator, Sequence
from concurrent.futures import ProcessPoolExecutor
from dataclasses import dataclass, field
from pathlib import Path

from tests.simulation import script
from tests.simulation.run import Outcome, live
from tests.simulation.script import Step
from tests.simulation.shop import FAMILIES
from tests.simulation.shrink import shrink


@dataclass
class Sum:
    """Many lives of one family added up."""

    seeds: int = 0
    days: int = 0
    documents: int = 0
    deaths: int = 0
    by_machine: int = 0
    by_hand: int = 0
    unsolved: int = 0
    seconds: float = 0.0
    faults: Counter[str] = field(default_factory=Counter)
    failed: list[Outcome] = field(default_factory=list)

    def add(self, outcome: Outcome, seconds: float) -> None:
        self.seeds += 1
        self.days += outcome.days
        self.documents += outcome.documents
        self.deaths += outcome.deaths
        self.by_machine += outcome.by_machine
        self.by_hand += outcome.by_hand
        self.unsolved += outcome.unsolved
        self.seconds += seconds
        self.faults += outcome.faults
        if outcome.violations:
            self.failed.append(outcome)


def steps_of(seed: int, family: str, days: int) -> list[Step]:
    """The script of a seed."""
    return script.draw(seed, family, days, FAMILIES[family])


def one(job: tuple[int, str, int]) -> tuple[Outcome, float]:
    """Live one seed of one family; returns what came of it and the seconds it took."""
    seed, family, days = job
    begun = time.perf_counter()
    outcome = live(seed, family, steps_of(seed, family, days))
    seconds = time.perf_counter() - begun
    if not outcome.violations:
        outcome.log.clear()
    return outcome, seconds


def many(jobs: Sequence[tuple[int, str, int]], processes: int) -> Iterator[tuple[Outcome, float]]:
    if processes == 1:
        yield from map(one, jobs)
        return
    with ProcessPoolExecutor(processes) as pool:
        yield from pool.map(one, jobs)


def table(sums: dict[str, Sum]) -> str:
    """Days, documents and verdicts by family, and the faults by their kind."""
    rows = [
        f"{'family':<10} {'seeds':>6} {'days':>6} {'docs':>7} {'deaths':>7} {'faults':>7} "
        f"{'by machine':>11} {'by hand':>8} {'unsolved':>9} {'days/s/core':>12} {'violations':>11}"
    ]
    faults: Counter[str] = Counter()
    for family, total in sums.items():
        speed = total.days / total.seconds if total.seconds else 0.0
        rows.append(
            f"{family:<10} {total.seeds:>6} {total.days:>6} {total.documents:>7} {total.deaths:>7} "
            f"{total.faults.total():>7} {total.by_machine:>11} {total.by_hand:>8} {total.unsolved:>9} {speed:>12.2f} "
            f"{len(total.failed):>11}"
        )
        faults += total.faults
    seconds = sum(total.seconds for total in sums.values())
    days = sum(total.days for total in sums.values())
    rows += ["", f"faults by kind ({faults.total() / max(seconds, 1e-9) * 3600:,.0f} an hour and core):"]
    cells = [f"{name} {count}" for name, count in sorted(faults.items(), key=lambda item: (-item[1], item[0]))]
    rows += ["   " + "   ".join(cells[start : start + 6]) for start in range(0, len(cells), 6)]
    rows.append(f"\n{days} shop days in {seconds:.1f} s of one core: {days / max(seconds, 1e-9) * 3600:,.0f} an hour")
    return "\n".join(rows)


def explain(outcome: Outcome, steps: Sequence[Step], *, most: int) -> str:
    """The violation, and the shortest story that leads to it."""
    first = outcome.violations[0]

    def fails(candidate: Sequence[Step]) -> bool:
        return bool(live(outcome.seed, outcome.family, candidate).violations)

    short = shrink(list(steps)[: outcome.at_step + 1], fails, most)
    again = live(outcome.seed, outcome.family, short)
    lines = [f"\n{outcome.family}, seed {outcome.seed}: {first}", "the short story:"]
    lines += [f"  {step}" for step in short]
    lines += ["what happened in it:", *(f"  {line}" for line in again.log)]
    lines += ["to live it again (--script):", script.dump(short)]
    return "\n".join(lines)


def main(arguments: list[str]) -> int:
    parser = argparse.ArgumentParser(prog="simulate", description="The till under simulation.")
    parser.add_argument("--seeds", type=int, default=10, help="how many seeds of each family")
    parser.add_argument("--seed", type=int, default=None, help="the first seed (default: a fresh one)")
    parser.add_argument("--days", type=int, default=2, help="days of a life")
    parser.add_argument("--family", choices=[*FAMILIES, "all"], default="all")
    parser.add_argument("--processes", type=int, default=os.cpu_count() or 1)
    parser.add_argument("--trace", action="store_true", help="print everything that happens (one seed)")
    parser.add_argument("--script", type=Path, help="live this script (JSON lines) instead of a seed's")
    parser.add_argument("--shrink", type=int, default=200, metavar="RUNS", help="lives spent on a failing script")
    options = parser.parse_args(arguments)
    logging.disable(logging.CRITICAL)
    families = list(FAMILIES) if options.family == "all" else [options.family]
    first = int(time.time()) % 1_000_000 if options.seed is None else options.seed
    if options.script is not None:
        outcome = live(first, families[0], script.load(options.script.read_text(encoding="utf-8")))
        print("\n".join(outcome.log))
        return bool(outcome.violations)
    if options.trace or (options.seed is not None and options.family != "all" and "--seeds" not in arguments):
        outcome = live(first, families[0], steps_of(first, families[0], options.days))
        print("\n".join(outcome.log))
        print(f"seed {first}, trace {outcome.trace}, violations {len(outcome.violations)}")
        return bool(outcome.violations)
    print(f"seeds {first}..{first + options.seeds - 1}, {options.days} days each", flush=True)
    jobs = [(seed, family, options.days) for family in families for seed in range(first, first + options.seeds)]
    sums = {family: Sum() for family in families}
    for outcome, seconds in many(jobs, options.processes):
        sums[outcome.family].add(outcome, seconds)
        if outcome.violations:
            print(f"{outcome.family}, seed {outcome.seed}: {outcome.violations[0]}", flush=True)
    print(table(sums))
    failed = [outcome for total in sums.values() for outcome in total.failed]
    for outcome in failed[:3]:
        print(explain(outcome, steps_of(outcome.seed, outcome.family, options.days), most=options.shrink))
    return bool(failed)


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
