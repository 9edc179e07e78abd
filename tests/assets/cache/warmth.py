"""A cache to be warmed by tests: it counts what is written to KV, and can die around each write."""

from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field

from assets.cache.dashboards import FAMILIES, wanted
from assets.cache.warm import Warmed, warm
from resources.kv import EmbeddedKV, Entry
from tests.assets.rollups.lakeside import Lakeside


@dataclass
class Warmth:
    """`put` and `deleted` are the keys of every write to KV so far; `dies` is "before", "half way" or "after" a put."""

    lakeside: Lakeside
    kv: EmbeddedKV
    put: list[str] = field(default_factory=list)
    deleted: list[str] = field(default_factory=list)
    dies: str = ""

    def put_many(self, entries: Iterable[Entry]) -> None:
        found = list(entries)
        if self.dies == "before":
            raise KeyboardInterrupt
        done = found[: len(found) // 2] if self.dies == "half way" else found
        self.kv.put_many(done)
        self.put += [entry.key for entry in done]
        if self.dies in ("half way", "after"):
            raise KeyboardInterrupt

    def delete_many(self, keys: Iterable[str]) -> None:
        doomed = list(keys)
        self.kv.delete_many(doomed)
        self.deleted += doomed
        if self.dies == "after delete":
            raise KeyboardInterrupt

    def warm(self, values: Mapping[str, bytes], family: str = "summary") -> Warmed:
        """Warm one family with given values."""
        return warm(self, self.lakeside.postgres, "clearlift", family, lambda: values, self.lakeside.clock)  # type: ignore[arg-type]

    def warm_dashboards(self) -> dict[str, Warmed]:
        """Warm every family from the roll-ups."""
        today = self.lakeside.now.date()
        return {f.name: self.warm(wanted(self.lakeside.postgres, f, today), f.name) for f in FAMILIES}

    def held(self) -> dict[str, bytes]:
        """What KV holds now."""
        return self.kv.get_many([info.name for info in self.kv.list()])
