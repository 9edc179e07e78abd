"""An app's database and namespace for tests of invalidation: rows, keys that depend on them, kills on demand."""

from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field
from datetime import UTC, datetime
from typing import Any

from assets.apps import App
from assets.apps.sesh import APP as SESH
from assets.cache import keys
from assets.cache.invalidate import READER, Invalidated, invalidate
from assets.changes.d1 import D1ChangeLog
from resources.d1 import D1, EmbeddedD1
from resources.kv import EmbeddedKV, Entry
from tests.sql.sesh.database import KEYS

NOW = datetime(2026, 3, 20, 12, 0, tzinfo=UTC)


@dataclass
class CacheAsideStores:
    """The database and namespace of an app; `dies` is "before", "half way" or "after" a delete."""

    d1: EmbeddedD1
    held: EmbeddedKV
    app: App = field(default=SESH, repr=False)
    dies: str = ""
    deleted: list[str] = field(default_factory=list, repr=False)

    def delete_many(self, doomed: Iterable[str]) -> None:
        found = list(doomed)
        if self.dies == "before":
            raise KeyboardInterrupt
        done = found[: len(found) // 2] if self.dies == "half way" else found
        self.held.delete_many(done)
        self.deleted += done
        if self.dies in ("half way", "after"):
            raise KeyboardInterrupt

    def invalidate(self, page: int = 5_000) -> Invalidated:
        return invalidate([D1ChangeLog(self.d1)], self, self.app.cache_aside, lambda: NOW, page=page)  # type: ignore[arg-type]

    def fill(self, names: Iterable[str]) -> None:
        """What the application does on a miss."""
        self.held.put_many(Entry(name, b"{}") for name in names)

    def keys(self) -> set[str]:
        return {info.name for info in self.held.list()}

    def place(self) -> int:
        rows = self.d1.query("select last_id from change_log_readers where reader = ?", [READER])
        return int(rows[0]["last_id"]) if rows else 0


def rows(d1: D1, tables: Mapping[str, str] = KEYS) -> dict[tuple[str, Any], dict[str, Any]]:
    """Every row of tables (with their keys), by table and key."""
    return {(table, row[key]): row for table, key in tables.items() for row in d1.query(f"select * from {table}")}


def hanging(table: str, row: dict[str, Any], app: App = SESH) -> set[str]:
    """The cache-aside keys of a row that D1 holds."""
    templates = [key for aside in app.cache_aside if aside.table == table for key in aside.keys]
    return {
        keys.filled(template, row)
        for template in templates
        if all(row[name] is not None for name in keys.fields(template))
    }
