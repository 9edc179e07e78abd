"""What Cloudflare's catalog does to the tables of a bucket by itself: its settings of maintenance, over its API.

What does not belong here: the tables and their commits, which every Iceberg catalog has (catalogs.py).
"""

import re
from collections.abc import Iterator
from dataclasses import dataclass
from typing import Any
from urllib.parse import quote, urlsplit

from resources.cloudflare import account_url, in_envelope
from resources.http import HttpError, Session
from resources.verdicts import decoded

# The catalog's host, as `wrangler basin catalog enable` prints it with its warehouse, ACCOUNT_BUCKET.
HOST = ".cloudflarestorage.com"
WAREHOUSE = re.compile(r"([0-9a-f]{32})_(.+)")


@dataclass(frozen=True)
class Expiry:
    """The catalog removes snapshots older than `age` (as it writes it, such as 7d), but for the newest `least`.

    place: for which bucket, namespace and table this is set; of the whole catalog the bucket alone.
    """

    age: str
    least: int
    place: tuple[str, ...]


class ManagedCatalog:
    """The catalog of one bucket. `session` holds a token that may read it (`resources.cloudflare.api_session`)."""

    def __init__(self, session: Session, account_id: str, bucket: str, *, api: str) -> None:
        self._session = session
        self._url = f"{account_url(api, account_id)}/r2-catalog/{quote(bucket, safe='')}"
        self._bucket = bucket

    def expiries(self, *tables: tuple[str, str]) -> Iterator[Expiry]:
        """What removes snapshots of tables (namespace and name): the setting of the whole catalog, and theirs."""
        yield from self._enabled("")
        for names in tables:
            namespace, table = (quote(name, safe="") for name in names)
            yield from self._enabled(f"/namespaces/{namespace}/tables/{table}", *names)

    def _enabled(self, path: str, *names: str) -> Iterator[Expiry]:
        found = self._configured(path).get("snapshot_expiration") or {}
        if found.get("state") == "enabled":
            least = int(found.get("min_snapshots_to_keep") or 0)
            yield Expiry(str(found.get("max_snapshot_age")), least, (self._bucket, *names))

    def _configured(self, path: str) -> dict[str, Any]:
        try:
            answer = self._session.request(
                "GET", f"{self._url}{path}/maintenance-configs", classify=in_envelope(), route="r2-catalog"
            )
        except HttpError as error:
            if error.status == 404 and path:  # a table without a setting of its own
                return {}
            raise
        result = decoded(answer).get("result") or {}
        return dict(result.get("maintenance_config") or {})


def place_of(uri: str, warehouse: str) -> tuple[str, str] | None:
    """Account and bucket of a catalog of Cloudflare's; None for any other Iceberg REST catalog."""
    found = WAREHOUSE.fullmatch(warehouse)
    if found is None or not (urlsplit(uri).hostname or "").endswith(HOST):
        return None
    return found[1], found[2]
