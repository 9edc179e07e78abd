"""The data of the benchmarks: random events from a seed, with all 51 fields, in lakes under .cache/bench.

A lake of a size is made once and kept. Every contender reads the same files.
"""

import shutil
import uuid
from collections.abc import Iterator
from dataclasses import replace
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

import numpy as np
import polars as pl

from assets.apps.clearlift import APP
from assets.events.record import FIELDS, FieldKind
from assets.events.table import events_table
from clearlift_pipelines import settings
from clearlift_pipelines.stores import Stores
from resources.lake import LakeTable, PartitionKey
from resources.migrations import MigrationError

EVENTS = events_table(APP)
ROOT = Path(".cache/bench")
FIRST_DAY = datetime(2026, 3, 1, tzinfo=UTC)


def stores(name: str, **given: Any) -> Stores:
    """Migrated embedded stores of a benchmark. Stores that other migrations made are deleted and made again.

    given: further settings.
    """
    opened = Stores(settings.load(home=ROOT / name, **given))
    try:
        opened.migrate()
    except MigrationError:
        opened.close()
        shutil.rmtree(ROOT / name)
        opened = Stores(settings.load(home=ROOT / name, **given))
        opened.migrate()
    return opened


def events(rows: int, org: str, start: datetime, length: timedelta, seed: int) -> pl.DataFrame:
    """Random events of one organisation, ordered by time: some 600 bytes an event, as real ones have."""
    chance = np.random.default_rng(seed)
    visitors = max(1, rows // 6)
    visitor = chance.integers(0, visitors, rows)
    session = visitor * 4 + chance.integers(0, 4, rows)
    offsets = np.sort(chance.integers(0, int(length.total_seconds() * 1e6), rows))
    made: dict[str, pl.Series] = {}

    def pick(values: list[str | None], shares: list[float] | None = None) -> pl.Series:
        return pl.Series(values)[chance.choice(len(values), rows, p=shares)]

    def hexed(numbers: np.ndarray, salt: int) -> pl.Series:
        mixed = (numbers.astype(np.uint64) * np.uint64(0x9E3779B97F4A7C15) + np.uint64(salt)).tolist()
        return pl.Series([f"{n:016x}{n ^ 0xA5A5A5A5A5A5A5A5:016x}" for n in mixed])

    paths = [f"/p/{n}" for n in range(400)]
    path = pl.Series(paths)[chance.zipf(1.4, rows) % len(paths)]
    made["org_tag"] = pl.Series([org]).new_from_index(0, rows)
    first = int(start.timestamp() * 1e6)
    made["timestamp"] = pl.Series(offsets + first).cast(pl.Datetime("us", "UTC"))
    made["event_id"] = hexed(chance.integers(0, 2**63, rows), 1)
    made["anonymous_id"] = hexed(visitor + seed * 1_000_003, 2)
    made["session_id"] = hexed(session + seed * 4_000_037, 3)
    made["event_type"] = pick(["page_view", "click", "scroll", "conversion"], [0.55, 0.25, 0.18, 0.02])
    made["page_path"] = path
    made["page_url"] = pl.Series([f"https://shop.example{p}" for p in path.to_list()])
    made["page_title"] = pl.Series([f"Page {p}" for p in path.to_list()])
    made["page_hostname"] = pl.Series(["shop.example"]).new_from_index(0, rows)
    made["device_type"] = pick(["desktop", "mobile", "tablet"], [0.5, 0.45, 0.05])
    made["browser_name"] = pick(["Chrome", "Safari", "Firefox"])
    made["browser_language"] = pick(["en-US", "de-DE", "ja-JP"])
    made["geo_country"] = pick(["US", "DE", "JP", "GB", None])
    made["geo_city"] = pick(["New York", "Berlin", "Tokyo", None])
    made["utm_source"] = pick([None, "google", "facebook", "newsletter"], [0.6, 0.2, 0.15, 0.05])
    made["utm_medium"] = pick([None, "cpc", "email"], [0.6, 0.3, 0.1])
    made["utm_campaign"] = pick([None, *(f"campaign_{n}" for n in range(30))], [0.6, *([0.4 / 30] * 30)])
    made["referrer_domain"] = pick([None, "www.google.example", "news.example"])
    made["user_agent"] = pick([f"Mozilla/5.0 (Machine {n}) Engine/{n}.0" for n in range(200)])
    made["event_value"] = pl.Series(np.where(chance.random(rows) < 0.02, chance.random(rows) * 200, np.nan)).fill_nan(
        None
    )
    made["consent_analytics"] = pl.Series([True]).new_from_index(0, rows)
    columns = []
    for field in FIELDS:
        if field.name in made:
            column = made[field.name]
        elif field.kind is FieldKind.INTEGER:
            column = pl.Series(chance.integers(300, 2600, rows))
        elif field.kind is FieldKind.NUMBER:
            column = pl.Series(np.round(chance.random(rows) * 3000, 1))
        elif field.kind is FieldKind.BOOLEAN:
            column = pick([None, "t"]).is_not_null()
        else:
            column = pl.Series([None], dtype=pl.String).new_from_index(0, rows)
        columns.append(column.alias(field.name))
    return pl.DataFrame(columns)


def lake(name: str, orgs: int, days: int, files: int, rows: int) -> tuple[Stores, LakeTable]:
    """A lake of orgs × days partitions, with `files` files of `rows` rows in each partition; made once."""
    opened = stores(name)
    table = opened.lake.table(EVENTS)
    if table.head()[0] is None:
        table.append(table.write(_parts(orgs, days, files, rows)), f"dataset-{name}")
    return opened, table


def fresh_twin(name: str, size: tuple[int, int, int, int]) -> tuple[Stores, LakeTable]:
    """A new table over the same data files, for a contender that commits.

    The files that earlier contenders wrote are removed; the contenders that commit nothing remove theirs too.
    """
    opened, original = lake(name, *size)
    files = original.files()
    kept = {Path(info.path.removeprefix("file://")) for info in files}
    for path in (ROOT / name).resolve().rglob("*.parquet"):
        if path not in kept:
            path.unlink()
    spec = replace(EVENTS, name=f"events_{uuid.uuid4().hex}")
    table = opened.lake.ensure(spec)
    table.append([info.file for info in files], f"twin-{spec.name}")
    return opened, table


def _parts(orgs: int, days: int, files: int, rows: int) -> Iterator[tuple[PartitionKey, pl.DataFrame]]:
    length = timedelta(days=1) / files
    for org in range(orgs):
        for day in range(days):
            start = FIRST_DAY + timedelta(days=day)
            for number in range(files):
                seed = (org * days + day) * files + number
                frame = events(rows, f"org{org:03}", start + number * length, length, seed)
                yield PartitionKey(f"org{org:03}", start.date()), frame
