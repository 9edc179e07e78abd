"""The days of an app's events that are pruned: their rows are in the archive only.

No day is counted from the rows that are left of it, or that came later. A day is marked before the commit that drops
its rows, and settled after. Who counts a day from the lake looks at the marks before and after taking a snapshot. A
restore of all that an organisation has of a quarter removes the marks. What belongs here: the marks, and the refusal to
count. What does not: dropping and restoring rows, which retention and the archive do.
"""

from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass
from datetime import UTC, date, datetime
from uuid import UUID

from assets.apps import App
from assets.windows import DAY, Window, joined, midnight, touching
from resources.declined import DeclinedError
from resources.lake import LakeTable, PartitionKey
from resources.postgres import Connection, Postgres
from resources.sql_files import read_sql

# The property of a commit that names its writer. The two movers move rows that are counted already. A rebuild brings
# back rows of which nobody knows whether they were counted.
WRITER, RETENTION, RESTORE, REBUILD = "clearlift.writer", "retention", "restore", "rebuild"
MOVERS = frozenset({RETENTION, RESTORE})


class PrunedError(DeclinedError):
    """Days to count are pruned. The sentence names them, the next step is the command that restores them."""


@dataclass(frozen=True)
class PrunedDays:
    """Pruned days of an app, joined into windows, and the quarters that they lie in."""

    app: App
    windows: tuple[Window, ...] = ()
    quarters: tuple[str, ...] = ()

    def __bool__(self) -> bool:
        return bool(self.windows)

    def __or__(self, other: "PrunedDays") -> "PrunedDays":
        windows = touching([*self.windows, *other.windows])
        return PrunedDays(self.app, tuple(windows), tuple(sorted({*self.quarters, *other.quarters})))

    def spare(self, windows: Iterable[Window], reads: Callable[[Window], Window] = lambda day: day) -> list[Window]:
        """The part of windows that can be counted: without the days that read (`reads`) a pruned day."""
        days = (day for window in windows for day in window.days())
        return touching(day for day in days if not any(reads(day).clipped(pruned) for pruned in self.windows))

    @property
    def commands(self) -> str:
        """The commands that restore them."""
        return "; ".join(restore_command(self.app, quarter) for quarter in self.quarters)

    def __str__(self) -> str:
        """One line with the days and the commands; empty where there are none."""
        return f"{self.state}: {self.commands} first" if self else ""

    @property
    def state(self) -> str:
        """One sentence with the days."""
        spans = [
            f"{window.start:%Y-%m-%d}" + (f" to {window.end - DAY:%Y-%m-%d}" if window.end - window.start > DAY else "")
            for window in self.windows
        ]
        return f"events of {', '.join(spans)} are archived"


def restore_command(app: App, quarter: str) -> str:
    """The command, in backquotes, that brings a quarter of the app's events back into its live table."""
    assert app.audience is not None, f"{app.name} collects no events"
    return f"`clearlift archive restore {app.name} {app.audience.table.rpartition('.')[2]} {quarter} --into live`"


def within(connection: Connection, app: App, window: Window, org: str | None = None) -> PrunedDays:
    """The pruned days of a window, of one organisation or of any."""
    rows = connection.execute(
        read_sql("retention/pruned_within.sql"),
        {"app": app.name, "start": window.start.date(), "end": _ceiling(window.end), "org": org},
    ).fetchall()
    days = joined((midnight(row["day"]) for row in rows), DAY)
    return PrunedDays(app, tuple(days), tuple(sorted({row["quarter"] for row in rows})))


def refuse(connection: Connection, app: App, window: Window, org: str | None = None) -> None:
    """Refuse to count a window.

    Raises:
        PrunedError: a day of it is pruned.
    """
    if days := within(connection, app, window, org):
        raise PrunedError(days.state, days.commands)


def countable_head(
    connection: Connection, app: App, events: LakeTable, window: Window, org: str | None = None
) -> tuple[int | None, int]:
    """The newest snapshot of the table and its sequence number, from which the window can be counted.

    Raises:
        PrunedError: a day of the window is pruned.
    """
    # A prune may have dropped rows of the snapshot, or a restore may not have brought them back yet.
    refuse(connection, app, window, org)
    head = events.head()
    refuse(connection, app, window, org)
    return head


def mark(
    connection: Connection, app: App, quarter: str, rows: Mapping[PartitionKey, int], *, commit_id: UUID, at: datetime
) -> None:
    """Mark days, each with its number of rows, which the commit is about to drop."""
    keys = sorted(rows)
    connection.execute(
        read_sql("retention/mark_pruned.sql"),
        {
            **_columns(app, keys),
            "quarter": quarter,
            "commit_id": commit_id,
            "at": at,
            "rows": [rows[key] for key in keys],
        },
    )


def settle(connection: Connection, app: App, commit_id: UUID, dropped: Iterable[PartitionKey]) -> None:
    """Say which days a commit dropped. The marks of its other days are removed."""
    parameters = {**_columns(app, dropped), "commit_id": commit_id}
    connection.execute(read_sql("retention/unmark_stayed.sql"), parameters)
    connection.execute(read_sql("retention/settle_pruned.sql"), parameters)


def unsettled(postgres: Postgres, app: App) -> dict[UUID, dict[PartitionKey, int]]:
    """The commits that are not known to have landed, with their days and rows."""
    commits: dict[UUID, dict[PartitionKey, int]] = {}
    for row in postgres.fetch(read_sql("retention/unsettled_pruned.sql"), {"app": app.name}):
        commits.setdefault(row["commit_id"], {})[PartitionKey(row["org_tag"], row["day"])] = row["rows"]
    return commits


def marked(connection: Connection, app: App, quarter: str) -> set[PartitionKey]:
    """The pruned days of a quarter."""
    parameters = {"app": app.name, "quarter": quarter}
    rows = connection.execute(read_sql("retention/pruned_of_quarter.sql"), parameters).fetchall()
    return {PartitionKey(row["org_tag"], row["day"]) for row in rows}


def restored(postgres: Postgres, app: App, keys: Iterable[PartitionKey]) -> None:
    """Say that the live table has whole quarters of organisations again, those that hold these days."""
    postgres.execute(read_sql("retention/unmark_restored.sql"), _columns(app, keys))


def _columns(app: App, keys: Iterable[PartitionKey]) -> dict[str, object]:
    ordered = sorted(keys)
    return {"app": app.name, "orgs": [key.tenant for key in ordered], "days": [key.day for key in ordered]}


def _ceiling(at: datetime) -> date:
    return at.date() if at == midnight(at.astimezone(UTC).date()) else (at + DAY).date()
