"""Archiving: the events of a lake as gzip JSON lines, by our engine and by DuckDB's COPY.

Ours reads the lake, packs, computes the checksum of every line, puts the parts, reads them back, compares, writes the
manifest and seals. DuckDB only copies, one file for each organisation, like our buckets. The costs of the checksum and
of reading back are shown apart, and so is the memory for ten times the rows.
"""

import shutil
import time
from collections.abc import Callable, Mapping
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import duckdb

from assets.apps.clearlift import APP as CLEARLIFT
from assets.archive.quarters import Quarter
from assets.archive.tables import archived
from assets.archive.write import Archiver
from assets.rows.lake import LakeSource
from assets.rows.lines import checksum, encode
from benchmarks import dataset, measure
from resources.r2 import FolderObjectStore

CONTENDERS = ("ours", "duckdb_copy")
SIZES = {"small": (2, 1, 2, 25_000), "large": (2, 5, 2, 50_000)}
"""Organisations, days, files a partition, rows a file."""
QUARTER = Quarter(2026, 1)
NOW = datetime(2026, 7, 1, tzinfo=UTC)


def main() -> None:
    """Print the tables."""
    shown = []
    for size, (orgs, days, files, rows) in SIZES.items():
        dataset.lake(f"archive-{size}", orgs, days, files, rows)[0].close()
        measured = measure.contest("benchmarks.archive", CONTENDERS, runs=3 if size == "small" else 1, arguments=[size])
        ours, copy = measured["ours"], measured["duckdb_copy"]
        # COPY does not read back.
        written = ours.seconds - ours.details["read_back"]
        events = orgs * days * files * rows
        shown.append(
            [
                f"{events:,}",
                f"{ours.seconds:.1f}",
                f"{written:.1f}",
                f"{ours.details['read_back']:.1f}",
                f"{ours.details['checksum_share'] * 100:.0f} %",
                f"{copy.seconds:.1f}",
                f"{copy.seconds / written:.2f}",
                f"{copy.seconds / ours.seconds:.2f}",
                f"{ours.details['bytes'] / copy.details['bytes']:.2f}",
                f"{ours.peak_mb:,.0f}",
                f"{copy.peak_mb:,.0f}",
            ]
        )
    measure.table(
        "Archive: events as gzip JSON lines (seconds; goal: writing at 0.8 or more of COPY's speed)",
        [
            *("events", "ours", "of it writing", "reading back", "checksum of encoding", "DuckDB COPY"),
            *(
                "writing is … times as fast",
                "all of it is … times as fast",
                "bytes beside COPY",
                "peak MB",
                "COPY's MB",
            ),
        ],
        shown,
    )


def ours(size: str) -> Callable[[], Mapping[str, Any]]:
    opened, table = dataset.lake(f"archive-{size}", *SIZES[size])
    opened.postgres.execute("truncate archive.revisions")
    store = FolderObjectStore(_folder("ours"))
    engine = Archiver(
        app=CLEARLIFT.name,
        lifecycle=archived(CLEARLIFT, "events"),
        open_source=lambda _: LakeSource(table),
        store=store,
        postgres=opened.postgres,
        clock=lambda: NOW,
    )

    share = _checksum_share(LakeSource(table))

    def work() -> Mapping[str, Any]:
        done = engine.run(QUARTER)
        opened.close()
        return {"read_back": done.read_back_seconds, "bytes": done.packed_bytes, "checksum_share": share}

    return work


def duckdb_copy(size: str) -> Callable[[], Mapping[str, Any]]:
    opened, table = dataset.lake(f"archive-{size}", *SIZES[size])
    paths: dict[str, list[str]] = {}
    for info in table.files():
        paths.setdefault(info.key.tenant, []).append(info.path.removeprefix("file://"))
    opened.close()
    folder = _folder("copy")

    def work() -> Mapping[str, Any]:
        targets: list[Path] = []
        with duckdb.connect() as engine:
            for tenant, files in paths.items():
                targets.append(folder / f"{tenant}.json.gz")
                source = engine.read_parquet(sorted(files), hive_partitioning=False)
                source.query("rows", f"copy rows to '{targets[-1]}' (format json, compression gzip)")
        return {"bytes": sum(t.stat().st_size for t in targets)}

    return work


def _folder(name: str) -> Path:
    folder = dataset.ROOT / "archived" / name
    shutil.rmtree(folder, ignore_errors=True)
    folder.mkdir(parents=True)
    return folder


def _checksum_share(source: LakeSource) -> float:
    """The time for the checksums of lines, as a share of the time to encode them, over one frame."""
    frame = next(source.read(source.slices(QUARTER.window)[0]))
    started = time.perf_counter()
    lines = encode(frame, source.columns)
    encoded = time.perf_counter()
    checksum(lines)
    return (time.perf_counter() - encoded) / (encoded - started)


if __name__ == "__main__":
    main()
