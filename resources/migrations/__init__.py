"""Migrations of D1 and Postgres: `status`, `up` and `down` over numbered SQL files and a ledger in the store.

What belongs here: the files, the ledger, drift, one transaction a migration. What does not: the SQL itself (sql/).
"""

from resources.migrations.d1 import D1Ledger
from resources.migrations.plan import (
    Ledger,
    LedgerRow,
    Migration,
    MigrationError,
    Standing,
    State,
    down,
    load,
    status,
    up,
)
from resources.migrations.postgres import PostgresLedger

__all__ = [
    "D1Ledger",
    "Ledger",
    "LedgerRow",
    "Migration",
    "MigrationError",
    "PostgresLedger",
    "Standing",
    "State",
    "down",
    "load",
    "status",
    "up",
]
