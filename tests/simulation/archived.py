"""The rows in the archive, read by gzip and JSON alone, without the product's code. The registry names the manifests.

Each manifest is read once.
"""

import gzip
import json
from dataclasses import dataclass, field
from typing import Any

from resources.postgres import Postgres
from resources.r2 import ObjectStore

Line = dict[str, Any]


@dataclass
class Archived:
    """rows: sealed rows by application and table, in the order of their revisions."""

    store: ObjectStore
    postgres: Postgres
    rows: dict[tuple[str, str], list[Line]] = field(default_factory=dict)
    _read: set[str] = field(default_factory=set)

    def refresh(self) -> None:
        """Read what was sealed after the last call."""
        sealed = self.postgres.fetch(
            "select app, table_name, quarter, bucket, revision from archive.revisions where state = 'sealed'"
            " order by app, table_name, quarter, bucket, revision"
        )
        for row in sealed:
            folder = f"archive/{row['app']}/{row['table_name']}/{row['quarter']}/{row['bucket']}"
            manifest = f"{folder}/manifest-{row['revision']:06}.json"
            if manifest in self._read:
                continue
            self._read.add(manifest)
            for part in json.loads(self.store.get(manifest))["parts"]:
                name = f"{folder}/{part['name']}"
                if name not in self._read:
                    self._read.add(name)
                    lines = gzip.decompress(self.store.get(name)).splitlines()
                    self.rows.setdefault((row["app"], row["table_name"]), []).extend(map(json.loads, lines))
