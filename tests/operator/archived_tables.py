"""Two small archived tables, as rules fill and read them: one in D1, one in our Postgres. No fixtures here."""

from collections.abc import Mapping
from typing import Any, Protocol

from resources.d1 import D1
from resources.postgres import Postgres
from tests.databases import empty

# Rows that come one after another have one tenant, so that new tenants come as well as further rows of known ones.
EACH = 3
Versions = Mapping[int, str]


class Table(Protocol):
    """A small archived table: rows of one quarter, each with a version that can change."""

    app: str
    name: str

    def clear(self) -> None:
        """Take all rows away, live and aside."""

    def arrive(self, number: int) -> None:
        """A row comes."""

    def change(self, row: int, version: str) -> None:
        """A live row changes."""

    def live(self) -> Versions:
        """The version of each live row."""

    def aside(self) -> Versions:
        """The version of each row that was restored beside the live ones."""

    def version(self, line: Mapping[str, Any]) -> tuple[int, str]:
        """The row and the version in a line of an archive."""


class Changes(Table):
    """Sesh's change log in D1, which its readers have read. Rows spread over sixteen buckets."""

    app, name = "sesh", "change_log"

    def __init__(self, d1: D1) -> None:
        self._d1 = d1

    def clear(self) -> None:
        self._d1.execute("delete from change_log")
        self._d1.execute("drop table if exists change_log_restored")
        self._d1.execute("delete from change_log_readers")
        self._d1.execute(
            "insert into change_log_readers (reader, last_id, read_at) values ('r', 1000000, '2024-01-01')"
        )

    def arrive(self, number: int) -> None:
        self._d1.execute(
            "insert into change_log (id, table_name, row_id, operation, new_keys, changed_at)"
            " values (?, 'users', ?, 'insert', '0', '2023-02-03T04:05:06.007Z')",
            [number, f"u{number // EACH}"],
        )

    def change(self, row: int, version: str) -> None:
        self._d1.execute("update change_log set new_keys = ? where id = ?", [version, row])

    def live(self) -> Versions:
        return self._held("change_log")

    def aside(self) -> Versions:
        return self._held("change_log_restored")

    def version(self, line: Mapping[str, Any]) -> tuple[int, str]:
        return line["id"], line["new_keys"]

    def _held(self, table: str) -> Versions:
        if not self._d1.query("select 1 from sqlite_master where name = ?", [table]):
            return {}
        return {row["id"]: row["new_keys"] for row in self._d1.query(f"select id, new_keys from {table}")}


class Restatements(Table):
    """Restatements in our Postgres."""

    app, name = "clearlift", "ads.restatements"

    def __init__(self, postgres: Postgres) -> None:
        self._postgres = postgres

    def clear(self) -> None:
        empty(self._postgres, "ads", "archive", "retention")
        self._postgres.execute("drop table if exists restored.ads_restatements")

    def arrive(self, number: int) -> None:
        self._postgres.execute(
            "insert into ads.restatements"
            " (id, app, org_id, platform, account_id, campaign_id, date, seen_at, sync_run_id, currency)"
            " overriding system value values (%s, 'clearlift', %s, 'google', '0', '1', '2023-02-03',"
            " '2023-02-03 04:05:06', 'a0eebc99-9c0b-4ef8-bb6d-6bb9bd380a11', 'EUR')",
            (number, f"o/{number // EACH}"),
        )

    def change(self, row: int, version: str) -> None:
        self._postgres.execute("update ads.restatements set account_id = %s where id = %s", (version, row))

    def live(self) -> Versions:
        return self._held("ads.restatements")

    def aside(self) -> Versions:
        return self._held("restored.ads_restatements")

    def version(self, line: Mapping[str, Any]) -> tuple[int, str]:
        return line["id"], line["account_id"]

    def _held(self, table: str) -> Versions:
        if self._postgres.fetch("select to_regclass(%s) as there", (table,))[0]["there"] is None:
            return {}
        return {row["id"]: row["account_id"] for row in self._postgres.fetch(f"select id, account_id from {table}")}
