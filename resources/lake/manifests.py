"""Manifest rewriting: many small manifests become few, sorted by partition, so that planning opens only those it needs.

The data files stay as they are, and each keeps its snapshot and sequence number. pyiceberg 0.12 cannot do it.
"""

import itertools
import uuid
from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from typing import Any, cast

from pyiceberg.avro.codecs import AvroCompressionCodec
from pyiceberg.io import FileIO
from pyiceberg.manifest import ManifestContent, ManifestEntry, ManifestFile, write_manifest
from pyiceberg.table import Table, Transaction
from pyiceberg.table.snapshots import Operation, Summary
from pyiceberg.table.update.snapshot import _FastAppendFiles
from pyiceberg.utils.concurrent import ExecutorFactory

from resources.lake import commit
from resources.lake.commit import SourcesGoneError
from resources.lake.table import LakeTable


@dataclass(frozen=True)
class RewriteLimits:
    """When a rewrite is worth its cost.

    A manifest of half to twice `entries` stays as it is. A rewrite must save `saved` manifests or more. pyiceberg
    decodes 30,000 entries a second and opens a manifest in 1 ms, or in 30 to 100 ms over S3.
    """

    entries: int = 1000
    saved: int = 8


@dataclass(frozen=True)
class ManifestPlan:
    """The manifests to rewrite (paths), the number of all manifests now, and their number after the rewrite."""

    rewritten: tuple[str, ...]
    before: int
    after: int

    def __bool__(self) -> bool:
        return bool(self.rewritten)


def plan(table: LakeTable, limits: RewriteLimits = RewriteLimits()) -> ManifestPlan:
    """What a rewrite would do now; a plan that is false does nothing."""
    return _plan(_manifests(table.load()), limits)[0]


def rewrite(
    table: LakeTable, limits: RewriteLimits = RewriteLimits(), properties: Mapping[str, str] | None = None
) -> tuple[ManifestPlan, int | None]:
    """Rewrite what is worth it, in one snapshot (operation `replace`); returns the plan and the snapshot's id.

    Raises:
        SourcesGoneError: another commit rewrote a manifest of the plan meanwhile; nothing was changed.
    """
    live = table.load()
    planned, chosen = _plan(_manifests(live), limits)
    if not planned:
        return planned, None
    # Written before the lock is taken: manifests never change, so the commit only checks that they are still there.
    snapshot_id = live.metadata.new_snapshot_id()
    written = list(_written(live, chosen, limits, snapshot_id))
    commit_id = str(uuid.uuid4())

    def build(transaction: Transaction) -> None:
        described = {**(properties or {}), commit.COMMIT_ID: commit_id}
        _PutManifests(transaction, live.io, snapshot_id, set(planned.rewritten), written, described).commit()

    return planned, commit.land(table.load, table.lock, build, commit_id)


class _PutManifests(_FastAppendFiles):
    """A snapshot of the same files with other manifests."""

    def __init__(
        self,
        transaction: Transaction,
        io: FileIO,
        snapshot_id: int,
        old: set[str],
        new: Sequence[ManifestFile],
        properties: dict[str, str],
    ) -> None:
        super().__init__(operation=Operation.APPEND, transaction=transaction, io=io, snapshot_properties=properties)
        self._snapshot_id = snapshot_id  # the one in the entries of `new`
        self._old = old
        self._new = new

    def _existing_manifests(self) -> list[ManifestFile]:
        live = super()._existing_manifests()
        missing = self._old - {m.manifest_path for m in live}
        if missing:
            raise SourcesGoneError(f"{len(missing)} of {len(self._old)} manifests to rewrite are no longer there")
        return [*self._new, *(m for m in live if m.manifest_path not in self._old)]

    def _summary(self, snapshot_properties: Mapping[str, str] = {}) -> Summary:
        summary = super()._summary(dict(snapshot_properties))
        return Summary(Operation.REPLACE, **summary.additional_properties)


def _manifests(table: Table) -> list[ManifestFile]:
    snapshot = table.current_snapshot()
    return snapshot.manifests(table.io) if snapshot is not None else []


def _plan(manifests: Sequence[ManifestFile], limits: RewriteLimits) -> tuple[ManifestPlan, list[ManifestFile]]:
    counts = {
        m.manifest_path: (m.added_files_count or 0) + (m.existing_files_count or 0)
        for m in manifests
        if m.content == ManifestContent.DATA
    }
    chosen = [
        m
        for m in manifests
        if (count := counts.get(m.manifest_path)) and (2 * count < limits.entries or count > 2 * limits.entries)
    ]
    specs = {m.partition_spec_id for m in chosen}
    after = sum(
        len(_cuts(sum(counts[m.manifest_path] for m in chosen if m.partition_spec_id == spec), limits.entries))
        for spec in specs
    )
    large = any(counts[m.manifest_path] > 2 * limits.entries for m in chosen)
    if len(chosen) - after < limits.saved and not large:
        return ManifestPlan((), len(manifests), len(manifests)), []
    paths = tuple(m.manifest_path for m in chosen)
    return ManifestPlan(paths, len(manifests), len(manifests) - len(chosen) + after), chosen


def _cuts(total: int, entries: int) -> list[tuple[int, int]]:
    """Ranges of nearly equal length, none longer than `entries`."""
    number = -(-total // entries)
    return [(total * i // number, total * (i + 1) // number) for i in range(number)]


def _written(
    table: Table, chosen: Iterable[ManifestFile], limits: RewriteLimits, snapshot_id: int
) -> Iterator[ManifestFile]:
    by_spec: dict[int, list[ManifestEntry]] = {}
    chosen = list(chosen)
    fetched = ExecutorFactory.get_or_create().map(lambda m: m.fetch_manifest_entry(table.io), chosen)
    for manifest, entries in zip(chosen, fetched, strict=True):
        by_spec.setdefault(manifest.partition_spec_id, []).extend(entries)
    metadata = table.metadata
    codec = metadata.properties.get("write.avro.compression-codec", "gzip")
    name = uuid.uuid4()
    numbers = itertools.count()
    for spec_id, entries in sorted(by_spec.items()):
        entries.sort(key=_by_partition)
        for start, end in _cuts(len(entries), limits.entries):
            path = table.location_provider().new_metadata_location(f"{name}-m{next(numbers)}.avro")
            with write_manifest(
                format_version=metadata.format_version,
                spec=metadata.specs()[spec_id],
                schema=metadata.schema(),
                output_file=table.io.new_output(path),
                snapshot_id=snapshot_id,
                avro_compression=cast(AvroCompressionCodec, codec),
            ) as writer:
                for entry in entries[start:end]:
                    writer.existing(entry)
            yield writer.to_manifest_file()


def _by_partition(entry: ManifestEntry) -> tuple[Any, ...]:
    """The last partition field comes first: day, then tenant, because queries are for few days."""
    partition = entry.data_file.partition
    values = (partition[i] for i in reversed(range(len(partition))))
    return (*((value is not None, value) for value in values), entry.data_file.file_path)
