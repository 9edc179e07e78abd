"""Faults of web events: found within two ticks, named, told once, gone after the command that the finding prints."""

from datetime import timedelta

from assets.apps.clearlift import APP as CLEARLIFT
from assets.apps.sesh import APP as SESH
from assets.finding import Severity
from assets.points import landing
from assets.rollups.follow import follow
from assets.windows import HOUR, midnight
from clearlift_pipelines import settings
from clearlift_pipelines.cli.job import job
from clearlift_pipelines.cli.jobs import runnable
from clearlift_pipelines.definitions import build_defs
from resources.d1.times import stamp
from tests.assets.event_pipeline import line
from tests.assets.health.watch import TICK, Watch
from tests.assets.points.flushes import line as point_line
from tests.assets.rollups.event_lake import EventLake, event, frame
from tests.clearlift_pipelines.cli import intake
from tests.sql.sesh.database import put
from tests.standin.basin_catalog import BasinCatalog

LATE = timedelta(minutes=20)


def followed(lake: EventLake) -> None:
    while follow(lake.app, lake.events, lake.postgres, lake.clock):
        pass


def test_events_that_are_in_no_rollup(watch: Watch) -> None:
    lake = EventLake(watch.stores)
    first = midnight((watch.clock() - timedelta(days=60)).date())
    lake.append(*(event(timestamp=first + 3 * HOUR) for _ in range(3)))
    followed(lake)
    found = watch.found("clearlift/events_in_no_rollup")
    assert found.finding.severity is Severity.CRITICAL
    assert found.finding.message == (
        f"3 late events are in no roll-up: their 1 day from {first:%Y-%m-%d} on are too old to be made again by"
        " themselves"
    )
    watch.gone_after(found)
    assert sum(row[2] for row in lake.table("rollups.daily_totals")) == 3
    # Its campaigns are credited again by a command of their own, once nobody did it by then.
    watch.later(LATE)
    watch.gone_after(watch.found("clearlift/unattributed_days", f"days from {first:%Y-%m-%d}"))


def test_commits_that_nobody_followed(watch: Watch) -> None:
    watch.terminal.monkeypatch.setattr("clearlift_pipelines.cli.run.FURTHER", {"partitions": {}})
    watch.stores.d1(CLEARLIFT).execute("update platform_connections set is_active = 0")
    EventLake(watch.stores).append(event(timestamp=watch.clock() - timedelta(days=2)))
    assert not watch.tick(), "it may be followed within minutes"
    watch.later(LATE - TICK)
    found = watch.found("clearlift/commits_not_followed")
    assert "1 commit of the lake" in found.finding.message
    watch.gone_after(found)


def test_windows_that_changed_and_were_not_made_again(watch: Watch) -> None:
    lake = EventLake(watch.stores)
    lake.append(event(timestamp=midnight((watch.clock() - timedelta(days=2)).date())))
    followed(lake)
    assert not watch.tick()
    watch.later(LATE - TICK)
    for name in ("roll_up_hours", "roll_up_days"):
        watch.gone_after(watch.found("clearlift/changed_windows", name))


def test_a_batch_that_waits(watch: Watch) -> None:
    (watch.terminal.folder / "one.ndjson").write_bytes(line(1))
    watch.terminal.good("land", "one.ndjson")
    assert not watch.tick()
    watch.later(LATE)
    found = watch.found("clearlift/batches_wait")
    assert found.finding.message.startswith("1 landed batch (0.0 MiB)")
    watch.gone_after(found)
    assert intake.totals(watch.terminal)["received"] == 1


def test_more_refused_lines_than_usual(watch: Watch) -> None:
    lines = b"\n".join(line(number, org_tag="fresh1") for number in range(120))
    (watch.terminal.folder / "many.ndjson").write_bytes(lines)
    watch.terminal.good("land", "many.ndjson")
    intake.ingest(watch.terminal)
    found = watch.found("clearlift/refused_lines")
    assert "120 of 120 lines of a day are refused, most of them as unknown_org_tag" in found.finding.message
    d1 = watch.stores.d1(CLEARLIFT)
    d1.execute("update org_tag_mappings set short_tag = 'fresh1' where short_tag = 'a3f7c2'")
    watch.gone_after(found)


