"""Keep keys out of files that outlive the process (signing.md §11, §14.5)."""

from __future__ import annotations

import sys

_PR_SET_DUMPABLE = 4


def forbid_core_dumps() -> tuple[str, ...]:
    """Forbid core dumps of this process and of its children. Call it first thing, before any key is opened.

    On Linux it also makes the process undumpable, which shuts out debuggers of the same user. Returns the names of the
    measures in force ("RLIMIT_CORE", "PR_SET_DUMPABLE"): a platform that offers none gives an empty tuple.
    """
    measures = []
    try:
        import resource

        resource.setrlimit(resource.RLIMIT_CORE, (0, 0))
        measures.append("RLIMIT_CORE")
    except (ImportError, OSError, ValueError):
        pass
    if sys.platform == "linux":
        import ctypes

        try:
            if ctypes.CDLL(None).prctl(_PR_SET_DUMPABLE, 0, 0, 0, 0) == 0:
                measures.append("PR_SET_DUMPABLE")
        except (OSError, AttributeError):
            pass
    return tuple(measures)
