"""Ingest: landed NDJSON into the lake, beside readers that only parse the same bytes, without validation."""

import atexit
import gzip
import io
import shutil
import uuid
from collections.abc import Callable, Mapping
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

import duckdb
import msgspec
import pandas as pd
import polars as pl

from assets.apps.clearlift import APP as CLEARLIFT
from assets.events import landing
from assets.events.ingest import Ingest
from assets.events.record import FIELDS, FieldKind
from assets.events.validation import Admission
from benchmarks import dataset, measure
from benchmarks.dataset import EVENTS

EVENTS_A_BATCH = 2_000
BATCHES = 60
ORGS = 5
FOLDER = dataset.ROOT / "landing"
_POLARS = {
    FieldKind.STRING: pl.String,
    FieldKind.INTEGER: pl.Int64,
    FieldKind.NUMBER: pl.Float64,
    FieldKind.BOOLEAN: pl.Boolean,
    FieldKind.TIMESTAMP: pl.String,
}
CONTENDERS = ("ours", "duckdb_parse", "polars_parse", "pandas_parse")


def main() -> None:
    """Print the table."""
    _land()
    measured = measure.contest("benchmarks.ingest", CONTENDERS)
    total = EVENTS_A_BATCH * BATCHES
    ours = measured["ours"]
    measure.table(
        f"Ingest: {total:,} events in {BATCHES} gzip batches",
        ["contender", "events/s", "events/s and core (CPU time)", "peak MB", "ours is … times as fast"],
        [
            [
                name,
                f"{total / m.seconds:,.0f}",
                f"{total / m.cpu:,.0f}",
                f"{m.peak_mb:,.0f}",
                f"{m.seconds / ours.seconds:.2f}",
            ]
            for name, m in measured.items()
        ],
    )


def ours() -> Callable[[], Mapping[str, Any]]:
    """A whole ingest run on empty stores: validate, drop doubles, write, commit."""
    name = f"ingest-{uuid.uuid4()}"
    opened = dataset.stores(name)
    now = datetime.now(UTC)
    for file in sorted(FOLDER.iterdir()):
        opened.object_store.put(f"{landing.zone(CLEARLIFT).hour_prefix(now)}{file.name}", file.read_bytes())
    orgs = {f"org{n:03}": True for n in range(ORGS)}
    engine = Ingest(
        CLEARLIFT,
        opened.lake.table(EVENTS),
        opened.object_store,
        opened.postgres,
        lambda at: Admission(orgs, dataset.FIRST_DAY, at),
        lambda: datetime.now(UTC),
        lambda: opened.keyring,
        opened.copies,
    )

    def work() -> Mapping[str, Any]:
        run = engine.run()
        return {"stored": run.total("stored"), "quarantined": run.total("quarantined")}

    def clean_up() -> None:
        opened.close()
        shutil.rmtree(dataset.ROOT / name)

    atexit.register(clean_up)
    return work


def duckdb_parse() -> Callable[[], None]:
    return lambda: _duckdb_rows(f"read_json('{FOLDER}/*.gz', format='newline_delimited')")


def _duckdb_rows(source: str) -> None:
    with duckdb.connect() as engine:
        engine.execute(f"create table events as select * from {source}")


def polars_parse() -> Callable[[], None]:
    schema = {f.name: _POLARS[f.kind] for f in FIELDS}

    def work() -> None:
        pl.concat([pl.read_ndjson(gzip.decompress(f.read_bytes()), schema=schema) for f in FOLDER.iterdir()])

    return work


def pandas_parse() -> Callable[[], None]:
    def work() -> None:
        pd.concat([pd.read_json(io.BytesIO(gzip.decompress(f.read_bytes())), lines=True) for f in FOLDER.iterdir()])

    return work


def _land() -> None:
    FOLDER.mkdir(parents=True, exist_ok=True)
    if len(list(FOLDER.iterdir())) == BATCHES:
        return
    share = EVENTS_A_BATCH // ORGS
    for number in range(BATCHES):
        start = dataset.FIRST_DAY + timedelta(minutes=5 * number)
        frames = [
            dataset.events(share, f"org{org:03}", start, timedelta(minutes=5), number * ORGS + org)
            for org in range(ORGS)
        ]
        lines = (msgspec.json.encode(row) for row in pl.concat(frames).iter_rows(named=True))
        Path(FOLDER / f"batch-{number:03}.ndjson.gz").write_bytes(gzip.compress(b"\n".join(lines), compresslevel=3))


if __name__ == "__main__":
    main()
