"""A location whose apps have lived for a year, and in which all that keeps copies has run. No fixtures here.

What belongs here: what people left, and the jobs that back up, archive, merge and prune it. What does not: what must be
true once they are erased.
"""

import json
from collections.abc import Iterator, Mapping
from datetime import datetime, timedelta
from typing import Any

from assets.apps import APPS, App
from assets.apps.lifecycle import Lifecycle
from assets.archive.quarters import Quarter, due
from assets.archive.write import Archiver
from assets.capability import Object
from assets.events import landing
from assets.retention.assets import names
from assets.windows import daily_key, hourly_key
from resources.d1 import D1
from sandbox import sample, sample_apps, sample_stores
from tests.assets.event_pipeline import event
from tests.clearlift_pipelines.location import SWEEP, Location

BY_NAME = {app.name: app for app in APPS}
VISITOR, FORMER = "visitor-of-the-erasure-17", "former-visitor-of-the-erasure-18"
"""Two visitors. Of the second nothing live is left, because all of their events were archived and pruned."""
LEAD, SESSION = "00000000-0000-4000-8000-000000000001", "session-of-the-erasure-17"
SCALE = 0.02
NOTHING: Mapping[Object, Mapping[str, Any]] = {}


def live_in(location: Location, now: datetime) -> None:
    """Everything that happened until now, in the apps' own order."""
    (events,) = (quarters for entry, quarters in archived(BY_NAME["clearlift"], now) if entry.table == "events")
    past = events[-1].window.start + timedelta(days=40)
    for app in APPS:
        if app.d1_migrations is not None:
            sample_apps.fill(app, location.stores.d1(app), location.stores.object_store, now)
            _age_log(location.stores.d1(app), past)
    _visit(location, past, seed=7, visitors=(VISITOR, FORMER))
    _grow(location, past)
    _done(location, "sesh", "points", {("points", "ingested"): {"sweep": True}})
    _done(location, "sesh", "media", {("media", "variants"): {"sweep": True}})
    _all_done(location, "partitions", "metrics", "phones", "pending_events", "aggregate")
    back_up(location)
    for app in APPS:
        for entry, quarters in archived(app, now):
            for quarter in quarters:
                Archiver.of(location.stores, app, entry).run(quarter)
        _prune(location, app)
    _visit(location, now - timedelta(hours=3), seed=8, visitors=(VISITOR,))
    _all_done(location, "compact", "tidy", "remove_files", "seal", "changes", "invalidate", "warm")
    back_up(location)


def archived(app: App, now: datetime) -> Iterator[tuple[Lifecycle, list[Quarter]]]:
    """The tables of an app that are archived, each with the quarters that are old enough."""
    for entry in app.lifecycles:
        if entry.archive is not None:
            yield entry, due(now.date(), entry.archive.after_days, 4)


def back_up(location: Location) -> None:
    """Every store."""
    for name in ("pipelines", *BY_NAME):
        assert location.run("backup", app=name).success


def _all_done(location: Location, *jobs: str) -> None:
    """Jobs of all apps that have them."""
    for job in jobs:
        for app in APPS:
            _done(location, app.name, job)


def _done(location: Location, app: str, job: str, config: Mapping[Object, Mapping[str, Any]] = NOTHING) -> None:
    if any(found.name == f"{app}_{job}" for found in location.defs.jobs or ()):
        ops = {"__".join((app, *asset)): {"config": dict(given)} for asset, given in config.items()}
        assert location.run(job, app=app, config={"ops": ops}).success, f"{app} {job}"


def _visit(location: Location, until: datetime, *, seed: int, visitors: tuple[str, ...]) -> None:
    """A day of the sample's events, and a session of each of some visitors, with what is made of them."""
    store = location.stores.object_store
    batches, _ = sample.batches(until, days=1, seed=seed, scale=SCALE)
    for batch in batches:
        sample_stores.land(store, batch)
    for visitor in visitors:
        lines = [
            event(
                number, timestamp=(until - timedelta(minutes=10 - number)).isoformat(), anonymous_id=visitor,
                event_id=f"{visitor}-{seed}-{number}", page_path=f"/hello/{visitor}", session_id=f"{visitor}-{seed}",
                org_tag="a3f7c2" if number < 7 else "nobody",
            )
            for number in range(8)
        ]  # fmt: skip
        key = f"{landing.zone(BY_NAME['clearlift']).hour_prefix(until)}batch-of-{seed}-{len(visitor)}.ndjson"
        store.put(key, "\n".join(map(json.dumps, lines)).encode() + b"\n")
    assert location.run("ingest", config=SWEEP).success
    first, last = until - timedelta(days=1), until
    assert location.run("roll_up_hours", hourly_key(first), hourly_key(last)).success
    for job in ("roll_up_days", "sessions", "attribution"):
        assert location.run(job, daily_key(first.date()), daily_key(last.date())).success


def _grow(location: Location, past: datetime) -> None:
    """Events of a lead and of others that are old enough for the archive, beside the sample's of today."""
    location.stores.app_postgres(BY_NAME["growth"]).execute(
        "insert into analytics.events (type, name, lead_id, session_id, created_at, page)"
        " select 'page_view', 'view', case when n %% 2 = 0 then %(lead)s::uuid end,"
        " case when n %% 2 = 0 then %(session)s else 'session-of-others-' || n end, %(past)s, '/hello/' || %(session)s"
        " from generate_series(1, 20) as n",
        {"lead": LEAD, "session": SESSION, "past": past},
    )


def _age_log(d1: D1, past: datetime) -> None:
    """Let the first half of the change log be of the past."""
    if d1.query("select 1 as one from sqlite_master where name = 'change_log'"):
        d1.execute("update change_log set changed_at = ? where id % 2 = 1", [f"{past:%Y-%m-%dT%H:%M:%S.000Z}"])


def _prune(location: Location, app: App) -> None:
    for_good = {"dry_run": False, "confirm": True}
    _done(location, app.name, "retention", {("retention", name): for_good for name in names(app)})
    _done(location, app.name, "pruning", {("retention", "pruning"): for_good})
