"""What a command says: human text or one line of JSON, and the exit statuses."""

from __future__ import annotations

import argparse
import sys
from typing import Any

DONE, USAGE, REJECTED, UNKNOWN, UNREACHABLE = 0, 2, 3, 4, 5


def status_of(fault: Any) -> int:
    """For the commands that ask only: a link that broke is as good as none, because no document was under way."""
    from drivers.errors import LinkLost, Unreachable

    return UNREACHABLE if isinstance(fault, Unreachable | LinkLost) else REJECTED


def say(options: argparse.Namespace, data: dict[str, Any], text: str, *, error: bool = False) -> None:
    """Human text, or one line of JSON on stdout; human errors go to stderr."""
    if options.json:
        import msgspec

        print(msgspec.json.encode(data).decode())
    else:
        print(text, file=sys.stderr if error else sys.stdout)


def fault_info(fault: Any) -> Any:
    from drivers.registrar import FaultInfo

    return FaultInfo.of(fault)


def totals_text(totals: Any) -> str:
    rows = [f"Z {totals.z_number}"]
    for name, sums in (
        ("sales", totals.sales_by_tax),
        ("refunds", totals.refunds_by_tax),
        ("paid", totals.sales_by_form),
    ):
        rows += [f"{name:<8} {key:<8} {hryvnias(value):>14}" for key, value in sums.items()]
    rows.append(f"{'cash':<8} {'':<8} {hryvnias(totals.drawer or 0):>14}")
    return "\n".join(rows)


def hryvnias(kopecks: int) -> str:
    return f"{'-' if kopecks < 0 else ''}{abs(kopecks) // 100}.{abs(kopecks) % 100:02d}"
