"""R2: one contract (`ObjectStore`) with two rooms, a local folder and a bucket, and SQL over a bucket's tables.

What belongs here: storing and listing objects, the access of other engines to them, R2 SQL as a read path. What does
not: which keys exist and what is in them, Iceberg (resources/lake).
"""

from resources.r2.aggregates import Measure
from resources.r2.bucket import BucketObjectStore
from resources.r2.engines import Bucket, leave_out_checksums, polars_options
from resources.r2.folder import FolderObjectStore
from resources.r2.keys import checked_key
from resources.r2.objects import NO_BUCKET
from resources.r2.protocol import ObjectInfo, ObjectNotFoundError, ObjectStore, ObjectStoreError
from resources.r2.sql import Abilities, R2Sql, R2SqlError, literal

__all__ = [
    "NO_BUCKET",
    "Abilities",
    "Bucket",
    "BucketObjectStore",
    "FolderObjectStore",
    "Measure",
    "ObjectInfo",
    "ObjectNotFoundError",
    "ObjectStore",
    "ObjectStoreError",
    "R2Sql",
    "R2SqlError",
    "checked_key",
    "leave_out_checksums",
    "literal",
    "polars_options",
]
