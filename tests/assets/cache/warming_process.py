"""A process of its own that warms a large family, to be measured, killed, or left to work beside another.

Run with `python -m`. Arguments: the database's DSN, a KV file (or `counted`: the client of Cloudflare's API, whose
requests are counted and go nowhere), how many keys, what their values hold, and what to do once a line comes on its
input: `warm`, or `die` (by SIGKILL, after the second bulk write to KV and before the index knows of it). Says `ready`
before; at last its peak memory in MB, keys written and requests made, as JSON.
"""

import json
import os
import resource
import signal
import sys
from collections.abc import Iterable, Iterator
from datetime import UTC, datetime
from pathlib import Path
from typing import Any, cast
from unittest.mock import patch

import requests

import assets.cache.warm
from assets.cache.wanted import Family, Row, Sources
from assets.cache.warm import Warming
from resources.d1 import EmbeddedD1
from resources.http import Session
from resources.kv import KV, CloudflareKV, EmbeddedKV, Entry
from resources.postgres import Postgres, stream

# As the clock of the tests beside it stands; their module takes a second to import.
NOW = datetime(2026, 3, 20, 12, 30, tzinfo=UTC)
STATEMENT = """
select n::text as id, format('{"number": %%s, "text": "%%s"}', n, repeat(%(holding)s, 1000)) as value, n::text as tenant
from generate_series(1, %(keys)s) as n
"""


def family(keys: int, holding: str) -> Family:
    """A family of many keys, made by Postgres."""

    def rows(sources: Sources) -> Iterator[Row]:
        with sources.postgres.connection() as connection:
            for batch in stream(connection, STATEMENT, {"keys": keys, "holding": holding}, 200):
                yield from batch

    return Family("many", "Many", "many:{id}", (), rows)


class Nowhere:
    """A session that says yes to everything."""

    def __init__(self) -> None:
        self.requests = 0

    def request(self, *_: Any, **__: Any) -> requests.Response:
        self.requests += 1
        response = requests.Response()
        response.status_code = 200
        response._content = b'{"success": true, "errors": [], "result": {"unsuccessful_keys": []}}'
        return response


def main(dsn: str, kv: str, keys: str, holding: str, action: str) -> None:
    nowhere = Nowhere()
    namespace: KV = EmbeddedKV(Path(kv), clock=NOW.timestamp)
    if kv == "counted":
        namespace = CloudflareKV(cast(Session, nowhere), "account", "namespace", clock=NOW.timestamp)
    print("ready", flush=True)  # noqa: T201 (what the parent waits for)
    sys.stdin.readline()
    if action == "die":
        assets.cache.warm.BUNDLE_KEYS = 100
        put, puts = namespace.put_many, []

        def dying(entries: Iterable[Entry]) -> None:
            put(entries)
            puts.append(1)
            if len(puts) == 2:
                os.kill(os.getpid(), signal.SIGKILL)

        patch.object(namespace, "put_many", dying).start()
    with Postgres(dsn) as postgres:
        # Its statement asks Postgres alone.
        warming = Warming("clearlift", namespace, EmbeddedD1(Path("none")), postgres, lambda: NOW)
        done = warming.run(family(int(keys), holding))
    peak = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / 1024
    print(json.dumps({"peak": peak, "written": done.written, "requests": nowhere.requests}))  # noqa: T201 (the result)


if __name__ == "__main__":
    main(*sys.argv[1:])
