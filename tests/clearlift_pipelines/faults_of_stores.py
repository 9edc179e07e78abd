"""Each store failing as it really does, for the length of a block: with what it then says of keys and rows.

No fixtures here.
"""

import sqlite3
from collections.abc import Callable, Iterable, Iterator, Mapping
from contextlib import AbstractContextManager, contextmanager
from typing import Any, NoReturn

import obstore
import pytest
from obstore.exceptions import GenericError
from psycopg.sql import SQL, Identifier

from assets.apps import APPS
from clearlift_pipelines.stores import Stores
from resources.kv import EmbeddedKV, KVError
from resources.postgres import Postgres
from resources.r2 import FolderObjectStore

Fault = Callable[[Stores], AbstractContextManager[None]]
EVERY = 3
"""Of so many calls of a store one fails, so that jobs come far."""


@contextmanager
def healthy(_stores: Stores) -> Iterator[None]:
    """No fault."""
    yield


@contextmanager
def broken_d1(_stores: Stores) -> Iterator[None]:
    """Each third statement fails."""
    import resources.d1.embedded as embedded

    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(embedded, "_result", _sometimes(embedded._result, _malformed))
        yield


@contextmanager
def broken_kv(_stores: Stores) -> Iterator[None]:
    """Each third call fails, and names the keys that it was about."""
    with pytest.MonkeyPatch.context() as patch:
        for name in ("get_many", "put_many", "delete_many"):
            patch.setattr(EmbeddedKV, name, _sometimes(getattr(EmbeddedKV, name), _keys_refused))
        yield


@contextmanager
def broken_r2(_stores: Stores) -> Iterator[None]:
    """Each third object cannot be reached; the error repeats its path, as obstore's does."""
    with pytest.MonkeyPatch.context() as patch:
        for name in ("get", "put", "delete", "head"):
            patch.setattr(obstore, name, _sometimes(getattr(obstore, name), _unreachable))
        yield


@contextmanager
def broken_postgres(stores: Stores) -> Iterator[None]:
    """Every row that is written is refused, and the server's error holds all of its values."""
    databases = [stores.postgres, *(stores.app_postgres(app) for app in APPS if app.postgres_migrations is not None)]
    for database in databases:
        _refusing(database, "add constraint refuses_all check (false) not valid")
    try:
        yield
    finally:
        for database in databases:
            _refusing(database, "drop constraint refuses_all")


@contextmanager
def broken_files(stores: Stores) -> Iterator[None]:
    """Every object of lake, landing zone and archive is cut."""
    store = stores.object_store
    assert isinstance(store, FolderObjectStore)
    files = [path for path in store.path.rglob("*") if path.is_file() and "backups" not in path.parts]
    before = {path: path.read_bytes() for path in files}
    for path, content in before.items():
        path.write_bytes(content[: len(content) * 2 // 3])
    try:
        yield
    finally:
        for path, content in before.items():
            path.write_bytes(content)


FAULTS: Mapping[str, Fault] = {
    "none": healthy,
    "D1": broken_d1,
    "KV": broken_kv,
    "R2": broken_r2,
    "Postgres": broken_postgres,
    "files": broken_files,
}


def _sometimes(call: Callable[..., Any], fail: Callable[..., NoReturn]) -> Callable[..., Any]:
    calls = 0

    def calling(*args: Any, **kwargs: Any) -> Any:
        nonlocal calls
        calls += 1
        if calls % EVERY == 0:
            fail(*args)
        return call(*args, **kwargs)

    return calling


def _malformed(_connection: object, _statement: object) -> NoReturn:
    raise sqlite3.OperationalError("database disk image is malformed")


def _keys_refused(_kv: EmbeddedKV, given: Iterable[Any]) -> NoReturn:
    keys = tuple(str(getattr(one, "key", one)) for one in list(given)[:3])
    raise KVError(10_013, f"an unknown error occurred: {', '.join(keys)}", keys)


def _unreachable(_store: object, path: object, *_: object) -> NoReturn:
    raise GenericError(f"Generic LocalFileSystem error: Unable to open file {path}: Input/output error (os error 5)")


def _refusing(postgres: Postgres, change: str) -> None:
    tables = postgres.fetch(
        "select schemaname as schema, tablename as name from pg_tables"
        " where schemaname !~ '^pg_' and schemaname not in ('information_schema', 'pipelines', 'lake', 'public')"
    )
    with postgres.connection() as connection:
        for row in tables:
            statement = SQL("alter table {} " + change)
            connection.execute(statement.format(Identifier(row["schema"], row["name"])))
