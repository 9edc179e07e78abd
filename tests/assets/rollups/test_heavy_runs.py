"""Runs of Dagster that hand heavy days over: by a command over Pipes, or by a launch of one's own."""

import shlex
import sys
from collections.abc import Iterator, Mapping, Sequence
from datetime import date
from pathlib import Path
from typing import Any

import pytest
from dagster import (
    AssetExecutionContext,
    DagsterInstance,
    Definitions,
    MaterializeResult,
    define_asset_job,
    materialize,
)
from dagster import asset as define
from pydantic import SecretStr

from assets.apps.clearlift import APP
from assets.compaction import assets as compaction
from assets.other_engine import OtherEngine, OtherEngineError, by_command
from assets.partitions import Calendar
from assets.rollups import assets as rollups
from assets.rollups.definition import Grain
from assets.windows import DAY
from clearlift_pipelines import settings
from clearlift_pipelines.settings import SettingsError
from clearlift_pipelines.stores import Stores
from tests.assets.rollups.event_lake import EventLake, at
from tests.assets.rollups.heavy import fill, stored
from tests.resources.lake.engines import ROOT

pytestmark = pytest.mark.filterwarnings("ignore::dagster.BetaWarning")
PROGRAM = shlex.join(["env", f"PYTHONPATH={ROOT}", sys.executable, "-m", "tests.standin.heavy_days"])


@pytest.fixture(
    params=[{"pipes_command": PROGRAM}, {"pipes_launcher": "tests.standin.heavy_days:launched"}],
    ids=["command", "launch"],
)
def event_lake(request: pytest.FixtureRequest, tmp_path: Path, postgres_dsn: str) -> Iterator[EventLake]:
    """Stores whose heavy days go to the stand-in, and every day is heavy."""
    given: dict[str, Any] = {"home": tmp_path / "home", "postgres_dsn": SecretStr(postgres_dsn), "pipes_from_mib": 0}
    stores = Stores(settings.load(**given, **request.param))
    stores.migrate()
    yield EventLake(stores)
    stores.close()


def hourly(stores: Stores) -> dict[str, dict[str, Any]]:
    """The run of an hour: compaction and its roll-up; their metadata by asset."""
    of_rollups = rollups.build(APP, Calendar(date(2026, 3, 19)), DAY)
    chosen = [one for one in of_rollups if [APP.name, "rollups", "hourly"] in [list(key.path) for key in one.keys]]
    job = define_asset_job("hour", selection="*")
    definitions = Definitions([*compaction.build(APP), *chosen], jobs=[job], resources={"rooms": stores})
    with DagsterInstance.ephemeral() as instance:
        done = definitions.resolve_job_def("hour").execute_in_process(
            instance=instance, partition_key="2026-03-19-07:00", raise_on_error=False
        )
    assert done.success
    return {
        event.materialization.asset_key.path[-1]: {k: v.value for k, v in event.materialization.metadata.items()}
        for event in done.get_asset_materialization_events()
    }


def test_the_run_of_an_hour_hands_both_over(event_lake: EventLake) -> None:
    fill(event_lake, files=5)
    before = stored(event_lake)
    event_lake.roll_up(Grain.HOURLY, at(19, 7), at(19, 8))
    ours = event_lake.rows()

    said = hourly(event_lake.stores)

    assert (said["compacted"]["groups"], said["compacted"]["groups_by_other_engine"]) == (2, 2)
    assert said["hourly"]["days_by_other_engine"] == 1
    assert (stored(event_lake), event_lake.rows()) == (before, ours)


def started(*words: str) -> Sequence[Mapping[str, Any]]:
    """What a command reports, as the step of a run."""
    said: list[Mapping[str, Any]] = []

    @define
    def heavy(context: AssetExecutionContext) -> MaterializeResult[None]:
        said.extend(OtherEngine(by_command(words), 0).within(context).do({"work": "look"}, answers=1))
        return MaterializeResult()

    with DagsterInstance.ephemeral() as instance:
        materialize([heavy], instance=instance)
    return said


LOOK = """
import os
from dagster_pipes import open_dagster_pipes
with open_dagster_pipes() as pipes:
    found = sorted(name for name, value in os.environ.items() if name.startswith("CLEARLIFT_") and value)
    pipes.report_custom_message({"work": pipes.extras["work"], "settings": found})
"""


def test_a_command_gets_its_task_and_no_setting_of_ours(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("CLEARLIFT_R2_SECRET_ACCESS_KEY", "hush")
    assert started(sys.executable, "-c", LOOK) == [{"work": "look", "settings": []}]


@pytest.mark.parametrize(
    "program", ["raise SystemExit(3)", "from dagster_pipes import *\nopen_dagster_pipes().close()"]
)
def test_a_command_that_fails_or_answers_nothing_is_a_refusal_with_a_next_step(program: str) -> None:
    with pytest.raises(OtherEngineError, match=r"the other engine did not do its task.*log of this run"):
        started(sys.executable, "-c", program)


@pytest.mark.parametrize(
    ("chosen", "said"),
    [
        ({"pipes_command": "a", "pipes_launcher": "json:loads"}, "PIPES_COMMAND and CLEARLIFT_PIPES_LAUNCHER are set"),
        ({"pipes_command": "spark 'submit"}, "PIPES_COMMAND: No closing quotation"),
        ({"pipes_launcher": "nowhere:launch"}, "PIPES_LAUNCHER: nowhere:launch cannot be imported"),
        ({"pipes_launcher": "json"}, "PIPES_LAUNCHER: json cannot be imported"),
        ({"catalog_compaction": {"clearlift": True}}, "LAKE_CATALOG_URI is missing"),
        ({"catalog_compaction": {"growth": True}}, "names no app that has a lake"),
        ({"event_streams": {"clearlift": "clearlift.events"}}, "write NAMESPACE.TABLE of another table"),
        ({"event_streams": {"clearlift": "no table"}}, "write NAMESPACE.TABLE of another table"),
    ],
)
def test_a_setting_that_cannot_be_is_one_clear_line(chosen: dict[str, Any], said: str) -> None:
    with pytest.raises(SettingsError, match=said):
        settings.load(**chosen)
