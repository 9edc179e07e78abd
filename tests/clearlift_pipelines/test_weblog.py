"""A web site's log from landing to roll-ups, by the jobs: a generated one; the real one is a long-running test."""

import gzip
import random
import shutil
import uuid
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from pathlib import Path

import msgspec
import pytest

from assets.apps.clearlift import APP as CLEARLIFT
from assets.events.ledger import IngestLedger
from assets.rollups import sketch
from tests.clearlift_pipelines.location import SWEEP, Location
from tests.tables import EVENTS

REAL = Path(__file__).resolve().parents[3] / "shared" / "data" / "weblog" / "landing"
FIRST_DAY, LAST_DAY = "2025-10-10", "2025-10-13"
START = datetime(2025, 10, 10, tzinfo=UTC)


@dataclass(frozen=True)
class Totals:
    """What a log holds, each event once."""

    events: int
    page_views: int
    sessions: int
    visitors: int


def twin(folder: Path) -> Totals:
    """About 2,000 requests over four days as hourly gzip batches below `folder`, as the real log lies; their totals."""
    chance = random.Random(11)
    hours: dict[datetime, list[bytes]] = {}
    events = page_views = 0
    sessions, visitors = set(), set()
    for number in range(650):
        visitor, session = f"visitor-{chance.randrange(400)}", str(uuid.UUID(int=chance.getrandbits(128)))
        at = START + timedelta(seconds=chance.uniform(0, 4 * 86_400 - 600))
        for step in range(chance.choice((1, 2, 3, 6))):
            kind = "page_view" if step == 0 or chance.random() < 0.1 else "resource_load"
            hour = at.replace(minute=0, second=0, microsecond=0)
            hours.setdefault(hour, []).append(
                msgspec.json.encode(
                    {
                        "org_tag": "a3f7c2",
                        "session_id": session,
                        "anonymous_id": visitor,
                        "event_type": kind,
                        "event_id": f"{number}-{step}",
                        "timestamp": at.isoformat().replace("+00:00", "Z"),
                        "page_url": "http://x.example/",
                        "page_title": "é",
                        "page_path": f"/{step}",
                        "page_hostname": "x.example",
                        "device_type": "desktop",
                        "browser_name": "Mozilla",
                        "browser_language": "und",
                        "viewport_width": 0,
                        "viewport_height": 0,
                        "consent_analytics": True,
                    }
                )
            )
            events += 1
            page_views += kind == "page_view"
            at += timedelta(seconds=chance.uniform(0.001, 100))
        sessions.add(session)
        visitors.add(visitor)
    for hour, lines in hours.items():
        batch = folder / f"events/{hour:%Y/%m/%d/%H}/batch-0000.ndjson.gz"
        batch.parent.mkdir(parents=True)
        batch.write_bytes(gzip.compress(b"\n".join(lines) + b"\n", mtime=0))
    return Totals(events, page_views, len(sessions), len(visitors))


def real(folder: Path) -> Totals:
    """The real log, copied below `folder`."""
    if not REAL.is_dir():
        pytest.skip("the real log is not on this machine")
    shutil.copytree(REAL / "events", folder / "events")
    return Totals(9_999, 3_469, 3_223, 1_861)


@pytest.mark.parametrize(
    "log", [pytest.param(twin, id="generated"), pytest.param(real, id="real", marks=pytest.mark.soak)]
)
def test_a_weblog_is_stored_once_and_rolls_up_to_its_totals(location: Location, log: object) -> None:
    landing = Path(location.stores.settings.home) / "r2" / "landing"
    totals: Totals = log(landing)  # type: ignore[operator]

    assert location.run("ingest", config=SWEEP).success
    _expect_stored(location, totals)
    location.run("roll_up_hours", f"{FIRST_DAY}-00:00", f"{LAST_DAY}-23:00")
    location.run("roll_up_days", FIRST_DAY, LAST_DAY)
    _expect_rolled_up(location, totals)
    assert location.run("compact").success

    # The same bytes under other names, and the same lines in other bytes.
    for batch in sorted(landing.rglob("*.gz")):
        batch.with_name(f"again-{batch.name}").write_bytes(batch.read_bytes())
        batch.with_name("plain.ndjson").write_bytes(gzip.decompress(batch.read_bytes()))
    assert location.run("ingest", config=SWEEP).success
    ledger = IngestLedger(location.stores.postgres, CLEARLIFT.name).totals()
    assert (ledger["stored"], ledger["doubled"]) == (totals.events, 2 * totals.events)
    assert location.stores.lake.table(EVENTS).scan().collect().height == totals.events
    location.run("roll_up_hours", f"{FIRST_DAY}-00:00", f"{LAST_DAY}-23:00")
    location.run("roll_up_days", FIRST_DAY, LAST_DAY)
    _expect_rolled_up(location, totals)


def _expect_stored(location: Location, totals: Totals) -> None:
    ledger = IngestLedger(location.stores.postgres, CLEARLIFT.name).totals()
    assert (ledger["received"], ledger["stored"], ledger["quarantined"]) == (totals.events, totals.events, 0)


def _expect_rolled_up(location: Location, totals: Totals) -> None:
    for grain in ("hourly", "daily"):
        for table in (grain, f"{grain}_totals", f"{grain}_sources"):
            assert location.count(f"select sum(events) from rollups.{table}") == totals.events
        views = f"select sum(events) from rollups.{grain} where event_type = 'page_view'"
        assert location.count(views) == totals.page_views
        assert location.count(f"select sum(events) from rollups.{grain}_pages") == totals.page_views
        rows = location.stores.postgres.fetch(f"select visitor_sketch, session_sketch from rollups.{grain}_totals")
        assert sketch.count(sketch.merge(row["session_sketch"] for row in rows)) == totals.sessions
        assert sketch.count(sketch.merge(row["visitor_sketch"] for row in rows)) == totals.visitors
