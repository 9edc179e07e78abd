"""Figures of Dagster's run history, for the page: when assets were made, and runs by day. Read from its own tables.

What does not belong here: what is wrong of runs (assets/health/runs.py), and purging (purging.py).
"""

from collections.abc import Callable, Sequence
from datetime import UTC, date, datetime

from dagster import AssetKey, DagsterEventType, DagsterInstance, DagsterRunStatus
from dagster._core.storage.event_log import SqlEventLogStorage, SqliteEventLogStorage
from dagster._core.storage.event_log.schema import SqlEventLogStorageTable
from dagster._core.storage.runs import SqlRunStorage
from dagster._core.storage.runs.schema import RunsTable
from sqlalchemy import case, func, select

from assets.page.source import History, RunsOfDay

EVENTS, RUNS = SqlEventLogStorageTable.c, RunsTable.c


def made(instance: DagsterInstance, key: Sequence[str], since: datetime) -> list[datetime]:
    """When an asset was made since a moment, in order."""
    events = _events(instance)
    statement = (
        select(EVENTS.timestamp)
        .where(
            EVENTS.asset_key == AssetKey(list(key)).to_string(),
            EVENTS.dagster_event_type == DagsterEventType.ASSET_MATERIALIZATION.value,
            EVENTS.timestamp >= _naive(since),
        )
        .order_by(EVENTS.timestamp)
    )
    with events.index_connection() as connection:
        return [at.replace(tzinfo=UTC) for (at,) in connection.execute(statement)]


def history(instance: DagsterInstance, size: Callable[[], int], since: datetime) -> History:
    """The runs that were created since a moment, by day, and how large the history is. size: its bytes."""
    runs, events = instance.run_storage, _events(instance)
    if not isinstance(runs, SqlRunStorage):
        raise TypeError(f"runs in {type(runs).__name__} cannot be counted")
    day = func.date(RUNS.create_timestamp)
    failed = case((RUNS.status == DagsterRunStatus.FAILURE.value, 1), else_=0)
    by_day = (
        select(day, func.count(), func.sum(failed), func.sum(RUNS.end_time - RUNS.start_time))
        .where(RUNS.create_timestamp >= _naive(since))
        .group_by(day)
        .order_by(day)
    )
    with runs.connect() as connection:
        days = [
            RunsOfDay(date.fromisoformat(str(at)), number, int(of_them or 0), float(seconds or 0))
            for at, number, of_them, seconds in connection.execute(by_day)
        ]
        all_runs = connection.execute(select(func.count()).select_from(RunsTable)).scalar_one()
    rows = None
    # SQLite keeps the events of each run in a file of its own.
    if not isinstance(events, SqliteEventLogStorage):
        with events.index_connection() as connection:
            rows = connection.execute(select(func.count()).select_from(SqlEventLogStorageTable)).scalar_one()
    return History(days, size(), all_runs, rows)


def _events(instance: DagsterInstance) -> SqlEventLogStorage:
    events = instance.event_log_storage
    if not isinstance(events, SqlEventLogStorage):
        raise TypeError(f"events in {type(events).__name__} cannot be counted")
    return events


def _naive(at: datetime) -> datetime:
    """Dagster's tables have moments in UTC without saying so."""
    return at.astimezone(UTC).replace(tzinfo=None)
