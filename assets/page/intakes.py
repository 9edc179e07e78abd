"""The section of sources: every intake and connection with what waits, its last success, rows, errors and requests."""

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from datetime import UTC, date, datetime, timedelta
from functools import partial

from assets.apps import App
from assets.cache import access_log
from assets.cache.demand import known_objects
from assets.events.ingest import pending
from assets.growth.pending import PendingEvents
from assets.intake import objects
from assets.page import figures
from assets.page.blocks import Block, Cell, Column, Section, Standing, Table
from assets.page.source import Source
from assets.points.ingest import PointIngest
from resources.counts import counted
from resources.r2 import ObjectInfo

NAME, TITLE = "sources", "Sources"
LATELY = timedelta(days=7)
SAYS = "What waits now; rows, errors and requests are of the last 7 days."
SUCCESS, ERROR = "success", "error"


@dataclass(frozen=True)
class Intake:
    """Something that lands or is queued: what it is, what waits of it (objects or events) and since when.

    last: when something of it was taken last. rows: taken lately; None where no ledger counts them. refused: lines.
    """

    app: str
    what: str
    waiting: int
    unit: str
    oldest: datetime | None
    last: datetime | None
    rows: int | None
    refused: int | None


@dataclass(frozen=True)
class Connection:
    """An ad account: its last sync, how it ended (`code` of the error), its last success, and what was done lately.

    through: the day up to which every stream is synced.
    """

    app: str
    platform: str
    id: str
    status: str
    code: str | None
    last: datetime | None
    through: date | None
    rows: int
    errors: int
    requests: int


@dataclass(frozen=True)
class Sources:
    """All of it, at a moment."""

    now: datetime
    intakes: Sequence[Intake]
    connections: Sequence[Connection]
    connection_hours: float
    batch_minutes: float


def read(source: Source) -> Sources:
    """What the ledgers say, and what a listing of the landing zones shows."""
    taken = {(row["app"], row["what"]): row for row in source.fetch("taken_lately", since=source.now - LATELY)}

    def of(app: App, one: _Waiting) -> Intake:
        row = taken.get((app.name, one.what), {})
        made = source.made([app.name, *one.asset], source.now - LATELY) if one.asset else ()
        last = row.get("last") or (made[-1] if made else None)
        return Intake(app.name, one.what, one.number, one.unit, one.oldest, last, row.get("rows"), row.get("refused"))

    intakes = [of(app, one) for app in source.apps for one in _waiting(source, app)]
    connections = [Connection(**row) for row in source.fetch("connections", since=source.now - LATELY)]
    limits = source.thresholds
    return Sources(source.now, intakes, connections, limits.connection_hours, limits.batch_minutes)


@dataclass(frozen=True)
class _Waiting:
    """What waits of an intake. asset: what takes it, where no ledger of ours says when something was taken."""

    what: str
    unit: str
    number: int
    oldest: datetime | None
    asset: tuple[str, str] | None = None


def _waiting(source: Source, app: App) -> Iterator[_Waiting]:
    store, postgres = source.rooms.object_store, source.rooms.postgres
    if app.audience is not None:
        yield _objects("web events", "batch", pending(app, store, postgres))
    if app.points is not None:
        yield _objects("points", "object", PointIngest.of(source.rooms, app).pending(), ("points", "ingested"))
    if app.growth is not None:
        waiting = PendingEvents.of(source.rooms, app, app.growth).waiting()
        yield _Waiting("own events", "event", waiting["events"], waiting["since"], ("analytics", "pending"))
    if app.has_kv:
        known = partial(known_objects, postgres, app.name)
        yield _objects("reads of keys", "object", objects.waiting(store, access_log.zone(app.name), source.now, known))


def _objects(what: str, unit: str, waiting: Sequence[ObjectInfo], asset: tuple[str, str] | None = None) -> _Waiting:
    return _Waiting(what, unit, len(waiting), min((one.last_modified for one in waiting), default=None), asset)


def section(sources: Sources) -> Section:
    """How it is shown."""
    blocks: list[Block] = [
        Table(
            "One row an intake",
            [
                *(Column("app"), Column("intake"), Column("waits"), Column("oldest"), Column("taken last")),
                *(Column("rows", number=True), Column("refused", number=True)),
            ],
            [_intake(sources, one) for one in sources.intakes],
        ),
        Table(
            "One row a connection of an ad platform",
            [
                *(Column("app"), Column("platform"), Column("connection"), Column("last sync"), Column("last success")),
                *(Column("synced through"), Column("rows", True), Column("errors", True), Column("requests", True)),
            ],
            [_connection(sources, one) for one in sources.connections],
            empty="no data: no connection was synced",
        ),
    ]
    return Section(NAME, TITLE, SAYS, blocks)


def _intake(sources: Sources, one: Intake) -> list[str | Cell]:
    late = one.oldest is not None and sources.now - one.oldest > timedelta(minutes=sources.batch_minutes)
    plural = {"batch": "batches"}.get(one.unit, "")
    return [
        one.app,
        one.what,
        Cell(counted(one.waiting, one.unit, plural), Standing.WARNING if late else Standing.PLAIN),
        figures.duration(sources.now - one.oldest) if one.oldest else "none waits",
        figures.moment(one.last.astimezone(UTC) if one.last else None),
        figures.count(one.rows),
        figures.count(one.refused),
    ]


def _connection(sources: Sources, one: Connection) -> list[str | Cell]:
    good = one.status == SUCCESS
    late = one.last is None or sources.now - one.last > timedelta(hours=sources.connection_hours)
    said = f"{one.status} ({one.code})" if one.code and not good else one.status
    standing = Standing.CRITICAL if one.status == ERROR else Standing.GOOD if good else Standing.UNKNOWN
    return [
        one.app,
        one.platform,
        one.id,
        Cell(said, standing),
        Cell(figures.moment(one.last), Standing.WARNING if late else Standing.PLAIN),
        f"{one.through or figures.count(None)}",
        figures.count(one.rows),
        Cell(figures.count(one.errors), Standing.WARNING if one.errors else Standing.PLAIN),
        figures.count(one.requests),
    ]
