"""Two workers share nothing but the stores, and leave the same data as one worker.

Each is a process with a work folder of its own, and runs Dagster jobs. Each compacts the files of one organisation and
rolls up the same days for it. In the long-running test, each then rolls up other days for all organisations. Both write
one run history in Postgres, as on several machines.
"""

import json
import os
import shutil
import subprocess
import sys
from collections import Counter
from collections.abc import Iterator, Mapping, Sequence
from pathlib import Path
from typing import Any

import pytest
from dagster import DagsterInstance, DagsterRunStatus

from assets.apps.pipelines import MIGRATIONS
from assets.events.record import NAMES
from assets.rollups.definition import CUTS, Grain
from clearlift_pipelines.history import with_driver
from resources.lake import LakeTable
from resources.postgres import Postgres
from tests.assets.event_pipeline import line, written
from tests.clearlift_pipelines.location import Location, located
from tests.databases import database, template_of
from tests.tables import EVENTS

ROOT = Path(__file__).resolve().parents[2]
ORGS = ("a3f7c2", "b8e9d1")
APPENDS, EVENTS_AN_APPEND = 6, 24
DAYS = (10, 11)
Run = dict[str, Any]


def compact(org: str) -> Run:
    """A compaction of one organisation's files."""
    return {
        "job": "compact", "first": None, "last": None, "capability": "events", "object": "compacted", "org": org
    }  # fmt: skip


def roll_up(grain: Grain, first: int, last: int, org: str | None = None) -> Run:
    """A roll-up of days of October, of one organisation or of all."""
    hours = grain is Grain.HOURLY
    return {
        "job": "roll_up_hours" if hours else "roll_up_days",
        "first": f"2025-10-{first}" + ("-00:00" if hours else ""),
        "last": f"2025-10-{last}" + ("-23:00" if hours else ""),
        "capability": "rollups",
        "object": grain.value,
        "org": org,
    }


@pytest.fixture
def history_url(postgres_server: str, monkeypatch: pytest.MonkeyPatch) -> Iterator[str]:
    """A database for the run history that all workers share."""
    with database(postgres_server) as url:
        monkeypatch.setenv("CLEARLIFT_DAGSTER_POSTGRES_URL", with_driver(url))
        yield with_driver(url)


def fill(table: LakeTable) -> Counter[str]:
    """Write small files of two organisations and four days, with doubles; returns the number of ids by organisation."""
    ids: Counter[str] = Counter()
    doubled: list[bytes] = []
    for number in range(APPENDS):
        fresh = []
        for org in ORGS:
            for event in range(EVENTS_AN_APPEND):
                day, hour = DAYS[event % len(DAYS)], (event + number) % 24
                at = f"2025-10-{day}T{hour:02}:{event:02}:00.000Z"
                fresh.append(line(1000 * number + event, org_tag=org, timestamp=at))
                ids[org] += 1
        table.append(written(table, *fresh, *doubled), f"append {number}")
        doubled = fresh[::5]
    return ids


def state(postgres: Postgres, table: LakeTable) -> dict[str, Any]:
    """What readers see: the rows of the lake, its files by partition, the rows of every roll-up."""
    state: dict[str, Any] = {
        "lake": Counter(table.scan().select(NAMES).collect().iter_rows()),
        "files": Counter((info.key.tenant, info.key.day, info.rows) for info in table.files()),
    }
    for grain in (Grain.HOURLY, Grain.DAILY):
        for cut in CUTS:
            name = cut.table(grain)
            rows = postgres.fetch(f"select t::text as row from {name} as t")
            state[name] = Counter(row["row"] for row in rows)
    return state


def pools(location: Location) -> set[str]:
    """The pools that the assets are in."""
    nodes = location.defs.resolve_asset_graph().asset_nodes
    return set[str]().union(*(node.pools or () for node in nodes))


def work_folder(path: Path) -> Path:
    """A new DAGSTER_HOME that contains only a copy of dagster.yaml."""
    path.mkdir()
    shutil.copy(ROOT / "deploy" / "vm" / "dagster.yaml", path)
    return path


def start(work: Path, environment: Mapping[str, str], runs: Sequence[Run]) -> "subprocess.Popen[str]":
    """Start a worker in a new work folder."""
    work_folder(work)
    return subprocess.Popen(
        [sys.executable, "-m", "tests.deploy.worker", json.dumps(runs)],
        env={**environment, "DAGSTER_HOME": str(work), "PYTHONPATH": str(ROOT)},
        cwd=work,
        stdin=subprocess.PIPE,
        stdout=subprocess.PIPE,
        text=True,
    )


