"""What a backfill of a range is compared with: the lake's events by organisation, as R2 SQL counts them.

It reads no file here, so that a year is counted in one query. Only organisations that differ are counted from files,
without doubles, which R2 SQL counts too. What does not belong here: the audit of single hours (audit.py).
"""

from dataclasses import dataclass

from assets.apps import App
from assets.events.table import events_table
from assets.rollups.definition import Grain, window_of
from assets.rooms import Rooms
from assets.windows import Window
from resources.lake import LakeTable
from resources.r2 import R2Sql, literal
from resources.r2.aggregates import Measure
from resources.sql_files import read_sql

_KEY = ("org_tag", "event_id", "timestamp")


@dataclass(frozen=True)
class RangeCounts:
    """Events of a range by R2 SQL, and in roll-ups. differences: by organisation, the lake's and the roll-ups' events.

    moved: whether the lake changed meanwhile, so that a difference says nothing.
    """

    counted: int
    rolled_up: int
    differences: dict[str, tuple[int, int]]
    moved: bool


def compared(rooms: Rooms, r2_sql: R2Sql, app: App, window: Window, org: str | None) -> RangeCounts:
    """The events of whole hours of the lake as it is now, and those of the hourly roll-ups, by organisation."""
    table = rooms.lake.table(events_table(app))
    head = table.head()
    counted = _by_r2_sql(r2_sql, table, window, org)
    given = {"app": app.name, "start": window.start, "end": window.end, "org": org}
    rows = rooms.postgres.fetch(read_sql("rollups/events_by_organisation.sql"), given)
    rolled_up = {row["org_tag"]: int(row["events"]) for row in rows}
    other = [tag for tag in counted.keys() | rolled_up.keys() if counted.get(tag, 0) != rolled_up.get(tag, 0)]
    single = _from_files(table, window, other, head[0])
    differences = {
        tag: (single.get(tag, 0), rolled_up.get(tag, 0))
        for tag in sorted(other)
        if single.get(tag, 0) != rolled_up.get(tag, 0)
    }
    return RangeCounts(sum(counted.values()), sum(rolled_up.values()), differences, table.head() != head)


def _by_r2_sql(r2_sql: R2Sql, table: LakeTable, window: Window, org: str | None) -> dict[str, int]:
    names = table.layout.live_names
    time, tenant = names[table.spec.time], names[table.spec.tenant]
    where = f'"{time}" >= {literal(window.start)} and "{time}" < {literal(window.end)}'
    if org is not None:
        where += f' and "{tenant}" = {literal(org)}'
    rows = r2_sql.aggregate(
        ".".join(table.spec.identifier),
        {"events": Measure("count")},
        group_by=[tenant],
        key=[names[name] for name in _KEY],
        where=where,
    )
    return {row[tenant]: int(row["events"]) for row in rows}


def _from_files(table: LakeTable, window: Window, tenants: list[str], snapshot_id: int | None) -> dict[str, int]:
    if not tenants:
        return {}
    files = table.files(window.start, window.end, tenants, snapshot_id)
    with table.named(files):
        events = table.scan(window.start, window.end, tenants, snapshot_id).select(_KEY)
        single = events.unique(["org_tag", "event_id", window_of(Grain.HOURLY)])
        counts = single.group_by("org_tag").len().collect(engine="streaming")
    return dict(counts.iter_rows())
