"""The section of the cache: what KV holds, how often it is hit, and how much is written to it."""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import date, datetime, timedelta

from assets.apps import App
from assets.cache.families import families
from assets.page import figures
from assets.page.blocks import Block, Cell, Chart, Charts, Column, Figure, Figures, Line, Section, Standing, Table
from assets.page.source import Source
from assets.requests_sent import Counted, by_day
from assets.windows import midnight
from resources.meter import KV_DELETES, KV_READS, KV_WRITES

NAME, TITLE = "cache", "The cache"
KINDS = {KV_WRITES: "written", KV_DELETES: "deleted", KV_READS: "read by us"}
SAYS = (
    "By the index of what was written to KV. Reads and hit rate are of today and yesterday, by the access log of the"
    " application."
)


@dataclass(frozen=True)
class Family:
    """Keys of an app that are made alike: how many, their bytes, how many expired, the last write, reads and hits."""

    app: str
    family: str
    keys: int
    bytes: int
    expired: int
    written: datetime | None
    reads: int
    hits: int


@dataclass(frozen=True)
class Cached:
    """All of it, and the requests to KV by day."""

    apps: Sequence[str]
    families: Sequence[Family]
    days: Sequence[date]
    requests: Sequence[Counted]


def read(source: Source) -> Cached:
    """What the index and the counts say; a family that was never warmed is there with no key."""
    rows = source.fetch("families", now=source.now, since=source.now.date() - timedelta(days=1))
    known = {(row["app"], row["family"]): Family(**row) for row in rows}
    apps = [app for app in source.apps if families(app)]
    found = [known.pop((app.name, name), _empty(app, name)) for app in apps for name in _names(app)]
    return Cached(
        [app.name for app in apps],
        [*found, *known.values()],
        source.days,
        by_day(source.rooms.postgres, source.days[0]),
    )


def _names(app: App) -> list[str]:
    return sorted(family.name for family in families(app))


def _empty(app: App, family: str) -> Family:
    return Family(app.name, family, 0, 0, 0, None, 0, 0)


def section(cached: Cached) -> Section:
    """How it is shown."""
    shown: list[Figure] = []
    for app in cached.apps:
        own = [one for one in cached.families if one.app == app]
        keys, reads, hits = (sum(getattr(one, what) for one in own) for what in ("keys", "reads", "hits"))
        shown.append(
            Figure(f"{app}: hit rate", figures.share(hits / reads if reads else None), figures.count(reads, "read"))
        )
        shown.append(Figure(f"{app}: keys", figures.count(keys, "key"), figures.size(sum(one.bytes for one in own))))
    columns = [
        *(Column("app"), Column("family"), Column("keys", True), Column("size", True), Column("expired", True)),
        *(Column("written last"), Column("reads", True), Column("hit rate", True)),
    ]
    charts = [chart for app in cached.apps if (chart := _chart(cached, app)) is not None]
    blocks: list[Block] = [Figures(shown)]
    if charts:
        blocks.append(Charts(charts))
    blocks.append(Table("One row a family of keys", columns, [_row(one) for one in cached.families]))
    return Section(NAME, TITLE, SAYS, blocks)


def _chart(cached: Cached, app: str) -> Chart:
    own = [one for one in cached.requests if one.store == f"{app}-kv"]
    counts = {(one.kind, one.day): float(one.requests) for one in own}
    known = {one.day for one in own}
    lines = [
        Line(word, [counts.get((kind, day), 0.0) if day in known else None for day in cached.days])
        for kind, word in KINDS.items()
    ]
    return Chart(f"{app}: keys of KV", "keys a day", [midnight(day) for day in cached.days], lines, bars=True)


def _row(one: Family) -> list[str | Cell]:
    return [
        one.app,
        one.family,
        Cell(figures.count(one.keys), Standing.PLAIN if one.written else Standing.UNKNOWN),
        figures.size(one.bytes),
        Cell(figures.count(one.expired), Standing.WARNING if one.expired else Standing.PLAIN),
        figures.moment(one.written) if one.written else "never",
        figures.count(one.reads),
        figures.share(one.hits / one.reads if one.reads else None),
    ]