def together(work: Path, environment: Mapping[str, str], plans: Sequence[Sequence[Run]]) -> list[str]:
    """Start one worker for each plan, all at the same time; returns the ids of all runs."""
    workers = [start(work / f"machine-{n}", environment, plan) for n, plan in enumerate(plans)]
    try:
        for worker in workers:
            assert worker.stdout is not None
            assert "ready\n" in iter(worker.stdout.readline, ""), "the worker ended before it was ready"
        ids: list[str] = []
        for worker in workers:
            assert worker.stdin is not None
            worker.stdin.write("go\n")
            worker.stdin.flush()
        outputs = [worker.communicate(timeout=600)[0] for worker in workers]
        assert [worker.returncode for worker in workers] == [0] * len(workers), outputs
        for output in outputs:
            ids += json.loads(output.splitlines()[-1])
        return ids
    finally:
        for worker in workers:
            worker.kill()
            worker.wait()


@pytest.fixture
def postgres_dsn(postgres_server: str) -> Iterator[str]:
    """The DSN of a migrated database, gone after the test."""
    with database(postgres_server, template_of(postgres_server, MIGRATIONS)) as dsn:
        yield dsn


@pytest.fixture
def shared(tmp_path: Path, postgres_dsn: str) -> Iterator[Location]:
    """Stores that two workers work on."""
    with located(tmp_path / "shared", postgres_dsn) as location:
        yield location


@pytest.fixture
def alone(tmp_path: Path, postgres_server: str) -> Iterator[Location]:
    """Stores of the same content that one process works on by itself."""
    with (
        database(postgres_server, template_of(postgres_server, MIGRATIONS)) as dsn,
        located(tmp_path / "alone", dsn) as location,
    ):
        yield location


@pytest.mark.early
@pytest.mark.parametrize("days_too", [False, pytest.param(True, marks=pytest.mark.soak)])
def test_two_workers_on_one_table_end_where_one_ends(
    shared: Location, alone: Location, postgres_dsn: str, history_url: str, tmp_path: Path, days_too: bool
) -> None:
    stores = shared.stores
    table = stores.lake.table(EVENTS)
    ids = fill(table)
    fill(alone.stores.lake.table(EVENTS))
    before = len(table.files())

    first, last = DAYS[0], DAYS[-1]
    split = [
        [compact(org), roll_up(Grain.HOURLY, first, last, org), *([roll_up(Grain.DAILY, own, own)] if days_too else [])]
        for org, own in zip(ORGS, DAYS, strict=True)
    ]
    environment = {
        **{name: value for name, value in os.environ.items() if not name.startswith("CLEARLIFT_")},
        "CLEARLIFT_HOME": str(stores.settings.home),
        "CLEARLIFT_POSTGRES_DSN": postgres_dsn,
        "CLEARLIFT_DAGSTER_POSTGRES_URL": history_url,
    }
    with DagsterInstance.from_config(str(work_folder(tmp_path / "history"))) as instance:
        # As a deployment does once. Without it, when two runs are the first of a pool, Dagster on Postgres fails one.
        for pool in pools(shared):
            instance.event_log_storage.set_concurrency_slots(pool, 4)
        ids_of_runs = together(tmp_path, environment, split)
        runs = {run.run_id: run.status for run in instance.get_runs()}
    assert runs == dict.fromkeys(ids_of_runs, DagsterRunStatus.SUCCESS)
    assert len(ids_of_runs) == sum(map(len, split))

    partitions: dict[str, tuple[str | None, str | None]] = {
        "compact": (None, None),
        "roll_up_hours": (f"2025-10-{first}-00:00", f"2025-10-{last}-23:00"),
        **({"roll_up_days": (f"2025-10-{first}", f"2025-10-{last}")} if days_too else {}),
    }
    for job, (first_key, last_key) in partitions.items():
        assert alone.run(job, first_key, last_key).success

    actual, wanted = state(stores.postgres, table), state(alone.stores.postgres, alone.stores.lake.table(EVENTS))
    assert actual == wanted
    assert set(actual["lake"].values()) == {1}
    assert Counter(row[NAMES.index("org_tag")] for row in actual["lake"]) == ids
    assert len(table.files()) == len(ORGS) * len(DAYS) < before
    for grain in ("hourly", *(["daily"] if days_too else [])):
        counted = f"select org_tag, sum(events)::int as events from rollups.{grain}_totals group by 1"
        assert {row["org_tag"]: row["events"] for row in stores.postgres.fetch(counted)} == ids
