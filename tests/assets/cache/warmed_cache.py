"""A cache to be warmed by tests: it counts what is written to KV, and can die around each write."""

from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass, field
from datetime import timedelta
from typing import cast

from assets.apps import APPS
from assets.cache.families import families
from assets.cache.wanted import Family, Row, Sources
from assets.cache.warm import Warmed, Warming
from resources.d1 import D1
from resources.kv import KV, EmbeddedKV, Entry
from tests.assets.rollups.event_lake import EventLake

CLEARLIFT = APPS[0]
DASHBOARDS = ("summary", "series", "top_pages", "top_sources", "top_campaigns")
SCHEMAS = ["cache", "rollups", "ads", "attribution"]


@dataclass
class WarmedCache:
    """`put` and `deleted` are the keys of every write to KV so far, `calls` its writing calls; `dies` is "before",
    "half way" or "after" a put, or "after delete".
    """

    event_lake: EventLake
    kv: EmbeddedKV
    put: list[str] = field(default_factory=list)
    deleted: list[str] = field(default_factory=list)
    calls: int = 0
    dies: str = ""
    slept: list[float] = field(default_factory=list)

    @property
    def d1(self) -> D1:
        return self.event_lake.stores.d1(CLEARLIFT)

    @property
    def warming(self) -> Warming:
        return Warming(
            CLEARLIFT.name, cast(KV, self), self.d1, self.event_lake.postgres, self.event_lake.clock, sleep=self.sleep
        )

    def tags(self, *tags: str) -> None:
        """These active tags, of an organisation each, and no others."""
        for table in ("marketing_choices", "platform_connections", "org_tag_mappings", "organizations"):
            self.d1.execute(f"delete from {table}")
        for number, tag in enumerate(tags):
            self.d1.execute(
                "insert into organizations (id, name, slug) values (?, ?, ?)", [f"o{number}", tag, f"slug-{number}"]
            )
            self.d1.execute(
                "insert into org_tag_mappings (id, organization_id, short_tag) values (?, ?, ?)",
                [f"t{number}", f"o{number}", tag],
            )

    def sleep(self, seconds: float) -> None:
        """Time goes by."""
        self.slept.append(seconds)
        self.event_lake.now += timedelta(seconds=seconds)

    def put_many(self, entries: Iterable[Entry]) -> None:
        found = list(entries)
        if self.dies == "before":
            raise KeyboardInterrupt
        done = found[: len(found) // 2] if self.dies == "half way" else found
        self.kv.put_many(done)
        self.put += [entry.key for entry in done]
        self.calls += 1
        if self.dies in ("half way", "after"):
            raise KeyboardInterrupt

    def delete_many(self, keys: Iterable[str]) -> None:
        doomed = list(keys)
        self.kv.delete_many(doomed)
        self.deleted += doomed
        self.calls += 1
        if self.dies == "after delete":
            raise KeyboardInterrupt

    def warm(self, values: Mapping[str, bytes], name: str = "summary", writes: int | None = None) -> Warmed:
        """Warm one family with given values, under keys `dashboard:ORG:NAME:RANGE`."""
        return self.run(of_values(values, name), writes)

    def forget(self, values: Mapping[str, bytes], name: str = "summary") -> int:
        return self.warming.forget(of_values(values, name))

    def run(self, family: Family, writes: int | None = None) -> Warmed:
        return self.warming.run(family, writes=writes)

    def warm_all(self, *names: str) -> dict[str, Warmed]:
        """Warm ClearLift's families, all or those named."""
        return {f.name: self.run(f) for f in families(CLEARLIFT) if f.name in (names or {f.name})}

    def held(self) -> dict[str, bytes]:
        """What KV holds now."""
        return self.kv.get_many([info.name for info in self.kv.list()])


def of_values(values: Mapping[str, bytes], name: str = "summary") -> Family:
    """A family that wants these keys and values; a value is its organisation's."""

    def rows(_: Sources) -> Iterator[Row]:
        for key, value in values.items():
            org_tag, days = key.split(":")[1::2]
            yield {"org_tag": org_tag, "range": days, "value": value.decode(), "tenant": org_tag}

    return Family(name, "Given values", f"dashboard:{{org_tag}}:{name}:{{range}}", (), rows)


def numbers(done: Warmed) -> tuple[int, int, int, int, int, int, int]:
    """wanted, new, changed, renewed, deleted, unchanged, left out."""
    found = done.survey
    return found.wanted, found.new, found.changed, found.renewed, done.deleted, found.unchanged, found.left_out
