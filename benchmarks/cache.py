"""Warming a cache beside writing every key again: in bulk, and with one PUT a key.

All draw the same keys and values from Postgres. `fill` begins with an empty namespace, `refresh` with a full one, every
hundredth value of which has changed since. On the embedded KV, and on Cloudflare's own local runtime where Node can be
installed; that one is slow, so that it is given fewer keys. Single PUTs are given a part of either.
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
    rooms = ["embedded"]
    try:
        installed()
        rooms.append("local")
    except NotInstalledError as error:
        print(f"\nSKIPPED: the cache on Cloudflare's local runtime: npm install failed: {error}")
    rows = []
    for room in rooms:
        found = measure.contest("benchmarks.cache", CONTENDERS, arguments=[room])
        rate = {name: each.told["wanted"] / each.seconds for name, each in found.items()}
        for name, each in found.items():
            told, ours = each.told, name.split("_")[0] + "_ours"
            times = "" if name == ours else f"{rate[ours] / rate[name]:.1f}"
            rows.append(
                [
                    f"{room}: {name}", f"{told['wanted']:,}", f"{told['written']:,}", f"{told['requests']:,}",
                    f"{each.seconds:.1f}", f"{each.peak_mb:.0f}", times,
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


def fill_ours(room: str) -> Work:
    return _ours(room, changed=False)


def fill_in_bulk(room: str) -> Work:
    return _in_bulk(room, changed=False)


def refresh_ours(room: str) -> Work:
    return _ours(room, changed=True)


def refresh_in_bulk(room: str) -> Work:
    return _in_bulk(room, changed=True)


def refresh_one_by_one(room: str) -> Work:
    kv, counted, postgres = _opened(room)

    def work() -> Mapping[str, Any]:
        keys = min(KEYS[room], MOST_SINGLE[room])
        for wanted in itertools.islice(_wanted(room, postgres, changed=True), keys):
            counted.requests += room == "embedded"
            kv.put_many([_entry(wanted)])
        return {"wanted": keys, "written": keys, "requests": counted.requests}

    return work


def _ours(room: str, *, changed: bool) -> Work:
    kv, counted, postgres = _opened(room)
    told = cast(KV, _Calls(kv, counted)) if room == "embedded" else kv
    if changed:
        # An hour ago, so that no key has to wait for its second.
        _warming(told, postgres, NOW - timedelta(hours=1)).run(_family(room, changed=False))
    warming = _warming(told, postgres, NOW)
    made_before = counted.requests

    def work() -> Mapping[str, Any]:
        done = warming.run(_family(room, changed=changed))
        assert done.written == (KEYS[room] // 100 if changed else KEYS[room])
        return {"wanted": KEYS[room], "written": done.written, "requests": counted.requests - made_before}

    return work


def _in_bulk(room: str, *, changed: bool) -> Work:
    kv, counted, postgres = _opened(room)
    if changed:
        kv.put_many(map(_entry, _wanted(room, postgres, changed=False)))
    made_before = counted.requests

    def work() -> Mapping[str, Any]:
        kv.put_many(map(_entry, _wanted(room, postgres, changed=changed)))
        requests = 1 if room == "embedded" else counted.requests - made_before
        return {"wanted": KEYS[room], "written": KEYS[room], "requests": requests}

    return work


def _warming(kv: KV, postgres: Postgres, now: datetime) -> Warming:
    return Warming("bench", kv, cast(D1, None), postgres, lambda: now)


class _Calls:
    """An embedded namespace whose writing calls are counted as requests are."""

    def __init__(self, kv: KV, counted: Counted) -> None:
        self._kv = kv
        self._counted = counted

    def put_many(self, entries: Iterator[Entry]) -> None:
        self._counted.requests += 1
        self._kv.put_many(entries)


def _opened(room: str) -> tuple[KV, Counted, Postgres]:
    postgres = dataset.stores("cache").postgres
    postgres.execute("truncate cache.entries")
    if room == "embedded":
        return EmbeddedKV(new_folder() / "kv.sqlite"), Counted(), postgres
    return *open_local_kv(), postgres


def _family(room: str, *, changed: bool) -> Family:
    def rows(sources: Sources) -> Iterator[Row]:
        with sources.postgres.connection() as connection:
            for batch in stream(connection, STATEMENT, {"keys": KEYS[room], "changed": changed}, 200):
                yield from batch

    return Family("many", "Many", "many:{id}", (), rows)


def _wanted(room: str, postgres: Postgres, *, changed: bool) -> Iterator[Wanted]:
    return draw(_family(room, changed=changed), Sources("bench", cast(D1, None), postgres, NOW.date()))


def _entry(wanted: Wanted) -> Entry:
    return Entry(wanted.key, wanted.value, int((NOW + timedelta(hours=26)).timestamp()))


if __name__ == "__main__":
    main()