def flushed(watch: Watch, *lines: bytes) -> None:
    watch.stores.object_store.put(f"{landing.zone(SESH).hour_prefix(watch.clock())}flush.ndjson", b"\n".join(lines))


def test_points_that_wait(watch: Watch) -> None:
    put(watch.stores.d1(SESH), "users", id="u1")
    flushed(watch, point_line(at=stamp(watch.clock())))
    assert not watch.tick()
    watch.later(timedelta(minutes=130))
    found = watch.found("sesh/points_wait")
    assert found.finding.message.startswith("1 landed batch (0.0 MiB)")
    watch.gone_after(found)


def test_more_refused_points_than_usual(watch: Watch) -> None:
    flushed(watch, *(point_line(seq=number, at=stamp(watch.clock())) for number in range(1, 121)))
    watch.terminal.good("job", "points")
    found = watch.found("sesh/refused_points")
    assert "120 of 120 lines of a day are refused, most of them as no_partition" in found.finding.message
    watch.terminal.good("job", "partitions")
    put(watch.stores.d1(SESH), "users", id="u1")
    watch.gone_after(found)


def test_settings_of_the_lake_that_another_engine_changed(watch: Watch) -> None:
    lake = EventLake(watch.stores)
    with lake.events.load().transaction() as transaction:
        transaction.set_properties({"write.metadata.delete-after-commit.enabled": "false"})
    found = watch.found("clearlift/lake_settings")
    assert "write.metadata.delete-after-commit.enabled" in found.finding.message
    watch.gone_after(found)


def test_a_catalog_that_expires_snapshots_by_itself(watch: Watch) -> None:
    with BasinCatalog() as basin:
        watch.stores.lake.managed = basin.client
        assert not watch.tick(), "nothing is set"
        basin.expiry = {"state": "disabled", "max_snapshot_age": "7d", "min_snapshots_to_keep": 100}
        watch.later(HOUR)
        assert not watch.tick()
        basin.expiry["state"] = "enabled"
        watch.later(HOUR)
        found = watch.found("clearlift/catalog_expiry", "lake")
        assert "snapshots older than 7d by itself, but for the newest 100" in found.finding.message
        assert found.finding.command == "npx wrangler basin catalog snapshot-expiration disable lake"
        # Somebody turns it off for the catalog, and for this table it was on as well.
        basin.expiry, basin.of_table["clearlift", "events"] = {}, basin.expiry
        watch.later(HOUR)
        table = watch.found("clearlift/catalog_expiry", "lake/clearlift/events")
        assert table.finding.command.endswith(" disable lake clearlift events")
        basin.of_table.clear()
        watch.later(HOUR)
        watch.gone(table)


def test_a_commit_of_a_stream_that_waits(watch: Watch) -> None:
    name, day = "other.stream", midnight((watch.clock() - timedelta(days=1)).date())
    watch.terminal.monkeypatch.setenv("CLEARLIFT_EVENT_STREAMS__CLEARLIFT", name)
    watch.choose(event_streams={"clearlift": name})
    # A process of its own reads the settings anew, and so knows the job.
    watch.terminal.monkeypatch.setitem(vars(job), "every", runnable(build_defs(settings.load())))
    catalog = watch.stores.lake.catalog
    catalog.create_namespace("other")
    rows = frame([event(timestamp=day)]).select("org_tag", "timestamp", "event_id").to_arrow()
    catalog.create_table(name, rows.schema).append(rows)
    watch.later(LATE)
    found = watch.found("clearlift/stream_waits")
    assert found.finding.message == f"1 commit of {name} and the oldest has not landed"
    watch.gone_after(found)
    assert [info.key for info in watch.stores.object_store.list("landing/events") if "/stream-" in info.key]


def test_small_files_that_the_catalog_does_not_merge(watch: Watch) -> None:
    watch.choose(catalog_compaction={"clearlift": True})
    lake = EventLake(watch.stores)
    day = midnight((watch.clock() - timedelta(days=3)).date())
    for hour in range(16):
        lake.append(event(timestamp=day + hour * HOUR))
    found = watch.found("clearlift/catalog_compaction")
    assert found.finding.message == "the catalog has not merged 16 small files of 1 day that ended"
    watch.gone_after(found)
    assert len(lake.events.files()) == 1
