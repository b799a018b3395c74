"""What Alembic runs: the revisions, on the connection that the program gave it."""

from __future__ import annotations

from alembic import context

from kiosk.ledger.migrations import VERSION_TABLE

context.configure(connection=context.config.attributes["connection"], version_table=VERSION_TABLE)
context.run_migrations()
