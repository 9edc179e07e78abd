"""Erasing in Dagster's own storage: runs, events, ticks and assets, in SQLite or Postgres.

No id is written there on purpose, but a preview of events shows pages and campaigns, whose texts may hold one. The rows
stay, because they say what ran; the text in which an id is is replaced. What does not belong here: old runs, which a
purge removes as a whole.
"""

import re
from collections.abc import Iterator, Sequence
from contextlib import AbstractContextManager
from dataclasses import dataclass, field
from pathlib import Path

from dagster import DagsterInstance
from dagster._core.instance import RUNLESS_RUN_ID
from dagster._core.storage.event_log import SqlEventLogStorage, SqliteEventLogStorage
from dagster._core.storage.runs import SqlRunStorage
from dagster._core.storage.schedules import SqlScheduleStorage
from sqlalchemy import Connection, MetaData, String, Table, or_, select, update

from assets.backups.postgres_traces import ERASED
from assets.erasure import texts
from assets.privacy.identity import Erased, Identity
from resources.sqlite_file import compact

NEEDLES_AT_ONCE = 50


@dataclass(frozen=True)
class RunHistoryEraser:
    """An `Eraser` over the storage of one instance of Dagster."""

    instance: DagsterInstance = field(repr=False)
    place: str = "dagster"

    def erase(self, identities: Sequence[Identity]) -> Erased:
        """See Eraser.erase.

        Raises:
            TypeError: the history is in no SQL database.
        """
        found = texts.needles(identities)
        patterns = [re.compile(pattern) for pattern in texts.patterns(found)]
        rows, files = 0, set[Path]()
        for opened in self._databases():
            with opened as connection:
                if connection.dialect.name == "sqlite":
                    files.add(Path(connection.engine.url.database or ""))
                tables = MetaData()
                tables.reflect(connection)
                rows += sum(_replaced(connection, table, found, patterns) for table in tables.tables.values())
        for file in sorted(filter(Path.is_file, files)):
            compact(file)
        return Erased(self.place, rows=rows)

    def _databases(self) -> Iterator[AbstractContextManager[Connection]]:
        runs, events = self.instance.run_storage, self.instance.event_log_storage
        schedules = self.instance.schedule_storage
        if not isinstance(runs, SqlRunStorage) or not isinstance(events, SqlEventLogStorage):
            raise TypeError(f"a run history in {type(events).__name__} cannot be searched")
        yield runs.connect()
        yield events.index_connection()
        if isinstance(schedules, SqlScheduleStorage):
            yield schedules.connect()
        if isinstance(events, SqliteEventLogStorage):
            runs_with_files = {*events.get_all_run_ids(), RUNLESS_RUN_ID}
            for run_id in sorted(runs_with_files):
                if Path(events.path_for_shard(run_id)).exists():
                    yield events.run_connection(run_id)


def _replaced(connection: Connection, table: Table, found: Sequence[str], patterns: Sequence[re.Pattern[str]]) -> int:
    """Replace ids in all texts of a table; how many rows there were."""
    changed = 0
    for column in table.columns:
        if not isinstance(column.type, String) or column.primary_key:
            continue
        for at in range(0, len(found), NEEDLES_AT_ONCE):
            some = or_(*(column.contains(text, autoescape=True) for text in found[at : at + NEEDLES_AT_ONCE]))
            for (text,) in connection.execute(select(column).where(some).distinct()).all():
                new = text
                for pattern in patterns:
                    new = pattern.sub(ERASED, new)
                if new != text:
                    statement = update(table).where(column == text).values({column: new})
                    changed += connection.execute(statement).rowcount
    return changed
