"""Purges Dagster's run history by age, in SQLite or Postgres: old runs, their events, and their files.

What stays: for each asset and partition the newest materialization, observation, plan and failure; for each check its
newest result; and the runs that own one of these, without their logs and their steps' details. What does not belong
here: ticks, which Dagster's own retention removes (dagster.yaml), and when it runs (purge_job.py).

A purge can be killed and run again: a run's events go before the run itself, so that the next purge finds it.
"""

from collections.abc import Iterator, Sequence
from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

from dagster import DagsterEventType, DagsterInstance
from dagster._core.instance import RUNLESS_RUN_ID
from dagster._core.storage.dagster_run import FINISHED_STATUSES
from dagster._core.storage.event_log import SqlEventLogStorage, SqliteEventLogStorage
from dagster._core.storage.event_log.schema import (
    AssetCheckExecutionsTable,
    AssetEventTagsTable,
    SqlEventLogStorageTable,
)
from dagster._core.storage.event_log.sqlite.sqlite_event_log import INDEX_SHARD_NAME
from dagster._core.storage.runs import SqlRunStorage
from dagster._core.storage.runs.schema import RunsTable, RunTagsTable
from sqlalchemy import ColumnElement, Connection, Table, delete, func, or_, select

from resources.sqlite_file import compact

EVENTS, CHECKS, TAGS = SqlEventLogStorageTable.c, AssetCheckExecutionsTable.c, AssetEventTagsTable.c
# The newest of each type says how an asset and its partitions stand.
STANDING = (
    DagsterEventType.ASSET_MATERIALIZATION,
    DagsterEventType.ASSET_OBSERVATION,
    DagsterEventType.ASSET_MATERIALIZATION_PLANNED,
    DagsterEventType.ASSET_FAILED_TO_MATERIALIZE,
)
# What a run that stays can do without, beside its log lines.
DETAILS = (
    DagsterEventType.ENGINE_EVENT,
    DagsterEventType.LOGS_CAPTURED,
    DagsterEventType.RESOURCE_INIT_STARTED,
    DagsterEventType.RESOURCE_INIT_SUCCESS,
    DagsterEventType.STEP_START,
    DagsterEventType.STEP_OUTPUT,
    DagsterEventType.HANDLED_OUTPUT,
    DagsterEventType.LOADED_INPUT,
)
AT_ONCE = 200
# A file that no run names may be that of a run which is about to be stored.
FILE_GRACE = timedelta(days=1)


@dataclass
class Purged:
    """What a purge removed, or would remove: runs, rows of events and checks, files. stayed: old runs that stay."""

    runs: int = 0
    rows: int = 0
    files: int = 0
    stayed: int = 0


def purge(instance: DagsterInstance, age: timedelta, now: datetime, *, dry_run: bool) -> Purged:
    """Remove what ended or was reported longer than `age` before `now` (UTC).

    Raises:
        TypeError: the history is in no SQL database.
    """
    return _Purge(instance, now - age, now, dry_run).run()


@dataclass(frozen=True)
class _Standing:
    """What stays at any age: ids of events and of rows of checks, and the runs that own them."""

    events: frozenset[int]
    checks: frozenset[int]
    runs: frozenset[str]


