"""`python -m kiosk.locale`: refresh the catalogues. Exit status 1 while a Ukrainian text is missing."""

from __future__ import annotations

import sys

from kiosk.locale import refresh

if __name__ == "__main__":
    missing = refresh()
    for text in missing:
        sys.stderr.write(f"not translated: {text}\n")
    sys.exit(1 if missing else 0)
