"""Days of the events table whose rows are archived only: what is left of them, or came since, is never counted alone.

A day is marked before the commit that drops it and settled after; whoever reads the lake to count a day looks at the
marks before and after it takes a snapshot. A restore that brought a quarter of an organisation back takes them away.
"""

from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass
from datetime import UTC, date, datetime
from uuid import UUID

from assets.windows import DAY, Window, joined, midnight, touching
from resources.lake import PartitionKey
from resources.postgres import Connection, Postgres
from resources.sql_files import read_sql

# What a commit says of its writer, where it moves rows that are counted already: into the archive alone, or back.
WRITER, RETENTION, RESTORE = "clearlift.writer", "retention", "restore"
MOVERS = frozenset({RETENTION, RESTORE})


class PrunedError(RuntimeError):
    """What was to be counted is archived only; the message names the days and the command that brings them back."""


@dataclass(frozen=True)
class Days:
    """Days that are archived only, joined into windows, and the quarters that they lie in."""

    windows: tuple[Window, ...] = ()
    quarters: tuple[str, ...] = ()

    def __bool__(self) -> bool:
        return bool(self.windows)

    def spare(self, windows: Iterable[Window], reads: Callable[[Window], Window] = lambda day: day) -> list[Window]:
        """What can be counted of windows: without the days for which a day that they read is archived only."""
        days = (day for window in windows for day in window.days())
        return touching(day for day in days if not any(reads(day).clipped(gone) for gone in self.windows))

    @property
    def commands(self) -> str:
        """What brings them back."""
        return "; ".join(f"clearlift archive restore clearlift events {q} --into live" for q in self.quarters)

    def __str__(self) -> str:
        """One line: the days, and what to do; empty where there are none."""
        if not self:
            return ""
        last = [f"{w.end - DAY:%Y-%m-%d}" for w in self.windows]
        spans = [
            f"{w.start:%Y-%m-%d}" + (f" to {end}" if w.end - w.start > DAY else "")
            for w, end in zip(self.windows, last, strict=True)
        ]
        return f"events of {', '.join(spans)} are archived: {self.commands} first"


def within(connection: Connection, window: Window, org: str | None = None) -> Days:
    """The days of a window that are archived only, of one organisation or of any."""
    given = {"start": window.start.date(), "end": _ceiling(window.end), "org": org}
    rows = connection.execute(read_sql("retention/pruned_within.sql"), given).fetchall()
    return Days(
        tuple(joined((midnight(row["day"]) for row in rows), DAY)), tuple(sorted({row["quarter"] for row in rows}))
    )


def refuse(connection: Connection, window: Window, org: str | None = None) -> None:
    """Refuse to count a window.

    Raises:
        PrunedError: a day of it is archived only.
    """
    if found := within(connection, window, org):
        raise PrunedError(str(found))


def mark(connection: Connection, quarter: str, rows: Mapping[PartitionKey, int], commit_id: UUID, at: datetime) -> None:
    """Mark days (with how many rows each has) that the commit is about to drop."""
    keys = sorted(rows)
    connection.execute(
        read_sql("retention/mark_pruned.sql"),
        {
            "quarter": quarter,
            "commit_id": commit_id,
            "at": at,
            "orgs": [key.tenant for key in keys],
            "days": [key.day for key in keys],
            "rows": [rows[key] for key in keys],
        },
    )


def settle(connection: Connection, commit_id: UUID, gone: Iterable[PartitionKey]) -> None:
    """Say which of a commit's days went; the marks of its others are taken away."""
    keys = sorted(gone)
    given = {"commit_id": commit_id, "orgs": [k.tenant for k in keys], "days": [k.day for k in keys]}
    connection.execute(read_sql("retention/unmark_stayed.sql"), given)
    connection.execute(read_sql("retention/settle_pruned.sql"), given)


def unsettled(postgres: Postgres) -> dict[UUID, dict[PartitionKey, int]]:
    """Commits of which it is not known whether they landed, with their days and rows."""
    found: dict[UUID, dict[PartitionKey, int]] = {}
    for row in postgres.fetch(read_sql("retention/unsettled_pruned.sql")):
        found.setdefault(row["commit_id"], {})[PartitionKey(row["org_tag"], row["day"])] = row["rows"]
    return found


def marked(connection: Connection, quarter: str) -> set[PartitionKey]:
    """The days of a quarter that are archived only."""
    rows = connection.execute(read_sql("retention/pruned_of_quarter.sql"), {"quarter": quarter}).fetchall()
    return {PartitionKey(row["org_tag"], row["day"]) for row in rows}


def restored(postgres: Postgres, keys: Iterable[PartitionKey]) -> None:
    """Whole quarters of organisations, which hold these days, are in the live table again."""
    listed = sorted(keys)
    given = {"orgs": [k.tenant for k in listed], "days": [k.day for k in listed]}
    postgres.execute(read_sql("retention/unmark_restored.sql"), given)


def _ceiling(at: datetime) -> date:
    return at.date() if at == midnight(at.astimezone(UTC).date()) else (at + DAY).date()
