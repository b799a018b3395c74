"""The `registrar` command: detect, question and test a registrar without a till.

Exit status: 0 done, 2 usage, 3 rejected, 4 unknown, 5 not reachable.
"""

from __future__ import annotations

import argparse
import sys
from collections.abc import Sequence

from drivers.cli.parser import JsonParser, build
from drivers.cli.saying import DONE, REJECTED, UNKNOWN, UNREACHABLE, USAGE, fault_info, say, status_of

__all__ = ["DONE", "REJECTED", "UNKNOWN", "UNREACHABLE", "USAGE", "main"]


def main(arguments: Sequence[str] | None = None) -> int:
    """Run one command line and return its exit status."""
    arguments = sys.argv[1:] if arguments is None else arguments
    options = build(JsonParser if "--json" in arguments else argparse.ArgumentParser).parse_args(arguments)
    from drivers.errors import Fault, Invalid

    try:
        return int(options.run(options))
    except Invalid as fault:
        say(options, {"error": fault_info(fault)}, f"refused, nothing was sent: {fault}", error=True)
        return USAGE
    except Fault as fault:
        say(options, {"error": fault_info(fault)}, f"failed: {fault}", error=True)
        return status_of(fault)
    except (OSError, ValueError) as error:
        say(options, {"error": {"code": "USAGE", "what": str(error)}}, f"error: {error}", error=True)
        return USAGE
    except KeyboardInterrupt:
        what = "interrupted: a document that was under way is in the journal; ask again with the same id"
        say(options, {"error": {"code": "INTERRUPTED", "what": what}}, what, error=True)
        return UNKNOWN
