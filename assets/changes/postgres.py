"""The change log of an app's own Postgres database: its triggers, and its readers.

A reader gets the rows of transactions that had all ended, in the order of (transaction, id). So it never skips a row
whose transaction commits after one with a younger id. A transaction that runs for long holds readers back.
TRUNCATE is not logged.
"""

from collections.abc import Collection, Iterator
from datetime import datetime
from string import Template

from assets.apps import App
from assets.apps.lifecycle import Store
from assets.changes.change import Change, Newest, Position
from resources.postgres import Postgres
from resources.sql_files import read_sql


class PostgresChangeLog:
    """The log of one database: a `ChangeLog`."""

    store: Store = "app_postgres"

    def __init__(self, postgres: Postgres) -> None:
        self._postgres = postgres

    def unread(self, reader: str, page: int) -> Iterator[list[Change]]:
        """See ChangeLog.unread."""
        (position,) = self._postgres.fetch(read_sql("changes/postgres/position.sql"), {"reader": reader})
        while rows := self._postgres.fetch(read_sql("changes/postgres/rows.sql"), {**position, "page": page}):
            changes = [
                Change(
                    Position(row["transaction"], row["id"]),
                    row["table_name"],
                    row["old_keys"],
                    row["new_keys"],
                    row["changed_at"],
                )
                for row in rows
            ]
            yield changes
            position["last_transaction"], position["last_id"] = changes[-1].position

    def move(self, reader: str, position: Position, at: datetime) -> None:
        """See ChangeLog.move."""
        self._postgres.execute(
            read_sql("changes/postgres/move.sql"), {"reader": reader, **position._asdict(), "at": at}
        )

    def newest(self, tables: Collection[str]) -> dict[str, Newest]:
        """See ChangeLog.newest."""
        rows = self._postgres.fetch(read_sql("changes/postgres/newest.sql"), {"tables": sorted(tables)})
        return {row["table_name"]: Newest(row["id"], row["changed_at"]) for row in rows}


def install(postgres: Postgres, app: App) -> list[str]:
    """Make the log and the triggers of an app's logged tables agree with its data, in one transaction.

    Returns the names of the tables whose trigger was made, replaced or removed.
    """
    expected = {table.name: [table.row_id, *table.keys] for table in app.changes if table.store == "postgres"}
    with postgres.lock(f"{app.name}.changes") as connection:
        rows = connection.execute(read_sql("changes/postgres/triggers.sql")).fetchall()
        existing = {row["table_name"]: row["arguments"] for row in rows}
        if expected:
            connection.execute(read_sql("changes/postgres/log.sql"))
        wrong = [name for name, arguments in expected.items() if existing.get(name) != arguments]
        for name in wrong:
            arguments = ", ".join(f"'{column}'" for column in expected[name])
            trigger = Template(read_sql("changes/postgres/trigger.sql")).substitute(table=name, arguments=arguments)
            connection.execute(trigger)
        surplus = sorted(existing.keys() - expected.keys())
        for name in surplus:
            connection.execute(f"drop trigger pipelines_change_log on {name}")
    return [*wrong, *surplus]
