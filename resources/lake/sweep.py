"""The sweep: finds files below a table that no kept snapshot needs, and removes them.

The order makes it safe while others write: it lists first, then reads what the table needs. A file is written before a
commit names it. So only files older than the longest run may be removed: `before` must leave that time.
"""

from collections import Counter
from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass
from datetime import UTC, datetime
from functools import partial
from typing import Self

from pyarrow import fs
from pyiceberg.table import Table
from pyiceberg.utils.concurrent import ExecutorFactory

from resources.counts import counted
from resources.lake import reach
from resources.lake.file_system import file_system
from resources.lake.table import LakeTable

# The files that Iceberg writes. All others below a table are foreign and stay.
KINDS = {
    ".parquet": "data",
    ".orc": "data",
    ".metadata.json": "metadata",
    ".avro": "manifests",
    ".stats": "statistics",
    ".puffin": "statistics",
}
LOOKS = 3
UNKNOWN_AGE = datetime.max.replace(tzinfo=UTC)  # never old enough


class MissingFilesError(RuntimeError):
    """The listing lacks files that the table names: the table is damaged, or its files are in another place."""


@dataclass(frozen=True)
class StoredFile:
    """A listed file: its path in the store, bytes, and its time of writing by the store (UTC)."""

    path: str
    bytes: int
    modified: datetime

    @property
    def kind(self) -> str | None:
        """What Iceberg uses it for; None for a foreign file."""
        return next((kind for ending, kind in KINDS.items() if self.path.endswith(ending)), None)


@dataclass(frozen=True)
class FileSurvey:
    """The files below a table, or several.

    `reached`: a kept snapshot needs them. `old`: none needs them. `young`: none needs them yet, but a running commit
    may. `foreign`: not Iceberg's. `missing`: paths that the table names and the listing lacks.
    """

    reached: tuple[StoredFile, ...]
    old: tuple[StoredFile, ...]
    young: tuple[StoredFile, ...]
    foreign: tuple[StoredFile, ...]
    missing: tuple[str, ...]

    @classmethod
    def together(cls, several: Sequence[Self]) -> Self:
        """The files below several tables."""
        return cls(
            reached=tuple(file for one in several for file in one.reached),
            old=tuple(file for one in several for file in one.old),
            young=tuple(file for one in several for file in one.young),
            foreign=tuple(file for one in several for file in one.foreign),
            missing=tuple(path for one in several for path in one.missing),
        )

    def require_whole(self) -> None:
        """Check that no file is missing.

        Raises:
            MissingFilesError: files are missing; the message names one.
        """
        if self.missing:
            raise MissingFilesError(
                f"{counted(len(self.missing), 'file')} of the table missing, e.g. {self.missing[0]}; "
                "nothing was removed"
            )


def survey(table: LakeTable, before: datetime) -> FileSurvey:
    """List the files below the table and sort them into groups; `old` ones were written before `before`."""
    earlier = table.load()
    listed = list(_listed(earlier))
    now, reached = reach_of(table)
    # A file that is named before and after the listing was there in between, even if others wrote or expired meanwhile.
    lasting = {s.snapshot_id for s in earlier.metadata.snapshots} & reached.keys()
    named = set().union(*(reached[snapshot_id] for snapshot_id in lasting))
    needed = set().union(*reached.values(), _own_files(now))
    known = {file.path for file in listed}
    groups: dict[str, list[StoredFile]] = {"reached": [], "old": [], "young": [], "foreign": []}
    for file in listed:
        if file.path in needed:
            groups["reached"].append(file)
        elif file.kind is None or (file.kind == "metadata" and not now.metadata_location):
            groups["foreign"].append(file)
        else:
            groups["old" if file.modified < before else "young"].append(file)
    return FileSurvey(
        reached=tuple(groups["reached"]),
        old=tuple(groups["old"]),
        young=tuple(groups["young"]),
        foreign=tuple(groups["foreign"]),
        missing=tuple(sorted(named - known)),
    )


def remove(table: LakeTable, files: FileSurvey) -> int:
    """Remove the `old` files of a survey; returns how many were still there.

    Raises:
        MissingFilesError: the listing lacks files that the table names; nothing was removed.
    """
    files.require_whole()
    return delete(table, (file.path for file in files.old))


def delete(table: LakeTable, paths: Iterable[str]) -> int:
    """Delete files by their paths in the store, which the caller knows that nobody needs; how many were still there."""
    live = table.load()
    filesystem, _ = file_system(live, live.metadata.location)
    return sum(ExecutorFactory.get_or_create().map(lambda path: _removed(filesystem, path), paths))


def location(table: Table, path: str) -> str:
    """The location of a path in the store of a table, as the table would name it."""
    scheme, colon, _ = table.metadata.location.partition("://")
    return path if not colon or scheme == "file" else f"{scheme}://{path}"


def path_of(table: Table, location: str) -> str:
    """The path in the store of a location that a table names."""
    return file_system(table, location)[1]


def tally(files: Iterable[StoredFile]) -> dict[str, int]:
    """The number of files of each kind, and the bytes of all."""
    files = list(files)
    kinds = Counter(file.kind or "foreign" for file in files)
    return {**dict(sorted(kinds.items())), "bytes": sum(file.bytes for file in files)}


def _removed(filesystem: fs.FileSystem, path: str) -> bool:
    try:
        filesystem.delete_file(path)
    except FileNotFoundError:
        return False  # another sweep removed it
    return True


def _listed(table: Table) -> Iterator[StoredFile]:
    properties = table.metadata.properties
    locations = (table.metadata.location, properties.get("write.data.path"), properties.get("write.metadata.path"))
    roots = [file_system(table, location) for location in locations if location]
    if any(filesystem.type_name != roots[0][0].type_name for filesystem, _ in roots):
        raise ValueError(
            f"{'.'.join(table.name())} is in stores of more than one kind; their files cannot be listed together"
        )
    filesystem = roots[0][0]
    paths = {path for _, path in roots}
    for path in paths:
        if any(path.startswith(f"{other}/") for other in paths):
            continue
        for info in filesystem.get_file_info(fs.FileSelector(path, recursive=True, allow_not_found=True)):
            if info.type == fs.FileType.File:
                yield StoredFile(info.path, info.size, info.mtime or UNKNOWN_AGE)


def reach_of(table: LakeTable) -> tuple[Table, dict[int, set[str]]]:
    """The table as it is now, and the files that each of its snapshots needs, as paths in the store."""
    named: reach.Named = {}
    for look in range(LOOKS):
        now = table.load()
        try:
            path = partial(path_of, now)
            return now, {s.snapshot_id: reach.of_snapshot(now, s, named, path) for s in now.metadata.snapshots}
        except FileNotFoundError:
            # Another process expired and swept meanwhile. If the table is unchanged, a manifest is lost.
            if look == LOOKS - 1 or table.load().metadata_location == now.metadata_location:
                raise
    raise AssertionError


def _own_files(table: Table) -> set[str]:
    """Metadata and statistics files that the table's metadata names."""
    metadata = table.metadata
    locations = [
        table.metadata_location,
        *(entry.metadata_file for entry in metadata.metadata_log),
        *(file.statistics_path for file in metadata.statistics),
        *(file.statistics_path for file in metadata.partition_statistics),
    ]
    return {path_of(table, location) for location in locations if location}
