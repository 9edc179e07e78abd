"""Sesh's series as Dagster runs them: jobs, what they say, checks that pass and checks that do not, and schedules."""

from collections.abc import Iterator
from datetime import UTC, datetime, timedelta
from typing import Any

import pytest
from dagster import AssetKey, ExecuteInProcessResult, Failure

from assets.apps.sesh import APP as SESH
from assets.intake.refused_lines import Selection
from assets.points import landing
from assets.points.refused import quarantine
from sandbox import sample_sesh, sample_sesh_sessions
from tests.assets.points.flushes import line
from tests.assets.series.partitioned_d1 import point
from tests.clearlift_pipelines.location import Location, Moment, located
from tests.databases import database
from tests.sql.sesh.database import put

NOW = datetime(2026, 11, 21, 12, 0, tzinfo=UTC)
SWEEP = {"ops": {"sesh__points__ingested": {"config": {"sweep": True}}}}


@pytest.fixture(scope="module")
def sample(postgres_server: str, migrated_dsn: str, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Location]:
    """The sample in D1 and R2, as of a moment."""
    with (
        database(postgres_server, migrated_dsn) as dsn,
        located(tmp_path_factory.mktemp("home"), dsn) as found,
        pytest.MonkeyPatch.context() as patched,
    ):
        found.now = NOW
        d1 = found.stores.d1(SESH)
        sample_sesh.fill(d1, NOW)
        patched.setattr(sample_sesh_sessions, "DAYS", 400)
        assert sample_sesh_sessions.fill(d1, found.stores.object_store, NOW)["objects"] > 10
        yield found


def run_job(sample: Location, name: str, config: dict[str, Any] | None = None) -> ExecuteInProcessResult:
    return sample.run(name, config=config, app="sesh")


def metadata(run: ExecuteInProcessResult, name: str) -> dict[str, Any]:
    (made,) = run.asset_materializations_for_node(f"sesh__{name}")
    return {key: value.value for key, value in made.metadata.items()}


def checks(run: ExecuteInProcessResult) -> dict[str, bool]:
    found = run.get_asset_check_evaluations()
    return {f"{'/'.join(check.asset_key.path[1:])}.{check.check_name}": check.passed for check in found}


def test_a_month_is_folded_and_points_become_metrics_and_again_there_is_nothing_to_do(sample: Location) -> None:
    run = run_job(sample, "partitions")
    assert all(checks(run).values())
    assert metadata(run, "series__folded")["months"] == 3
    assert metadata(run, "series__folded")["rows"] > 0
    run = run_job(sample, "points", config=SWEEP)
    stored = metadata(run, "points__ingested")["stored"]
    assert stored > 100
    assert {name for name, passed in checks(run).items() if not passed} <= {"points/ingested.no_large_gap"}
    assert metadata(run, "metrics__hourly")["windows"] > 100
    d1 = sample.stores.d1(SESH)
    assert d1.query("select count(*) as n from points") == [{"n": stored}]
    (total,) = d1.query("select sum(entries) as n from metrics_monthly where userId = '' and metric = 'sessions'")
    assert d1.query("select count(*) as n from sessions") == [total]

    again = run_job(sample, "points")
    assert (metadata(again, "points__ingested")["received"], metadata(again, "metrics__hourly")["windows"]) == (0, 0)
    assert metadata(run_job(sample, "partitions"), "series__folded")["months"] == 0


def test_checks_say_what_is_wrong(sample: Location) -> None:
    d1 = sample.stores.d1(SESH)
    for seq in (1, 40):
        point(d1, "holed", seq, NOW - timedelta(minutes=seq), "user-001")
    run = run_job(sample, "points")
    assert not checks(run)["points/ingested.no_large_gap"]
    assert not checks(run)["metrics/hourly.reconciles"], "points that came past the ingest are in no metric"
    d1.execute("delete from points_2026_11 where sessionId = 'holed'")
    assert all(passed for name, passed in checks(run_job(sample, "points")).items() if name.endswith("reconciles"))
    d1.execute("create table sessions_1999 (id text)")
    assert not checks(run_job(sample, "partitions"))["series/partitions.registry_agrees"]
    d1.execute("drop table sessions_1999")


def test_quarantined_lines_are_landed_again_when_that_is_asked_for(sample: Location) -> None:
    store, d1 = sample.stores.object_store, sample.stores.d1(SESH)
    run_job(sample, "points")
    store.put(f"{landing.zone(SESH).hour_prefix(NOW)}newcomer.ndjson", line("first", 1, userId="newcomer"))
    refused = metadata(run_job(sample, "points"), "points__ingested")
    (landed,) = (record.data for record in refused["landed"].records)
    of_points = quarantine(sample.stores, SESH)
    assert of_points is not None
    (open_line,) = of_points.refusals.lines(Selection("unknown_user"))
    assert landed == {
        "batch": open_line.sha256[:16],
        "lines": "1: 0 stored, 0 doubled, 1 refused",
        "refused lines": f"clearlift quarantine list --batch {open_line.sha256[:16]}",
    }
    put(d1, "users", id="newcomer")
    replay = {"ops": {"sesh__points__ingested": {"config": {"replay": "unknown_user"}}}}
    found = metadata(run_job(sample, "points", config=replay), "points__ingested")
    assert (found["received"], found["stored"]) == (1, 1)
    with pytest.raises(Failure, match=r"no line of points is refused for .*Next: name `all` or one of "):
        run_job(sample, "points", config={"ops": {"sesh__points__ingested": {"config": {"replay": "whatever"}}}})


def test_no_run_shows_who_it_was(sample: Location) -> None:
    run = run_job(sample, "points", config=SWEEP)
    text = repr(run.all_events)
    assert "user-0" not in text


@pytest.mark.parametrize(
    ("name", "at", "key", "sweeps"),
    [
        ("partitions", datetime(2026, 12, 1, 2, 10, tzinfo=UTC), "sesh_partitions-2026-12-01T02:10", None),
        ("columns", datetime(2026, 12, 1, 2, 20, tzinfo=UTC), "sesh_columns-2026-12-01T02:20", None),
        ("points", datetime(2026, 12, 1, 3, 15, tzinfo=UTC), "sesh_points-2026-12-01T03:15", False),
        ("points_sweep", datetime(2026, 12, 1, 2, 15, tzinfo=UTC), "sesh_points_sweep-2026-12-01T02:15", True),
    ],
)
def test_schedules(sample: Location, name: str, at: datetime, key: str, sweeps: bool | None) -> None:
    schedule = sample.defs.resolve_schedule_def(f"sesh_{name}")
    context = Moment(sample.instance, at, sample.defs)
    (request,) = schedule.evaluate_tick(context).run_requests or []
    assert request.run_key == key
    if sweeps is not None:
        assert request.run_config["ops"]["sesh__points__ingested"]["config"] == {"sweep": sweeps}


def test_what_is_made_of_what(sample: Location) -> None:
    graph = sample.defs.resolve_asset_graph()

    def parents(*name: str) -> set[str]:
        return {"/".join(key.path[1:]) for key in graph.get(AssetKey(["sesh", *name])).parent_keys}

    assert parents("series", "folded") == {"series/partitions"}
    assert parents("points", "ingested") == {"points/flushes", "series/partitions", "d1/users"}
    assert parents("metrics", "hourly") == {"series/sessions", "points/ingested"}
    assert parents("metrics", "weekly") == parents("metrics", "monthly") == {"metrics/daily"}
