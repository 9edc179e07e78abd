"""The lake: Iceberg tables over an object store.

What belongs here: opening a catalog, creating a table from a plain description, writing data files, committing them
(append, replace) so that exactly one commit is visible, and saying which files a query needs. What does not: which
tables exist, what their columns mean, when files are merged.
"""

from resources.lake.columns import Column, Kind, TableSpec
from resources.lake.commit import CommitUnknownError, FencedOffError, SourcesGoneError
from resources.lake.data_file import DataFile, FileInfo, PartitionKey
from resources.lake.lake import Lake
from resources.lake.proof import DamagedFilesError
from resources.lake.table import LakeTable, Rewritten, SnapshotInfo

__all__ = [
    "Column",
    "CommitUnknownError",
    "DamagedFilesError",
    "DataFile",
    "FencedOffError",
    "FileInfo",
    "Kind",
    "Lake",
    "LakeTable",
    "PartitionKey",
    "Rewritten",
    "SnapshotInfo",
    "SourcesGoneError",
    "TableSpec",
]
