"""Reach: the files without which the snapshots of a table cannot be read.

What belongs here: what manifest lists and manifests name. What does not: listing a store, removing and copying.
"""

from collections.abc import Callable, Iterable
from itertools import chain, takewhile

from pyiceberg.table import Table
from pyiceberg.table.snapshots import Snapshot
from pyiceberg.utils.concurrent import ExecutorFactory

Named = dict[str, set[str]]
"""What each manifest names, by the manifest's location, so that one that several snapshots share is read once."""


def of_snapshot(
    table: Table, snapshot: Snapshot, named: Named, path: Callable[[str], str] = lambda location: location
) -> set[str]:
    """The manifest list, the manifests, the data and delete files of a snapshot, each as `path` makes it of a location.

    Raises:
        FileNotFoundError: a list or a manifest is gone, because the snapshot expired or the table is damaged.
    """
    listed = snapshot.manifests(table.io)
    unread = [m for m in listed if m.manifest_path not in named]
    entries = ExecutorFactory.get_or_create().map(lambda m: m.fetch_manifest_entry(table.io), unread)
    for manifest, of_manifest in zip(unread, entries, strict=True):
        named[manifest.manifest_path] = {path(e.data_file.file_path) for e in of_manifest}
    own = (path(m.manifest_path) for m in listed)
    return set(chain(own, [path(snapshot.manifest_list)], *(named[m.manifest_path] for m in listed)))


def in_order(table: Table) -> list[str]:
    """The locations of all files that one state of a table needs, each before those that name it: its metadata last.

    Raises:
        FileNotFoundError: as of `of_snapshot`.
    """
    metadata = table.metadata
    named: Named = {}
    reached = set().union(*(of_snapshot(table, snapshot, named) for snapshot in metadata.snapshots))
    lists = {snapshot.manifest_list for snapshot in metadata.snapshots}
    data = reached - lists - named.keys()
    statistics = {file.statistics_path for file in (*metadata.statistics, *metadata.partition_statistics)}
    return [*sorted(data | statistics), *sorted(named), *sorted(lists), table.metadata_location]


def folders(table: Table, locations: Iterable[str]) -> set[str]:
    """The folders of a table's files, and those that it writes to."""
    metadata = table.metadata
    written = (metadata.properties.get("write.data.path"), metadata.properties.get("write.metadata.path"))
    return {metadata.location, *filter(None, written), *(location.rpartition("/")[0] for location in locations)}


def common(folders: Iterable[str]) -> str:
    """The folder that some folders lie in.

    Raises:
        ValueError: they lie in stores of more than one kind.
    """
    paths = [folder.rstrip("/").split("/") for folder in folders]
    shared = takewhile(lambda segments: len(set(segments)) == 1, zip(*paths, strict=False))
    folder = "/".join(segments[0] for segments in shared)
    if not folder:
        raise ValueError("the files lie in stores of more than one kind")
    return folder
