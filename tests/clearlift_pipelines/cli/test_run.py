"""`clearlift run`: everything up to date in one go, as its sample's own truth says; a second time changes nothing."""

import re
from collections import Counter
from datetime import UTC, datetime, timedelta
from itertools import combinations, pairwise
from typing import Any
from uuid import uuid4

import pytest
from hypothesis import given
from hypothesis import strategies as st

from assets.apps import APPS
from assets.apps.clearlift import APP as CLEARLIFT
from assets.events import pruned
from assets.events.ledger import IngestLedger
from assets.intake.postgres_refusals import PostgresRefusals
from assets.windows import HOUR, Window, joined
from clearlift_pipelines.cli.run import MOST_RANGES, across_narrowest_gaps
from clearlift_pipelines.stores import Stores, utc_now
from resources.lake import PartitionKey
from sandbox import sample, sample_stores
from tests.assets.event_pipeline import line
from tests.clearlift_pipelines.cli.shorter_run import followed_by, in_two_instalments, without_backups
from tests.clearlift_pipelines.cli.terminal import Terminal

SMALL = ("--sample", "--days", "1", "--scale", "0.05")


def built(stores: Stores) -> list[dict[str, Any]]:
    """Every roll-up row and cached key with when it was written."""
    rows = []
    for table in ("hourly", "daily", "hourly_totals", "daily_totals", "hourly_pages", "daily_campaigns"):
        rows += stores.postgres.fetch(f"select xmin::text, ctid::text, * from rollups.{table} order by ctid")
    return rows


def said_counts(said: str) -> dict[str, int]:
    """The counts of lines in the summary: the line that names the app, and the four below it."""
    lines = said.splitlines()
    first = next(number for number, line in enumerate(lines) if line.strip().startswith("ClearLift: lines received"))
    cells = [re.split(r" {2,}", line.strip()) for line in lines[first : first + 5]]
    return {name: int(number.replace(",", "")) for name, number, *_ in cells}


@pytest.mark.early
def test_a_sample_ends_as_its_truth_says_and_a_second_run_changes_nothing(on_supabase: Terminal) -> None:
    """As service_role of a Supabase project, from its first migration on."""
    terminal = on_supabase
    terminal.good("migrate", "up")
    in_two_instalments(terminal.monkeypatch)
    without_backups(terminal.monkeypatch)
    said = terminal.good("run", *SMALL)
    assert "Consignment: Autumn Kids Sale: draft, published, 60 items" in " ".join(said.split())
    stores = terminal.stores
    until = sample_stores.marked(stores.object_store)
    assert until is not None
    _, truth = sample.batches(until, days=1, scale=0.05)
    totals = IngestLedger(stores.postgres, CLEARLIFT.name).totals()
    assert {name: totals[name] for name in ("received", "stored", "doubled", "quarantined", "without_consent")} == {
        "received": truth.received,
        "stored": truth.stored,
        "doubled": truth.doubled,
        "quarantined": truth.quarantined,
        "without_consent": truth.without_consent,
    }
    refused: Counter[str] = Counter()
    for row in PostgresRefusals(stores.postgres, "events", CLEARLIFT.name).summary():
        refused[row["reason"]] += row["lines"]
    assert refused == dict(truth.refused)
    for grain in ("hourly", "daily"):
        row = stores.postgres.fetch(f"select sum(events) as n from rollups.{grain}_totals")[0]
        assert row["n"] == truth.stored
    counts = ("stored", "doubled", "quarantined", "without_consent")
    assert said_counts(said) == {
        "ClearLift: lines received": truth.received,
        **{name.replace("_", " "): getattr(truth, name) for name in counts},
    }
    # Every event of Growth's own database is counted, however many its sample has.
    assert re.search(r"Growth +[\d,]+ leads, [\d,]+ onboardings, ([\d,]+) events, \1 counted", said)
    assert "check failed" not in said
    keys = stores.postgres.fetch("select namespace, key, family, written_at from cache.entries order by namespace, key")
    for app in APPS:
        present = {info.name for info in stores.kv(app).list()}
        assert {row["key"] for row in keys if row["namespace"] == app.name} == present

    before = built(stores)
    terminal.good("run", *SMALL)
    assert IngestLedger(stores.postgres, CLEARLIFT.name).totals() == totals
    assert built(stores) == before
    again = stores.postgres.fetch(
        "select namespace, key, family, written_at from cache.entries order by namespace, key"
    )
    # Connections show when they were synced last, and attribution what today has cost up to this hour.
    changing = ("connections", "attribution")
    lasting = [[row for row in entries if row["family"] not in changing] for entries in (again, keys)]
    assert lasting[0] == lasting[1] != []

    status = terminal.good("status")
    assert "clearlift/rollups/daily" in status
    # Retention reports what it would delete and deletes nothing. Archives, the pruning that needs them, and reports of
    # a month run seldom; the look at KV itself is its schedule's, nobody asked to be erased, and backups were left out.
    seldom = (
        "/archive/",
        "/retention/pruning",
        "/cache/verified",
        "/compliance/report",
        "/privacy/erasures",
        "/backups/",
    )
    assert all(any(name in line for name in seldom) for line in status.splitlines() if " never" in line)
    assert not stores.postgres.fetch("select from retention.deletions")
    assert "changed" not in status


