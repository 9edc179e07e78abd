"""Warming a cache beside writing every key again, in bulk and with one PUT a key.

All take the same keys and values from Postgres. `fill` begins with an empty namespace. `refresh` begins with a full
one, in which every hundredth value has changed. Both run on the embedded KV, and on Cloudflare's local runtime if Node
can be installed. The local runtime is slow and has fewer keys. The contender with single PUTs writes only a part of the
keys.
"""

import itertools
from collections.abc import Callable, Iterator, Mapping
from datetime import UTC, datetime, timedelta
from typing import Any, cast

from assets.cache.wanted import Family, Row, Sources, Wanted, draw
from assets.cache.warm import Warming
from benchmarks import dataset, measure
from benchmarks.stores import Counted, new_folder, open_local_kv
from resources.d1 import D1
from resources.kv import KV, EmbeddedKV, Entry
from resources.postgres import Postgres, stream
from tests.workerd.local_runtime import NotInstalledError, installed

KEYS = {"embedded": 100_000, "local": 10_000}
MOST_SINGLE = {"embedded": 5_000, "local": 1_000}
CONTENDERS = ("fill_ours", "fill_in_bulk", "refresh_ours", "refresh_in_bulk", "refresh_one_by_one")
STATEMENT = """
select
    n::text as id,
    jsonb_build_object('number', n, 'changed', %(changed)s and n %% 100 = 0, 'text', repeat('x', 300))::text as value
from generate_series(1, %(keys)s) as n
"""
NOW = datetime.now(UTC)

Work = Callable[[], Mapping[str, Any]]


def main() -> None:
    """Print the table."""
    places = ["embedded"]
    try:
        installed()
        places.append("local")
    except NotInstalledError as error:
        print(f"\nSKIPPED: the cache on Cloudflare's local runtime: npm install failed: {error}")
    rows = []
    for place in places:
        measured = measure.contest("benchmarks.cache", CONTENDERS, arguments=[place])
        rate = {name: m.details["wanted"] / m.seconds for name, m in measured.items()}
        for name, m in measured.items():
            details, ours = m.details, name.split("_")[0] + "_ours"
            times = "" if name == ours else f"{rate[ours] / rate[name]:.1f}"
            rows.append(
                [
                    f"{place}: {name}", f"{details['wanted']:,}", f"{details['written']:,}",
                    f"{details['requests']:,}", f"{m.seconds:.1f}", f"{m.peak_mb:.0f}", times,
                ]
            )  # fmt: skip
    measure.table(
        "Cache: wanted keys brought up to date",
        [
            "contender",
            "keys wanted",
            "written",
            "requests (embedded: calls)",
            "seconds",
            "peak MB",
            "ours is … times as fast a key",
        ],
        rows,
    )


def fill_ours(place: str) -> Work:
    return _ours(place, changed=False)


def fill_in_bulk(place: str) -> Work:
    return _in_bulk(place, changed=False)


def refresh_ours(place: str) -> Work:
    return _ours(place, changed=True)


def refresh_in_bulk(place: str) -> Work:
    return _in_bulk(place, changed=True)


def refresh_one_by_one(place: str) -> Work:
    kv, counted, postgres = _opened(place)

    def work() -> Mapping[str, Any]:
        keys = min(KEYS[place], MOST_SINGLE[place])
        for wanted in itertools.islice(_wanted(place, postgres, changed=True), keys):
            counted.requests += place == "embedded"
            kv.put_many([_entry(wanted)])
        return {"wanted": keys, "written": keys, "requests": counted.requests}

    return work


def _ours(place: str, *, changed: bool) -> Work:
    kv, counted, postgres = _opened(place)
    namespace = cast(KV, _Calls(kv, counted)) if place == "embedded" else kv
    if changed:
        # An hour earlier: a key may be written only once a second.
        _warming(namespace, postgres, NOW - timedelta(hours=1)).run(_family(place, changed=False))
    warming = _warming(namespace, postgres, NOW)
    made_before = counted.requests

    def work() -> Mapping[str, Any]:
        done = warming.run(_family(place, changed=changed))
        assert done.written == (KEYS[place] // 100 if changed else KEYS[place])
        return {"wanted": KEYS[place], "written": done.written, "requests": counted.requests - made_before}

    return work


def _in_bulk(place: str, *, changed: bool) -> Work:
    kv, counted, postgres = _opened(place)
    if changed:
        kv.put_many(map(_entry, _wanted(place, postgres, changed=False)))
    made_before = counted.requests

    def work() -> Mapping[str, Any]:
        kv.put_many(map(_entry, _wanted(place, postgres, changed=changed)))
        requests = 1 if place == "embedded" else counted.requests - made_before
        return {"wanted": KEYS[place], "written": KEYS[place], "requests": requests}

    return work


def _warming(kv: KV, postgres: Postgres, now: datetime) -> Warming:
    return Warming("bench", kv, cast(D1, None), postgres, lambda: now)


class _Calls:
    """An embedded namespace. Its writing calls are counted like requests."""

    def __init__(self, kv: KV, counted: Counted) -> None:
        self._kv = kv
        self._counted = counted

    def put_many(self, entries: Iterator[Entry]) -> None:
        self._counted.requests += 1
        self._kv.put_many(entries)


def _opened(place: str) -> tuple[KV, Counted, Postgres]:
    postgres = dataset.stores("cache").postgres
    postgres.execute("truncate cache.entries")
    if place == "embedded":
        return EmbeddedKV(new_folder() / "kv.sqlite"), Counted(), postgres
    return *open_local_kv(), postgres


def _family(place: str, *, changed: bool) -> Family:
    def rows(sources: Sources) -> Iterator[Row]:
        with sources.postgres.connection() as connection:
            for batch in stream(connection, STATEMENT, {"keys": KEYS[place], "changed": changed}, 200):
                yield from batch

    return Family("many", "Many", "many:{id}", (), rows)


def _wanted(place: str, postgres: Postgres, *, changed: bool) -> Iterator[Wanted]:
    return draw(_family(place, changed=changed), Sources("bench", cast(D1, None), postgres, NOW.date()))


def _entry(wanted: Wanted) -> Entry:
    return Entry(wanted.key, wanted.value, int((NOW + timedelta(hours=26)).timestamp()))


if __name__ == "__main__":
    main()
