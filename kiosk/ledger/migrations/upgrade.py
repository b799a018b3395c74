"""Bring a database to the newest revision inside the caller's transaction."""

from __future__ import annotations

import logging
import os
from pathlib import Path

from alembic.config import Config
from alembic.runtime.environment import EnvironmentContext
from alembic.script import ScriptDirectory
from sqlalchemy import Connection

from kiosk.ledger import migrations


def scripts() -> ScriptDirectory:
    """The revisions as Alembic sees them."""
    config = Config()
    config.set_main_option("script_location", str(Path(__file__).parent).replace("%", "%%"))
    config.set_main_option("path_separator", "os")
    config.set_main_option(
        "version_locations", os.pathsep.join(str(path) for path in migrations.LOCATIONS).replace("%", "%%")
    )
    return ScriptDirectory.from_config(config)


def upgrade(connection: Connection, revision: str = "head") -> None:
    """Run the missing revisions on `connection`; the caller commits or rolls back the whole."""
    # Alembic tells every step; a till logs only that a database was upgraded.
    logging.getLogger("alembic").setLevel(logging.WARNING)
    directory = scripts()
    context = EnvironmentContext(
        Config(), directory, fn=lambda current, _: directory._upgrade_revs(revision, current), as_sql=False
    )
    with context:
        context.configure(connection=connection, version_table=migrations.VERSION_TABLE)
        context.run_migrations()
