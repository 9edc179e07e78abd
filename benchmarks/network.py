"""Ingest into a store that is far away: 5-minute sets of many organisations, with requests counted by class.

The store is a stand-in on loopback that waits before each answer. The first set falls on empty partitions, the second
on the same ones, so that each of its events may be a double of a stored one. The Postgres of the catalog and the ledger
is near.
"""

import atexit
import gzip
import shutil
import time
import uuid
from collections import Counter
from collections.abc import Callable, Mapping
from contextlib import ExitStack
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

import msgspec
import polars as pl

from assets.apps.clearlift import APP as CLEARLIFT
from assets.events import landing
from assets.events.ingest import Ingest
from assets.events.validation import Admission
from benchmarks import dataset, measure
from benchmarks.dataset import EVENTS
from tests.standin import far_s3

WAIT_MS = 60
ORGS, DAYS, EVENTS_EACH, OBJECTS = 1_000, 2, 150, 60
SETS = 2


def main() -> None:
    """Print the table."""
    measured = measure.contest("benchmarks.network", ["ours"], runs=1)["ours"]
    rows = []
    for number, found in enumerate(measured.details["sets"], start=1):
        requests = ", ".join(f"{name} {count:,}" for name, count in sorted(found["requests"].items()))
        rows.append(
            [
                str(number),
                f"{found['seconds']:.1f}",
                f"{found['megabytes'] / found['seconds']:.0f}",
                f"{found['files']:,}",
                f"{_class_a(found['requests']) / max(1, found['files']):.2f}",
                requests,
            ]
        )
    measure.table(
        f"Ingest over {WAIT_MS} ms: sets of {ORGS * DAYS * EVENTS_EACH:,} events, {ORGS:,} organisations, {DAYS} days;"
        f" peak {measured.peak_mb:,.0f} MB, CPU {measured.cpu:.0f} s",
        ["set", "s", "MB/s of lines", "data files", "class A a data file", "requests"],
        rows,
    )


def ours(orgs: str = str(ORGS), wait_ms: str = str(WAIT_MS)) -> Callable[[], Mapping[str, Any]]:
    """Ingest runs of one set after another, until nothing waits."""
    folders = [_made(int(orgs), number) for number in range(SETS)]
    open_until_exit = ExitStack()
    atexit.register(open_until_exit.close)
    server = open_until_exit.enter_context(far_s3.served())
    name = f"network-{uuid.uuid4()}"
    open_until_exit.callback(shutil.rmtree, dataset.ROOT / name)
    opened = open_until_exit.enter_context(
        dataset.stores(
            name,
            r2_bucket="lake",
            r2_endpoint=server.url,
            r2_access_key_id="key",
            r2_secret_access_key="secret",
        )
    )
    admitted = {_org(n): True for n in range(int(orgs))}
    engine = Ingest(
        CLEARLIFT,
        opened.lake.table(EVENTS),
        opened.object_store,
        opened.postgres,
        lambda at: Admission(admitted, dataset.FIRST_DAY, at),
        lambda: datetime.now(UTC),
        lambda: opened.keyring,
        opened.copies,
    )

    def one(number: int) -> Mapping[str, Any]:
        server.wait(0)
        prefix = landing.zone(CLEARLIFT).hour_prefix(datetime.now(UTC))
        for file in sorted(folders[number].iterdir()):
            opened.object_store.put(f"{prefix}{number}-{file.name}", file.read_bytes())
        server.wait(int(wait_ms))
        server.reset()
        started, stored, files, runs = time.perf_counter(), 0, 0, 0
        while (run := engine.run()).batches:
            stored, files, runs = stored + run.total("stored"), files + run.files, runs + 1
        seconds = time.perf_counter() - started
        assert stored == int(orgs) * DAYS * EVENTS_EACH
        text = sum(len(gzip.decompress(file.read_bytes())) for file in folders[number].iterdir())
        return {
            "seconds": seconds,
            "files": files,
            "runs": runs,
            "megabytes": text / 1e6,
            "requests": server.counts(),
        }

    return lambda: {"sets": [one(number) for number in range(SETS)]}


def _class_a(requests: Mapping[str, int]) -> int:
    return sum(count for name, count in Counter(requests).items() if name.startswith("A "))


def _org(number: int) -> str:
    return f"org{number:04}"


def _made(orgs: int, number: int) -> Path:
    """The folder of a set, made once: every object has events of all organisations and of the days."""
    folder = dataset.ROOT / f"network-{orgs}-{number}"
    if folder.exists():
        return folder
    frames = [
        dataset.events(
            EVENTS_EACH,
            _org(org),
            dataset.FIRST_DAY + timedelta(days=day, minutes=5 * number),
            timedelta(minutes=5),
            (number * orgs + org) * DAYS + day,
        )
        for org in range(orgs)
        for day in range(DAYS)
    ]
    events = pl.concat(frames).sample(fraction=1.0, shuffle=True, seed=number)
    unfinished = folder.with_name(f"{folder.name}-unfinished")
    shutil.rmtree(unfinished, ignore_errors=True)
    unfinished.mkdir(parents=True)
    share = -(-events.height // OBJECTS)
    for part, frame in enumerate(events.iter_slices(share)):
        lines = b"\n".join(msgspec.json.encode(row) for row in frame.iter_rows(named=True))
        (unfinished / f"batch-{part:03}.ndjson.gz").write_bytes(gzip.compress(lines, compresslevel=3))
    unfinished.rename(folder)
    return folder


if __name__ == "__main__":
    main()
