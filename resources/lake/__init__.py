"""The lake: Iceberg tables over an object store.

What belongs here: opening a catalog (of ours in Postgres, or a REST catalog, under one contract suite), making a table
from a plain description, writing data files, committing them so that exactly one commit is visible, finding the files
that a query needs. What does not: which tables there are, what their columns mean, when files are merged.
"""

from resources.lake.changes import History, LiveFile, SnapshotInfo
from resources.lake.checksum import hash_mark
from resources.lake.columns import Column, ColumnType, TableSpec
from resources.lake.commit import CommitUnknownError, FencedOffError, RolledBackError, SourcesGoneError
from resources.lake.contents import Rewritten
from resources.lake.data_file import DataFile, FileInfo, ForeignPartitionError, PartitionKey, Source, raw
from resources.lake.handover import Promised
from resources.lake.kept_hashes import Hashes, KeptHashes
from resources.lake.lake import Lake
from resources.lake.layout import Layout, LayoutError
from resources.lake.planning import SnapshotGoneError
from resources.lake.proof import DamagedFilesError
from resources.lake.stream_table import StreamTable
from resources.lake.table import LakeTable

__all__ = [
    "Column",
    "ColumnType",
    "CommitUnknownError",
    "DamagedFilesError",
    "DataFile",
    "FencedOffError",
    "FileInfo",
    "ForeignPartitionError",
    "Hashes",
    "History",
    "KeptHashes",
    "Lake",
    "LakeTable",
    "Layout",
    "LayoutError",
    "LiveFile",
    "PartitionKey",
    "Promised",
    "Rewritten",
    "RolledBackError",
    "SnapshotGoneError",
    "SnapshotInfo",
    "Source",
    "SourcesGoneError",
    "StreamTable",
    "TableSpec",
    "hash_mark",
    "raw",
]
