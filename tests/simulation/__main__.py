"""`python -m tests.simulation`."""

import sys

from tests.simulation.report import main

sys.exit(main(sys.argv[1:]))
