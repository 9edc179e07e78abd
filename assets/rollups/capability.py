"""What the room of roll-ups brings: today as events land, from the landing zone to the cache in one run; hours, days,
weeks and months by the clock, and again where late data changed them.

What does not belong here: which windows are late (late.py), and building them.
"""

from collections.abc import Callable, Iterator
from datetime import datetime, timedelta

from dagster import AssetSelection

from assets.apps import App
from assets.capability import AfterGap, Capability, Job, Request, Site, Tick, Watch, assets_of
from assets.events.assets import IngestConfig
from assets.events.ingest import pending
from assets.events.table import events_table
from assets.rollups import assets, health, late, today_assets
from assets.rollups.definition import Grain
from assets.rollups.follow import follow, followed
from assets.rollups.gaps import missing_requests
from assets.rollups.periods import Period
from assets.windows import DAY, HOUR, daily_key, hourly_key, midnight

INGESTED, TODAY, SHOWN = ("events", "ingested"), ("rollups", "today"), ("cache", "today")
PERIOD_JOBS = {Period.WEEKLY: "roll_up_weeks", Period.MONTHLY: "roll_up_months"}


def bring(app: App, site: Site) -> Capability:
    """Nothing for an app that collects no events."""
    if app.audience is None:
        return Capability()
    hours, days = assets_of(app, ("rollups", "hourly")), assets_of(app, ("rollups", "daily"))
    cached = AssetSelection.groups(f"{app.name}_cache")
    dashboards = days.downstream(depth=1) & cached
    shown = assets_of(app, TODAY).downstream(depth=1) & cached
    return Capability(
        assets=[*assets.build(app, site.calendar, site.late_horizon), today_assets.build(app)],
        jobs=[
            Job(
                "today",
                assets_of(app, INGESTED, TODAY) | shown,
                "Take what has landed into the lake, roll up what that changed of today, and show it in the cache.",
                timedelta(hours=1),
                alone=True,
                urgent=True,
            ),
            Job(
                "hourly",
                assets_of(app, ("events", "compacted")) | hours,
                "Compact the lake, then roll up an hour.",
                timedelta(hours=1),
            ),
            Job(
                "roll_up_hours",
                hours,
                "Roll up hours again: late data and backfills, a range as one run.",
                timedelta(hours=2),
            ),
            Job(
                "roll_up_days",
                days | dashboards,
                "Roll up days, then update the caches that are made of them; a range as one run.",
                timedelta(hours=2),
            ),
            Job(
                "roll_up_weeks",
                assets_of(app, ("rollups", "weekly")),
                "Roll up weeks from their days; a range as one run.",
                timedelta(hours=1),
            ),
            Job(
                "roll_up_months",
                assets_of(app, ("rollups", "monthly")),
                "Roll up months from their days; a range as one run.",
                timedelta(hours=1),
            ),
        ],
        ticks=_ticks(app, site),
        watches=[
            # A landed batch waits for it, and for the run's process to start. Each look lists the landing zone once.
            Watch(
                "landing",
                ("today",),
                "Asks for a run as soon as a batch has landed, or another writer changed the events of today.",
                lambda _: _landed(app, site),
                seconds=10,
            ),
            Watch(
                "late_data",
                ("roll_up_hours", "roll_up_days", "roll_up_weeks", "roll_up_months"),
                "Follows the commits of the lake, and requests every window that changed after its roll-up.",
                lambda warn: _late(app, site, warn),
            ),
        ],
        health=health.checks(app, site),
    )


def _ticks(app: App, site: Site) -> list[Tick]:
    def missing(length: Grain | Period) -> Callable[[datetime], Iterator[Request]]:
        return lambda at: missing_requests(app, site, length, at)

    return [
        Tick(
            "hourly",
            "10 * * * *",
            "hourly",
            "At hh:10, the hour that ended: compaction and its roll-up.",
            AfterGap.CATCHES_UP,
            missing(Grain.HOURLY),
        ),
        Tick(
            "sweep",
            "0 4 * * *",
            "today",
            "Daily, the whole landing zone: batches that landed under an hour that no other run lists any more.",
            AfterGap.LATEST,
            lambda _: [Request(config={INGESTED: IngestConfig(sweep=True)})],
        ),
        Tick(
            "daily",
            "30 0 * * *",
            "roll_up_days",
            "At 00:30, the day that ended: its final build.",
            AfterGap.CATCHES_UP,
            missing(Grain.DAILY),
        ),
        Tick(
            "weekly",
            "45 0 * * *",
            "roll_up_weeks",
            "At 00:45, yesterday's week: on Mondays the final build of the one that ended.",
            AfterGap.CATCHES_UP,
            missing(Period.WEEKLY),
        ),
        Tick(
            "monthly",
            "50 0 * * *",
            "roll_up_months",
            "At 00:50, yesterday's month: on the 1st the final build of the one that ended.",
            AfterGap.CATCHES_UP,
            missing(Period.MONTHLY),
        ),
    ]


def _landed(app: App, site: Site) -> Iterator[Request | str]:
    rooms = site.rooms
    batches = pending(app, rooms.object_store, rooms.postgres)
    stale = late.of_today(app, rooms.postgres, rooms.clock())
    if not batches and not stale:
        yield "Nothing has landed."
        return
    newest = max(batches, key=lambda batch: (batch.last_modified, batch.key), default=None)
    landed = f"{newest.key}-{newest.etag}-{len(batches)}" if newest else "-"
    state = f"{landed}-{followed(app, rooms.postgres)}"
    # Where one of both fails, the other goes on by itself.
    ingest = Request("ingest", assets=[INGESTED], state=landed)
    shown = Request("shown", assets=[TODAY, SHOWN] if app.has_kv else [TODAY], state=state)
    yield Request(state=state, parts=[*([ingest] if batches else []), *([shown] if stale else [])])


def _late(app: App, site: Site, warn: Callable[[str], None]) -> Iterator[Request | str]:
    rooms, earliest = site.rooms, midnight(site.calendar.start)
    follow(app, rooms.lake.table(events_table(app)), rooms.postgres, rooms.clock)
    now = rooms.clock()
    since = late.horizon(earliest, site.late_horizon, now)
    stale = late.stale(app, rooms.postgres, since, now, earliest=earliest, pause=site.late_pause)
    too_old = str(late.beyond(app, rooms.postgres, earliest, since))
    if too_old:
        warn(too_old)
    if not stale:
        yield " ".join(filter(None, ["No window that was rolled up has changed since.", too_old]))
        return
    state = followed(app, rooms.postgres)
    for window in stale.hours:
        yield _range("roll_up_hours", hourly_key(window.start), hourly_key(window.end - HOUR), state)
    for window in stale.days:
        yield _range("roll_up_days", daily_key(window.start.date()), daily_key((window.end - DAY).date()), state)
    # A week or month waits for its days: with a stale one, it would be built twice.
    for period, job in PERIOD_JOBS.items():
        for window in stale.ready(period):
            first, last = map(daily_key, period.ends(window))
            yield _range(job, first, last, state)


def _range(job: str, first: str, last: str, state: str) -> Request:
    return Request(f"{job}-{first}-{last}", (first, last), job=job, state=state)
