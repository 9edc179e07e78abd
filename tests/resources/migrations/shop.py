"""A shop's migrations, and a database of each kind that they are applied to."""

from collections.abc import Callable, Iterator
from contextlib import contextmanager
from typing import Any

from resources import migrations
from resources.migrations import AppliedMigrations, State

FOLDER = "shop/store"
FILES = {
    "001_customers.up.sql": "create table customers (id text primary key, name text); create table gone (id text);",
    "001_customers.down.sql": "drop table gone; drop table customers;",
    "002_orders.up.sql": "-- a comment; with a semicolon\ncreate table orders (id text primary key, "
    "note text default ';' not null, customer text references customers (id));\n"
    "insert into customers (id, name) values ('1', 'it''s; fine');\n",
    "002_orders.down.sql": "delete from customers where id = '1'; drop table orders;",
    "003_index.up.sql": "create index orders_by_customer on orders (customer)",
    "003_index.down.sql": "drop index orders_by_customer",
}
NAMES = ["001_customers", "002_orders", "003_index"]


class Store:
    """A database of one kind, and what is in it."""

    def __init__(self, kind: str, client: Any, another: Callable[[], Any]) -> None:
        self.kind = kind
        self._make = migrations.D1AppliedMigrations if kind == "d1" else migrations.PostgresAppliedMigrations
        self.applied: AppliedMigrations = self._make(client)
        self._client = client
        self._another = another

    @contextmanager
    def other(self) -> Iterator[AppliedMigrations]:
        """A second process's connection to the same database."""
        client = self._another()
        try:
            yield self._make(client)
        finally:
            client.close()

    def run(self, sql: str) -> None:
        self._client.execute(sql)

    def rows(self, sql: str) -> list[dict[str, Any]]:
        rows: list[dict[str, Any]] = (self._client.query if self.kind == "d1" else self._client.fetch)(sql)
        return rows

    def schema(self) -> list[dict[str, Any]]:
        """Everything that a migration can change, without the table of applied migrations."""
        if self.kind == "d1":
            return self.rows(
                "select type, name, sql from sqlite_master where tbl_name <> 'pipelines_migrations' order by 2"
            )
        return self.rows(
            "select table_name as t, column_name as c, data_type as d, column_default as e"
            " from information_schema.columns where table_schema = 'public' union all"
            " select tablename, indexname, indexdef, null from pg_indexes where schemaname = 'public' order by 1, 2"
        )


def states(shop: Store) -> list[State]:
    return [status.state for status in migrations.status(shop.applied, FOLDER)]