def test_without_a_sample_it_takes_what_has_landed_and_leaves_out_what_cannot_be_made(terminal: Terminal) -> None:
    """A clock that runs ahead sends events of an hour that has no partition yet; a late one is of an archived day."""
    stores = terminal.stores
    stores.migrate()
    sample_stores.fill_d1(stores.d1(CLEARLIFT))
    now = utc_now()
    batch = terminal.folder / "ahead.ndjson"
    gone = now - timedelta(days=8)
    with stores.postgres.connection() as connection:
        rows = {PartitionKey("a3f7c2", gone.date()): 1}
        pruned.mark(connection, CLEARLIFT, "2026Q1", rows, commit_id=uuid4(), at=now)
    terminal.monkeypatch.setenv("CLEARLIFT_LATE_DAYS", "3")
    times = (gone, now - timedelta(days=2), now, now + timedelta(hours=20))
    batch.write_bytes(b"\n".join(line(n, timestamp=t.isoformat()) for n, t in enumerate(times)))
    terminal.good("land", str(batch))

    followed_by(terminal.monkeypatch, "partitions")
    said = " ".join(terminal.good("run", "--no-sample").split())

    assert IngestLedger(stores.postgres, CLEARLIFT.name).totals()["stored"] == 4
    restore = "`clearlift archive restore clearlift events 2026Q1 --into live`"
    backfill = f"clearlift backfill rollups --from {gone:%Y-%m-%d}"
    assert f"1 late event in 1 day, too old to be rolled up automatically: {restore}; {backfill}" in said
    for grain, step in (("hourly", "hour"), ("daily", "day")):
        row = stores.postgres.fetch(
            f"select sum(events) as n, min({step})::timestamptz as first, max({step})::timestamptz as last"
            f" from rollups.{grain}_totals"
        )[0]
        assert row["n"] >= 2
        assert row["first"] > gone
        assert row["last"] <= utc_now()
    assert not stores.object_store.exists(sample_stores.LANDED)


@pytest.mark.parametrize(
    ("option", "values", "bounds"),
    [
        ("--days", ("0", "-1", "367"), "is not in the range 1<=x<=366"),
        ("--scale", ("nan", "inf", "-inf", "0", "-1", "101"), "is not above 0 and at most 100"),
    ],
)
def test_a_sample_out_of_bounds_is_refused_before_anything_is_made(
    terminal: Terminal, option: str, values: tuple[str, ...], bounds: str
) -> None:
    before = set(terminal.folder.rglob("*"))
    for value in values:
        said = terminal.clearlift("run", "--sample", option, value)
        assert said.code == 2
        assert f"Error: Invalid value for '{option}': {value} {bounds}" in said.err
    assert set(terminal.folder.rglob("*")) == before


START = datetime(2026, 3, 1, tzinfo=UTC)


def hours(windows: list[Window]) -> int:
    return sum((w.end - w.start) // HOUR for w in windows)


@given(st.sets(st.integers(0, 40), min_size=1, max_size=12), st.integers(1, 5))
def test_ranges_joined_across_the_narrowest_gaps_cover_all_and_no_choice_covers_less(
    stale: set[int], most: int
) -> None:
    windows = joined((START + hour * HOUR for hour in stale), HOUR)
    ranges = across_narrowest_gaps(windows, most)
    assert len(ranges) == min(len(windows), most)
    assert {at for w in windows for at in w.steps(HOUR)} <= {at for w in ranges for at in w.steps(HOUR)}
    choices = [
        [Window(windows[a].start, windows[b - 1].end) for a, b in pairwise((0, *cuts, len(windows)))]
        for cuts in combinations(range(1, len(windows)), len(ranges) - 1)
    ]
    assert hours(ranges) == min(map(hours, choices))


def test_a_late_event_of_last_year_does_not_have_the_year_made_again() -> None:
    this_week = [START + day * 24 * HOUR for day in (0, 2, 4, 5)]
    ranges = across_narrowest_gaps(joined([START - timedelta(days=400), *this_week], HOUR), MOST_RANGES)
    assert (len(ranges), hours(ranges)) == (4, 5 + 23)
    assert across_narrowest_gaps([], MOST_RANGES) == []
