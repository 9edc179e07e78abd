"""D1, Cloudflare's SQLite: one contract (`D1`) with two rooms, a local SQLite file and the HTTP API.

What belongs here: statements, batches, bulk upserts, paging, pace, texts of times. What does not: schemas and the
statements of a capability (sql/).
"""

from resources.d1.cloudflare import CloudflareD1
from resources.d1.database import D1Error, Param, Result, Statement
from resources.d1.embedded import EmbeddedD1
from resources.d1.protocol import D1

__all__ = ["D1", "CloudflareD1", "D1Error", "EmbeddedD1", "Param", "Result", "Statement"]
