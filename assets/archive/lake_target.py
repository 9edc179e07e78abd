"""Restoring into a lake table: all rows of a bucket in one commit."""

import uuid
from collections.abc import Iterable, Sequence
from dataclasses import replace

import polars as pl

from assets.apps import App
from assets.archive.late import Known
from assets.archive.lines import Column
from assets.archive.targets import Into
from assets.events import pruned
from assets.windows import day_window
from resources.lake import DataFile, Lake, LakeTable, PartitionKey, TableSpec
from resources.postgres import Postgres

RESTORED = "restored"


class LakeTarget:
    """The live table, or one beside it whose name ends in `_restored`, made on first use."""

    def __init__(
        self, app: App, lake: Lake, postgres: Postgres, spec: TableSpec, into: Into, key: Sequence[str]
    ) -> None:
        side = replace(spec, name=f"{spec.name}_{RESTORED}", folder=f"{spec.folder}_{RESTORED}")
        self._app = app
        self._spec = spec if into == "live" else side
        self.into: Into = into
        self._lake = lake
        self._postgres = postgres if into == "live" else None
        self._key = [name for name in key if name != spec.tenant]

    @property
    def name(self) -> str:
        return ".".join(self._spec.identifier)

    def put(self, frames: Iterable[pl.DataFrame], columns: Sequence[Column]) -> int:
        """One commit: rows become readable together, when those of erased people are long left out."""
        table = self._lake.ensure(self._spec)
        names = [c.name for c in self._spec.columns]
        missing = [n for n in names if n not in {c.name for c in columns}]
        there: dict[PartitionKey, Known] = {}
        files: list[DataFile] = []
        for frame in frames:
            rows = frame.with_columns(pl.lit(None).alias(n) for n in missing).select(names)
            for key, part in _partitions(rows, self._spec):
                if key not in there:
                    there[key] = self._known(table, key)
                late = there[key].late(part, self._key).unique(self._key, keep="first", maintain_order=True)
                if not late.is_empty():
                    files += table.write([(key, late)])
                    there[key] = there[key].joined_by(late, self._key)
        if files:
            # A restore that is killed after its commit finds the keys there when it is run again.
            table.append(files, str(uuid.uuid4()), {pruned.WRITER: pruned.RESTORE})
        if self._postgres is not None:
            # A bucket is all that its quarter had, so that it may be counted again. A second restore says it too.
            pruned.restored(self._postgres, self._app, there)
        return sum(f.record_count for f in files)

    def _known(self, table: LakeTable, key: PartitionKey) -> Known:
        window = day_window(key.day)
        found = table.scan(window.start, window.end, [key.tenant]).select(self._key)
        return Known.keys([found.collect(engine="streaming")], self._key)


def _partitions(rows: pl.DataFrame, spec: TableSpec) -> Iterable[tuple[PartitionKey, pl.DataFrame]]:
    day = pl.col(spec.time).dt.date().alias("\0day")
    parts = rows.with_columns(day).partition_by(spec.tenant, "\0day", as_dict=True, maintain_order=True)
    for (tenant, at), part in parts.items():
        yield PartitionKey(str(tenant), at), part.drop("\0day")
