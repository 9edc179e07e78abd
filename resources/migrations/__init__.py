"""Migrations of D1 and Postgres: `status`, `up` and `down` over numbered SQL files, and a table of the applied ones.

What belongs here: the files, the applied migrations of a database, drift, one transaction a migration, ways down that
keep all data. What does not: the SQL itself (sql/). Any number of folders may share a database, and any number of
databases may have one folder.
"""

from resources.migrations.d1 import D1AppliedMigrations
from resources.migrations.failed import FailedMigrationError
from resources.migrations.plan import (
    AppliedMigration,
    AppliedMigrations,
    Migration,
    MigrationError,
    MigrationStatus,
    State,
    down,
    going_down,
    load,
    require,
    status,
    up,
    would_lose,
)
from resources.migrations.postgres import PostgresAppliedMigrations

__all__ = [
    "AppliedMigration",
    "AppliedMigrations",
    "D1AppliedMigrations",
    "FailedMigrationError",
    "Migration",
    "MigrationError",
    "MigrationStatus",
    "PostgresAppliedMigrations",
    "State",
    "down",
    "going_down",
    "load",
    "require",
    "status",
    "up",
    "would_lose",
]
