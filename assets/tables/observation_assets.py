"""What assets hold that others write: rows or objects, bytes, oldest and newest, observed once a day.

So that lineage starts with a number. What belongs here: looking at a table of D1 or a prefix of R2, and the assets that
are observed so. What does not: what these assets are, which their rooms say.
"""

from collections.abc import Callable, Iterator, Mapping, Sequence
from datetime import datetime
from string import Template
from typing import Any

from dagster import (
    AssetsDefinition,
    AssetSelection,
    AssetSpec,
    ObserveResult,
    ResourceParam,
    multi_observable_source_asset,
)

from assets.apps import App
from assets.rooms import Rooms
from resources.d1 import D1
from resources.r2 import ObjectStore
from resources.sql_files import read_sql

OBSERVED = {"observed": "daily"}
TIMES = ("created_at", "createdAt", "joined_at", "connected_at", "updated_at", "updatedAt")
"""The column that says how old a row is; the first of these that a table has."""
Held = Mapping[str, str | int]


def observed(
    app: App, name: str, specs: Sequence[AssetSpec], look: Callable[[Rooms, AssetSpec], Held]
) -> AssetsDefinition:
    """Assets that one op observes, one after the other. look: what one of them holds."""

    decorator: Callable[[Callable[..., Any]], AssetsDefinition] = multi_observable_source_asset(
        name=f"{app.name}_{name}_observed",
        specs=[spec.merge_attributes(tags=OBSERVED) for spec in specs],
    )

    def observe(rooms: ResourceParam[Rooms]) -> Iterator[ObserveResult]:
        for spec in specs:
            yield ObserveResult(asset_key=spec.key, metadata=look(rooms, spec))

    return decorator(observe)


def observed_prefix(app: App, spec: AssetSpec, prefix: str) -> AssetsDefinition:
    """A prefix of R2 as an asset that is observed."""
    return observed(app, spec.key.path[-1], [spec], lambda rooms, _: prefix_holds(rooms.object_store, prefix))


def all_observed(app: App) -> AssetSelection:
    """All that is observed of an app, of every room."""
    of_app = AssetSelection.key_prefixes([app.name], include_sources=True)
    ((tag, value),) = OBSERVED.items()
    return (of_app & AssetSelection.tag(tag, value, include_sources=True)).without_checks()


def table_holds(d1: D1, table: str) -> Held:
    """What a table of D1 holds, its values' bytes without what SQLite adds to them. It reads every row."""
    columns = [str(row["name"]) for row in d1.query(f'pragma table_info("{table}")')]
    sizes = " + ".join(f'coalesce(length(cast("{column}" as blob)), 0)' for column in columns)
    time = next((f'"{column}"' for column in TIMES if column in columns), "null")
    (row,) = d1.query(Template(read_sql("tables/held.sql")).substitute(table=table, bytes=sizes, time=time))
    return _told("dagster/row_count", row["held"], row["bytes"], row["oldest"], row["newest"])


def prefix_holds(store: ObjectStore, prefix: str) -> Held:
    """What a prefix of R2 holds, by its listing."""
    objects = size = 0
    oldest: datetime | None = None
    newest: datetime | None = None
    for info in store.list(prefix):
        objects += 1
        size += info.size
        oldest = min(oldest or info.last_modified, info.last_modified)
        newest = max(newest or info.last_modified, info.last_modified)
    return _told("objects", objects, size, oldest and oldest.isoformat(), newest and newest.isoformat())


def _told(name: str, number: Any, size: Any, oldest: Any, newest: Any) -> Held:
    return {name: int(number), "bytes": int(size), "oldest": str(oldest or "none"), "newest": str(newest or "none")}
