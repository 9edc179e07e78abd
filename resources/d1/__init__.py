"""D1, Cloudflare's SQLite: one door (`D1`) with two rooms behind it, a local SQLite file and the HTTP API.

Everything a caller needs is exported here; schemas and the statements themselves live in sql/.
"""

from resources.d1.cloudflare import CloudflareD1
from resources.d1.database import D1Error, Param, Result, Statement
from resources.d1.door import D1
from resources.d1.embedded import EmbeddedD1

__all__ = ["D1", "CloudflareD1", "D1Error", "EmbeddedD1", "Param", "Result", "Statement"]
