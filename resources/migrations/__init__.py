"""Migrations of D1 and Postgres: `status`, `up` and `down` over numbered SQL files, and a table of the applied ones.

What belongs here: the files, the applied migrations of a database, drift, one transaction a migration. What does not:
the SQL itself (sql/). Any number of folders may share a database, and any number of databases may have one folder.
"""

from resources.migrations.d1 import D1AppliedMigrations
from resources.migrations.plan import (
    AppliedMigration,
    AppliedMigrations,
    Migration,
    MigrationError,
    MigrationStatus,
    State,
    down,
    load,
    status,
    up,
)
from resources.migrations.postgres import PostgresAppliedMigrations

__all__ = [
    "AppliedMigration",
    "AppliedMigrations",
    "D1AppliedMigrations",
    "Migration",
    "MigrationError",
    "MigrationStatus",
    "PostgresAppliedMigrations",
    "State",
    "down",
    "load",
    "status",
    "up",
]
