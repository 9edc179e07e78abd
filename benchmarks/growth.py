"""Growth of cost: the same hourly run over a history of 182 days and over one that is five times as long.

The hourly run is that of the schedules: ingest of twelve 5-minute batches, compaction, the roll-up of the hour and of
the day in progress, the caches. The times of steps are those that Dagster reports, with checks. What a run costs before
its first step does not depend on the history and is left out. The first hour of a day is not timed, because compaction
then plans the whole table. The two histories take turns, hour by hour, so that other load of the machine slows both. A
history is kept, as upkeep leaves it, and each benchmark adds its hours.
"""

import warnings
from collections import defaultdict
from collections.abc import Iterator, Mapping
from contextlib import ExitStack
from datetime import datetime, timedelta

import msgspec
import polars as pl
from dagster import DagsterInstance, Definitions

from assets.apps.clearlift import APP as CLEARLIFT
from assets.capability import job_name
from assets.events import landing
from assets.events.ledger import IngestLedger
from assets.rollups.build import RollUp
from assets.rollups.definition import Grain
from assets.rollups.follow import follow
from assets.windows import DAY, HOUR, Window, daily_key, hourly_key, midnight
from benchmarks import dataset, measure
from benchmarks.dataset import EVENTS
from clearlift_pipelines.definitions import build_defs
from clearlift_pipelines.stores import Stores
from resources.lake import LakeTable, PartitionKey
from resources.lake.expiry import expire
from resources.lake.manifests import rewrite

DAYS = (182, 910)
"""Both are longer than what a cache reads: its longest range, 90 days, and the period before it."""
ORGS = [f"org{n:03}" for n in range(10)]
ROWS_A_DAY = 500
"""Of an organisation, in one file a day: 1,820 files in one history, 9,100 in the other."""
BATCHES_A_DAY = 288
BATCHES_AN_HOUR = 12
EVENTS_A_BATCH = 100
"""Of an organisation."""
HOURS = 8
GOAL = 1.2
QUIET = {"loggers": {"console": {"config": {"log_level": "CRITICAL"}}}}


class History:
    """Stores with a history of some days, and the code location over them. `now` is its clock."""

    def __init__(self, days: int) -> None:
        self.days = days
        self.stores = _built(days)
        self.now = dataset.FIRST_DAY
        last = IngestLedger(self.stores.postgres, CLEARLIFT.name).taken_until()
        self.next_hour = dataset.FIRST_DAY if last is None else midnight((last - HOUR / 2).date()) + DAY
        self.stores.clock = lambda: self.now
        self._definitions: Definitions = build_defs(self.stores.settings, self.stores)

    def hour(self, instance: DagsterInstance) -> dict[str, float]:
        """Land and run the next hour; returns the seconds by step."""
        hour, self.next_hour = self.next_hour, self.next_hour + HOUR
        _land(self.stores, hour)
        self.now = hour + HOUR + timedelta(minutes=10)
        seconds: dict[str, float] = {}
        for job, partition in (
            ("ingest", None),
            ("hourly", hourly_key(hour)),
            ("roll_up_days", daily_key(hour.date())),
        ):
            result = self._definitions.resolve_job_def(job_name(CLEARLIFT, job)).execute_in_process(
                instance=instance, partition_key=partition, run_config=QUIET
            )
            for event in result.all_events:
                if event.is_step_success:
                    step = (event.step_key or "").removeprefix("clearlift__").replace("__", "/")
                    seconds[step] = event.step_success_data.duration_ms / 1000
        return seconds


def main() -> None:
    """Print the table."""
    warnings.filterwarnings("ignore", category=DeprecationWarning)
    times: dict[int, dict[str, list[float]]] = {days: defaultdict(list) for days in DAYS}
    with ExitStack() as opened:
        instance = opened.enter_context(DagsterInstance.ephemeral())
        histories = [History(days) for days in DAYS]
        start = max(history.next_hour for history in histories)
        for history in histories:
            opened.callback(history.stores.close)
            history.next_hour = start
            history.hour(instance)  # the first hour plans the whole table and fills the caches
        for turn in range(HOURS):
            for history in histories[:: -1 if turn % 2 else 1]:
                for step, seconds in history.hour(instance).items():
                    times[history.days][step].append(seconds)
    short, long = (_best(times[days]) for days in DAYS)
    measure.table(
        f"An hourly run after {DAYS[0]} and after {DAYS[1]} days, {len(ORGS)} organisations: goal ≤ {GOAL:g} x",
        ["step", f"ms after {DAYS[0]} days", f"ms after {DAYS[1]} days", "ratio"],
        [
            [step, f"{1000 * short[step]:,.0f}", f"{1000 * long[step]:,.0f}", f"{long[step] / short[step]:.2f}"]
            for step in short
        ],
    )


