"""The till's memory: one database, an append-only fiscal journal, and the values that cross its border.

`records` are plain frozen values that import no ORM; `interface` is what the till may ask; `store` opens the database
(SQLAlchemy 2, Alembic) and is imported after the first paint, because it costs more than the whole screen library.
"""
