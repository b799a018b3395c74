"""Bring a database to the newest revision inside the caller's transaction."""

from __future__ import annotations

import logging
import os
from pathlib import Path

from alembic import command
from alembic.config import Config
from sqlalchemy import Connection

from kiosk.ledger import migrations


def config() -> Config:
    """Alembic's settings without a file."""
    made = Config()
    made.set_main_option("script_location", _escaped(str(Path(__file__).parent)))
    made.set_main_option("path_separator", "os")
    made.set_main_option("version_locations", _escaped(os.pathsep.join(map(str, migrations.LOCATIONS))))
    return made


def upgrade(connection: Connection, revision: str = "head") -> None:
    """Run the missing revisions on `connection`; the caller commits or rolls back the whole."""
    # Alembic tells every step; the till logs only that a database was upgraded.
    logging.getLogger("alembic").setLevel(logging.WARNING)
    settings = config()
    settings.attributes["connection"] = connection
    command.upgrade(settings, revision)


def _escaped(text: str) -> str:
    return text.replace("%", "%%")
