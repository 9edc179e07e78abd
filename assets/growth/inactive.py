"""Ending onboarding sessions in which nothing has happened for some hours. The database's own function ends them."""

from dataclasses import dataclass
from datetime import datetime, timedelta

from assets.apps import Growth
from resources.postgres import Postgres
from resources.sql_files import read_sql

HOURS = 2


@dataclass(frozen=True)
class Ended:
    """Sessions that became abandoned. in_progress: those that go on; inactive: those among them that should not."""

    abandoned: int
    in_progress: int
    inactive: int


def end(postgres: Postgres, growth: Growth, now: datetime) -> Ended:
    """End the sessions in which nothing happened for HOURS before `now`, batch by batch."""
    statement = read_sql(f"{growth.statements}/abandon_inactive.sql")
    total = 0
    while ended := postgres.fetch(statement, {"hours": HOURS, "now": now})[0]["abandoned"]:
        total += ended
    (left,) = postgres.fetch(read_sql(f"{growth.statements}/inactive.sql"), {"since": now - timedelta(hours=HOURS)})
    return Ended(total, left["in_progress"], left["inactive"])