def _best(steps: Mapping[str, list[float]]) -> dict[str, float]:
    """The fastest of the hours, because other load of the machine only adds time."""
    best = {step: min(seconds) for step, seconds in steps.items()}
    return {**best, "**all**": sum(best.values())}


def _land(stores: Stores, hour: datetime) -> None:
    """Land the twelve batches of an hour. The last line of each is refused."""
    length = HOUR / BATCHES_AN_HOUR
    for number in range(BATCHES_AN_HOUR):
        start = hour + number * length
        frames = [
            dataset.events(EVENTS_A_BATCH, org, start, length, int(start.timestamp()) + n) for n, org in enumerate(ORGS)
        ]
        lines = [msgspec.json.encode(row) for row in pl.concat(frames).iter_rows(named=True)]
        stores.object_store.put(
            f"{landing.zone(CLEARLIFT).hour_prefix(hour)}batch-{number:02}.ndjson", b"\n".join([*lines, b"{}"])
        )


def _built(days: int) -> Stores:
    """Stores whose history ends at `dataset.FIRST_DAY`. They are made once."""
    stores = dataset.stores(f"growth-{days}")
    if IngestLedger(stores.postgres, CLEARLIFT.name).taken_until() is None:
        table = stores.lake.table(EVENTS)
        _organisations(stores)
        start = dataset.FIRST_DAY - timedelta(days=days)
        for day in Window(start, dataset.FIRST_DAY).days():
            table.append(table.write(_parts(day)), f"history-{day.start:%Y-%m-%d}")
        while follow(CLEARLIFT, table, stores.postgres, lambda: dataset.FIRST_DAY):
            pass
        _kept(table)
        for grain in (Grain.HOURLY, Grain.DAILY):
            RollUp(CLEARLIFT, grain, table, stores.postgres, lambda: dataset.FIRST_DAY).run(
                Window(start, dataset.FIRST_DAY)
            )
        _ledger(stores, days)
    return stores


def _parts(day: Window) -> Iterator[tuple[PartitionKey, pl.DataFrame]]:
    for number, org in enumerate(ORGS):
        seed = int(day.start.timestamp()) + number
        yield PartitionKey(org, day.start.date()), dataset.events(ROWS_A_DAY, org, day.start, DAY, seed)


def _kept(table: LakeTable) -> None:
    """Do what upkeep does: sort the manifests by day, and keep only the last snapshots."""
    rewrite(table)
    expire(table, lambda snapshots: [s.id for s in snapshots[-10:]])


def _organisations(stores: Stores) -> None:
    d1 = stores.d1(CLEARLIFT)
    d1.upsert("organizations", ["id", "name", "slug"], [[org, org, org] for org in ORGS], ["id"])
    d1.upsert("org_tag_mappings", ["id", "organization_id", "short_tag"], [[org, org, org] for org in ORGS], ["id"])


def _ledger(stores: Stores, days: int) -> None:
    """Record that a run of its own has ingested each batch of the history, with one refused line.

    The batches that a listing still returns are put into the landing zone.
    """
    for number in range(BATCHES_A_DAY * landing.OVERLAP // DAY):
        arrival = dataset.FIRST_DAY - (number + 1) * DAY / BATCHES_A_DAY
        stores.object_store.put(f"{landing.zone(CLEARLIFT).hour_prefix(arrival)}batch-{arrival:%M}.ndjson", b"")
    landed = {info.key: info.etag or "" for info in stores.object_store.list(landing.zone(CLEARLIFT).prefix)}
    older = (f"older-{number}" for number in range(days * BATCHES_A_DAY - len(landed)))
    batches = {**dict.fromkeys(older, ""), **landed}
    stores.postgres.execute(
        """
        with batch as materialized (
            select key, etag, gen_random_uuid() as id, %(start)s::timestamptz + n * interval '5 minutes' as at
            from unnest(%(keys)s::text[], %(etags)s::text[]) with ordinality as listed (key, etag, n)
        ), run as (
            insert into ingest.runs (app, ingest_id, state, started_at, committed_at, snapshot_id)
            select %(app)s, id, 'committed', at, at, 1 from batch
        ), taken as (
            insert into ingest.batches (
                object_key, etag, sha256, ingest_id, bytes, received, stored, doubled, quarantined, without_consent,
                first_event, last_event, app
            )
            select key, etag, md5(key), id, 1000, 100, 99, 0, 1, 0, at, at, %(app)s from batch
        )
        insert into ingest.quarantine (app, sha256, line, object_key, reason, field, ingest_id)
        select %(app)s, md5(key), 1, key, 'missing_field', 'event_id', id from batch
        """,
        {
            "app": CLEARLIFT.name,
            "start": dataset.FIRST_DAY - (len(batches) + 1) * DAY / BATCHES_A_DAY,
            "keys": list(batches),
            "etags": list(batches.values()),
        },
    )
    stores.postgres.execute("analyze")


if __name__ == "__main__":
    main()