@dataclass
class _Purge:
    instance: DagsterInstance
    before: datetime
    now: datetime
    dry_run: bool
    purged: Purged = field(default_factory=Purged)

    def run(self) -> Purged:
        runs, events = self.instance.run_storage, self.instance.event_log_storage
        if not isinstance(runs, SqlRunStorage) or not isinstance(events, SqlEventLogStorage):
            raise TypeError(f"a run history in {type(events).__name__} cannot be purged")
        with runs.connect() as connection:
            old = self._old_runs(connection)
        with events.index_connection() as connection:
            standing = _standing(connection)
        going, staying = [run for run in old if run not in standing.runs], [run for run in old if run in standing.runs]
        self.purged.runs, self.purged.stayed = len(going), len(staying)
        for some in _portions(going):
            with events.index_connection() as connection:
                self._remove_events(connection, EVENTS.run_id.in_(some))
                self._remove(connection, AssetCheckExecutionsTable, CHECKS.run_id.in_(some))
            if not self.dry_run:
                with runs.connect() as connection:
                    connection.execute(delete(RunTagsTable).where(RunTagsTable.c.run_id.in_(some)))
                    connection.execute(delete(RunsTable).where(RunsTable.c.run_id.in_(some)))
        details = or_(EVENTS.dagster_event_type.is_(None), EVENTS.dagster_event_type.in_([t.value for t in DETAILS]))
        for some in _portions(staying):
            with events.index_connection() as connection:
                self._remove(connection, SqlEventLogStorageTable, EVENTS.run_id.in_(some) & details)
        with events.index_connection() as connection:
            self._remove_runless(connection, standing)
        if isinstance(events, SqliteEventLogStorage):
            self._files(events, set(going), staying, details)
        return self.purged

    def _old_runs(self, connection: Connection) -> list[str]:
        ended = RunsTable.c.status.in_([status.value for status in FINISHED_STATUSES])
        old = RunsTable.c.update_timestamp < self.before.replace(tzinfo=None)
        return list(connection.execute(select(RunsTable.c.run_id).where(ended & old)).scalars())

    def _remove_runless(self, connection: Connection, standing: "_Standing") -> None:
        """Events that were reported without a run go one by one."""
        old = self.before.replace(tzinfo=None)
        rows = connection.execute(
            select(EVENTS.id).where((EVENTS.run_id == RUNLESS_RUN_ID) & (EVENTS.timestamp < old))
        ).scalars()
        for ids in _portions([row for row in rows if row not in standing.events]):
            self._remove_events(connection, EVENTS.id.in_(ids))
        rows = connection.execute(
            select(CHECKS.id).where((CHECKS.run_id == RUNLESS_RUN_ID) & (CHECKS.create_timestamp < old))
        ).scalars()
        for ids in _portions([row for row in rows if row not in standing.checks]):
            self._remove(connection, AssetCheckExecutionsTable, CHECKS.id.in_(ids))

    def _remove_events(self, connection: Connection, which: ColumnElement[bool]) -> None:
        if not self.dry_run:
            tagged = select(EVENTS.id).where(which)
            connection.execute(delete(AssetEventTagsTable).where(TAGS.event_id.in_(tagged)))
        self._remove(connection, SqlEventLogStorageTable, which)

    def _remove(self, connection: Connection, table: Table, which: ColumnElement[bool]) -> None:
        if self.dry_run:
            self.purged.rows += connection.execute(select(func.count()).select_from(table).where(which)).scalar_one()
        else:
            self.purged.rows += connection.execute(delete(table).where(which)).rowcount

    def _files(
        self, events: SqliteEventLogStorage, going: set[str], staying: Sequence[str], details: ColumnElement[bool]
    ) -> None:
        """SQLite has a file for each run, for the events without a run, and for the index over all."""
        known = set(self.instance.run_storage.get_run_ids()) - going
        for run_id in events.get_all_run_ids():
            file = Path(events.path_for_shard(run_id))
            if run_id in going or (run_id not in known and _modified(file) < self.now - FILE_GRACE):
                self.purged.files += 1
                if not self.dry_run:
                    for part in (file, Path(f"{file}-wal"), Path(f"{file}-shm")):
                        part.unlink(missing_ok=True)
        if self.dry_run:
            return
        for run_id in staying:
            file = Path(events.path_for_shard(run_id))
            # A file that changed after its run had become old was made small then.
            if file.exists() and _modified(file) < self.before:
                with events.run_connection(run_id) as connection:
                    connection.execute(delete(SqlEventLogStorageTable).where(details))
                compact(file)
        runless = Path(events.path_for_shard(RUNLESS_RUN_ID))
        if runless.exists():
            with events.run_connection(RUNLESS_RUN_ID) as connection:
                old = EVENTS.timestamp < self.before.replace(tzinfo=None)
                connection.execute(delete(SqlEventLogStorageTable).where(old))
            compact(runless)
        compact(Path(events.path_for_shard(INDEX_SHARD_NAME)))


def _standing(connection: Connection) -> _Standing:
    types = EVENTS.dagster_event_type.in_([type_.value for type_ in STANDING])
    newest = (
        select(func.max(EVENTS.id))
        .where(EVENTS.asset_key.is_not(None) & types)
        .group_by(EVENTS.asset_key, EVENTS.partition, EVENTS.dagster_event_type)
    )
    # By their status too: a result is not to go because a later run was planned only.
    newest_checks = select(func.max(CHECKS.id)).group_by(
        CHECKS.asset_key, CHECKS.check_name, CHECKS.partition, CHECKS.execution_status
    )
    events = connection.execute(select(EVENTS.id, EVENTS.run_id).where(EVENTS.id.in_(newest))).all()
    checks = connection.execute(
        select(CHECKS.id, CHECKS.run_id, CHECKS.evaluation_event_storage_id).where(CHECKS.id.in_(newest_checks))
    ).all()
    return _Standing(
        frozenset([row.id for row in events] + [row.evaluation_event_storage_id for row in checks]),
        frozenset(row.id for row in checks),
        frozenset(row.run_id for row in (*events, *checks)),
    )


def _portions(items: Sequence[Any]) -> Iterator[Sequence[Any]]:
    for start in range(0, len(items), AT_ONCE):
        yield items[start : start + AT_ONCE]


def _modified(file: Path) -> datetime:
    return datetime.fromtimestamp(file.stat().st_mtime, UTC) if file.exists() else datetime.max.replace(tzinfo=UTC)
