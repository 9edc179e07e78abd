"""The sweep: files below a table that no kept snapshot reaches, and their removal.

The order makes it safe beside writers: list first, then see what the table reaches. A file is written before a commit
names it, so only what is older than the longest run may go: `before` has to leave that time.
"""

from collections import Counter
from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from datetime import UTC, datetime
from itertools import chain

from pyarrow import fs
from pyiceberg.io.pyarrow import PyArrowFileIO
from pyiceberg.table import Table
from pyiceberg.table.snapshots import Snapshot
from pyiceberg.utils.concurrent import ExecutorFactory

from resources.lake.table import LakeTable

# What Iceberg writes. Anything else below a table is another's and stays.
KINDS = {
    ".parquet": "data",
    ".orc": "data",
    ".metadata.json": "metadata",
    ".avro": "manifests",
    ".stats": "statistics",
    ".puffin": "statistics",
}
LOOKS = 3
NEVER = datetime.max.replace(tzinfo=UTC)  # of what the store does not tell an age: it is never old enough


class MissingFilesError(RuntimeError):
    """Files that the table names are not in the listing: it is damaged, or lies elsewhere than it seems."""


@dataclass(frozen=True)
class Stored:
    """A listed file: its path in the store, bytes, and the time that the store says it was written (UTC)."""

    path: str
    bytes: int
    modified: datetime

    @property
    def kind(self) -> str | None:
        """What it is to Iceberg; None where it is nothing of it."""
        return next((kind for ending, kind in KINDS.items() if self.path.endswith(ending)), None)


@dataclass(frozen=True)
class Survey:
    """What lies below a table. `reached` files are in use, `old` ones nobody's, `young` ones may be of a commit in
    flight, `foreign` ones not Iceberg's; `missing` are paths that the table names and the listing lacks.
    """

    reached: tuple[Stored, ...]
    old: tuple[Stored, ...]
    young: tuple[Stored, ...]
    foreign: tuple[Stored, ...]
    missing: tuple[str, ...]

    def require_whole(self) -> None:
        """That no file is missing.

        Raises:
            MissingFilesError: some are; the text names one.
        """
        if self.missing:
            raise MissingFilesError(
                f"{len(self.missing)} files that the table names are missing, e.g. {self.missing[0]}; "
                "nothing was removed"
            )


def survey(table: LakeTable, before: datetime) -> Survey:
    """List the files below the table and sort them; `old` were last written before `before`."""
    earlier = table.load()
    listed = list(_listed(earlier))
    now, reached = _reach(table)
    # Named before the listing and still named after it: in between it was there, whoever wrote or expired.
    lasting = {s.snapshot_id for s in earlier.metadata.snapshots} & reached.keys()
    named = set().union(*(reached[snapshot_id] for snapshot_id in lasting))
    needed = set().union(*reached.values(), _own_files(now))
    known = {file.path for file in listed}
    groups: dict[str, list[Stored]] = {"reached": [], "old": [], "young": [], "foreign": []}
    for file in listed:
        if file.path in needed:
            groups["reached"].append(file)
        elif file.kind is None or (file.kind == "metadata" and not now.metadata_location):
            groups["foreign"].append(file)
        else:
            groups["old" if file.modified < before else "young"].append(file)
    return Survey(
        reached=tuple(groups["reached"]),
        old=tuple(groups["old"]),
        young=tuple(groups["young"]),
        foreign=tuple(groups["foreign"]),
        missing=tuple(sorted(named - known)),
    )


def remove(table: LakeTable, found: Survey) -> int:
    """Remove the `old` files of a survey; returns how many were still there.

    Raises:
        MissingFilesError: the table names files that the listing lacks; nothing was removed.
    """
    found.require_whole()
    live = table.load()
    filesystem, _ = _place(live, live.metadata.location)
    return sum(ExecutorFactory.get_or_create().map(lambda file: _removed(filesystem, file.path), found.old))


def counted(files: Iterable[Stored]) -> dict[str, int]:
    """How many files of each kind, and their bytes together."""
    files = list(files)
    kinds = Counter(file.kind or "foreign" for file in files)
    return {**dict(sorted(kinds.items())), "bytes": sum(file.bytes for file in files)}


def _removed(filesystem: fs.FileSystem, path: str) -> bool:
    try:
        filesystem.delete_file(path)
    except FileNotFoundError:
        return False  # another sweep was faster
    return True


def _listed(table: Table) -> Iterator[Stored]:
    properties = table.metadata.properties
    named = (table.metadata.location, properties.get("write.data.path"), properties.get("write.metadata.path"))
    places = [_place(table, location) for location in named if location]
    if any(filesystem.type_name != places[0][0].type_name for filesystem, _ in places):
        raise ValueError(f"{'.'.join(table.name())} lies in more than one kind of store; list each by itself")
    roots = {root for _, root in places}
    filesystem = places[0][0]
    for root in roots:
        if any(root.startswith(f"{other}/") for other in roots):
            continue
        for info in filesystem.get_file_info(fs.FileSelector(root, recursive=True, allow_not_found=True)):
            if info.type == fs.FileType.File:
                yield Stored(info.path, info.size, info.mtime or NEVER)


def _place(table: Table, location: str) -> tuple[fs.FileSystem, str]:
    """pyarrow's file system of a location, with the credentials that came with the table, and the path in it."""
    if not isinstance(table.io, PyArrowFileIO):
        raise TypeError(f"{type(table.io).__name__} cannot list files; the lake needs pyiceberg's PyArrowFileIO")
    scheme, netloc, path = table.io.parse_location(location, table.io.properties)
    return table.io.fs_by_scheme(scheme, netloc), path.rstrip("/")


def _reach(table: LakeTable) -> tuple[Table, dict[int, set[str]]]:
    """The table as it is now, and the files that each of its snapshots reaches."""
    manifests: dict[str, set[str]] = {}
    for look in range(LOOKS):
        now = table.load()
        try:
            return now, {s.snapshot_id: _reached(now, s, manifests) for s in now.metadata.snapshots}
        except FileNotFoundError:
            # Expired and swept by another meanwhile; a table that is the same as before has lost a manifest.
            if look == LOOKS - 1 or table.load().metadata_location == now.metadata_location:
                raise
    raise AssertionError


def _reached(table: Table, snapshot: Snapshot, manifests: dict[str, set[str]]) -> set[str]:
    listed = snapshot.manifests(table.io)
    unread = [m for m in listed if m.manifest_path not in manifests]
    entries = ExecutorFactory.get_or_create().map(lambda m: m.fetch_manifest_entry(table.io), unread)
    for manifest, found in zip(unread, entries, strict=True):
        manifests[manifest.manifest_path] = {_path(table, e.data_file.file_path) for e in found}
    own = (_path(table, m.manifest_path) for m in listed)
    return set(chain(own, [_path(table, snapshot.manifest_list)], *(manifests[m.manifest_path] for m in listed)))


def _own_files(table: Table) -> set[str]:
    """Metadata and statistics files that the table's metadata names."""
    metadata = table.metadata
    locations = [
        table.metadata_location,
        *(entry.metadata_file for entry in metadata.metadata_log),
        *(file.statistics_path for file in metadata.statistics),
        *(file.statistics_path for file in metadata.partition_statistics),
    ]
    return {_path(table, location) for location in locations if location}


def _path(table: Table, location: str) -> str:
    return _place(table, location)[1]
