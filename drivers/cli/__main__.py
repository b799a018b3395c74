"""`python -m drivers.cli` is the `registrar` command."""

import sys

from drivers.cli import main

sys.exit(main())
