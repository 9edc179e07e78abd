"""Compaction: the same small files merged by our engine, by naive pyiceberg, by DuckDB's COPY and by bare polars.

Ours plans, rewrites, looks for doubles, reads back, compares with the checksums from the writing of the small files,
and commits. `ours_unproved` does not read back, and so shows the cost of the proof. DuckDB and polars only rewrite the
files and commit nothing: they are the limits.
"""

import atexit
import shutil
from collections import defaultdict
from collections.abc import Callable, Mapping, Sequence
from pathlib import Path
from typing import Any

import duckdb
import polars as pl
from pyiceberg.expressions import And, EqualTo, GreaterThanOrEqual, LessThan, Reference
from pyiceberg.expressions.literals import literal

from assets.compaction.rewrite import Compaction
from assets.windows import DAY, midnight
from benchmarks import dataset, measure
from resources.lake import LakeTable, PartitionKey, Rewritten, Source
from resources.lake.data_file import raw

CONTENDERS = ("ours", "ours_unproved", "naive_pyiceberg", "duckdb_copy", "polars_sink")
SIZES = {"large": (5, 2, 100, 2_000), "small": (2, 1, 100, 600)}
"""Organisations, days, files a partition, rows a file."""


def main() -> None:
    """Print the tables."""
    for size, (orgs, days, files, rows) in SIZES.items():
        opened, table = dataset.lake(f"lake-{size}", orgs, days, files, rows)
        total = sum(f.bytes for f in table.files()) / 1e6
        opened.close()
        measured = measure.contest("benchmarks.compaction", CONTENDERS, arguments=[size])
        ours = measured["ours"]
        measure.table(
            f"Compaction: {orgs * days * files * rows:,} events in {orgs * days * files:,} files, {total:,.0f} MB",
            ["contender", "seconds", "MB/s", "peak MB", "ours is … times as fast"],
            [
                [
                    name,
                    f"{m.seconds:.2f}",
                    f"{total / m.seconds:.1f}",
                    f"{m.peak_mb:,.0f}",
                    f"{m.seconds / ours.seconds:.2f}",
                ]
                for name, m in measured.items()
            ],
        )


def ours(size: str) -> Callable[[], Mapping[str, Any]]:
    opened, table = dataset.fresh_twin(f"lake-{size}", SIZES[size])
    atexit.register(opened.close)

    def work() -> Mapping[str, Any]:
        done = Compaction(table).run()
        return {"files_before": done.files_before, "files_after": done.files_after, "rows": done.rows}

    return work


def ours_unproved(size: str) -> Callable[[], None]:
    opened, table = dataset.fresh_twin(f"lake-{size}", SIZES[size])
    atexit.register(opened.close)
    table.__class__ = _Unproved

    def work() -> None:
        Compaction(table).run()

    return work


class _Unproved(LakeTable):
    """Does not read back what it has written."""

    def rewrite(
        self,
        key: PartitionKey,
        sources: Sequence[Source],
        rows: pl.LazyFrame | None = None,
        distinct: str | None = None,  # noqa: ARG002 (not checked here)
    ) -> Rewritten:
        table, layout = self.load(), self.layout
        absent = self._null_columns(layout, map(raw, sources))
        checksum = self._proof(table).left(sources, absent)
        path = self._new_location(table, key, checksum)
        rows = self.read(sources) if rows is None else rows
        columns = [name for name in layout.schema if name not in absent]
        self._sink(rows, path, columns, table).collect(engine="streaming")
        info = self.info(self._written(table, key, path))
        return Rewritten(info, checksum, checksum, info.rows)


def naive_pyiceberg(size: str) -> Callable[[], None]:
    """The way of its documentation: read a partition, overwrite it."""
    opened, table = dataset.fresh_twin(f"lake-{size}", SIZES[size])
    atexit.register(opened.close)
    keys = sorted({info.key for info in table.files()})

    def work() -> None:
        for key in keys:
            loaded = table.load()
            start = midnight(key.day)
            rows = And(
                EqualTo(term=Reference("org_tag"), value=literal(key.tenant)),
                GreaterThanOrEqual(term=Reference("timestamp"), value=literal(start.isoformat())),
                LessThan(term=Reference("timestamp"), value=literal((start + DAY).isoformat())),
            )
            loaded.overwrite(loaded.scan(row_filter=rows).to_arrow(), overwrite_filter=rows)

    return work


def duckdb_copy(size: str) -> Callable[[], None]:
    groups, folder = _groups(size), _folder("duckdb")

    def work() -> None:
        with duckdb.connect() as engine:
            engine.execute("set preserve_insertion_order = true")
            for number, paths in enumerate(groups.values()):
                source = engine.read_parquet(paths, hive_partitioning=False)
                source.to_parquet(str(folder / f"{number}.parquet"), compression="snappy")

    return work


def polars_sink(size: str) -> Callable[[], None]:
    groups, folder = _groups(size), _folder("polars")

    def work() -> None:
        for number, paths in enumerate(groups.values()):
            pl.scan_parquet(paths, hive_partitioning=False).sink_parquet(
                folder / f"{number}.parquet", compression="snappy"
            )

    return work


def _groups(size: str) -> dict[PartitionKey, list[str]]:
    opened, table = dataset.lake(f"lake-{size}", *SIZES[size])
    groups: dict[PartitionKey, list[str]] = defaultdict(list)
    for info in sorted(table.files(), key=lambda f: str(f.lowest)):
        groups[info.key].append(info.path.removeprefix("file://"))
    opened.close()
    return groups


def _folder(name: str) -> Path:
    folder = dataset.ROOT / "rewritten" / name
    shutil.rmtree(folder, ignore_errors=True)
    folder.mkdir(parents=True)
    return folder


if __name__ == "__main__":
    main()
