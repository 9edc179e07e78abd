"""R2 and its local twin: objects under keys, and SQL over the tables that lie in a bucket.

What belongs here: storing and listing objects, what other engines need in order to read them, R2 SQL as a read path.
What does not: which keys exist and what is in them, Iceberg (resources/lake).
"""

from resources.r2.aggregates import Measure
from resources.r2.engines import leave_out_checksums
from resources.r2.keys import checked_key
from resources.r2.object_store import ObjectInfo, ObjectNotFoundError, ObjectStore, ObjectStoreError
from resources.r2.sql import Abilities, R2Sql, R2SqlError, literal

__all__ = [
    "Abilities",
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
]
