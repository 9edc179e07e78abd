"""A further capability is a folder and one line: here the folder is written by the test, the line is an argument."""

import importlib
from datetime import UTC, datetime
from pathlib import Path
from types import ModuleType

import pytest
from dagster import AssetKey, DagsterInstance, build_sensor_context

from assets.apps import APPS
from assets.requested import ASKED
from clearlift_pipelines.definitions import ROOMS, build_defs
from clearlift_pipelines.settings import load
from tests.clearlift_pipelines.location import Moment

CAPABILITY = '''
"""What the greetings room brings: one greeting a day, and another for each guest."""

from datetime import timedelta

from assets.capability import AfterGap, Capability, Job, Request, Tick, Watch, assets_of
from greetings import assets


def bring(app, site):
    greeted = ("greetings", "said")
    return Capability(
        assets=assets.build(app),
        jobs=[Job("greet", assets_of(app, greeted), "Say good morning.", timedelta(minutes=5))],
        ticks=[
            Tick(
                "greet", "0 7 * * *", "greet", "At 07:00, good morning.", AfterGap.LATEST,
                lambda at: [Request(config={greeted: assets.Said(words=f"{at:%d} {app.title}")})],
            )
        ],
        watches=[Watch("arrivals", ("greet",), "Greets who arrives.", lambda _: iter([Request("ann")]))],
    )
'''
ASSETS = '''
"""Greetings as an asset."""

from dagster import Config, MaterializeResult, ResourceParam, asset

from assets.description import asset_arguments
from assets.rooms import Rooms


class Said(Config):
    words: str = "hello"


def build(app):
    @asset(**asset_arguments(app, "greetings", "said", store="none", holds=[], kinds={"python"}), description="Words.")
    def said(config: Said, rooms: ResourceParam[Rooms]) -> MaterializeResult:
        return MaterializeResult(metadata={"words": config.words, "year": rooms.clock().year})

    return [said]
'''


@pytest.fixture
def greetings(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> ModuleType:
    """The folder, importable as a package."""
    folder = tmp_path / "greetings"
    folder.mkdir()
    for name, text in (("__init__", ""), ("capability", CAPABILITY), ("assets", ASSETS)):
        (folder / f"{name}.py").write_text(text)
    monkeypatch.syspath_prepend(tmp_path)
    return importlib.import_module("greetings.capability")


def test_a_room_brings_assets_jobs_ticks_and_watches_for_every_app(greetings: ModuleType) -> None:
    defs = build_defs(load(), rooms=(*ROOMS, greetings))
    keys = {key.to_user_string() for key in defs.resolve_asset_graph().get_all_asset_keys()}
    assert keys >= {f"{app.name}/greetings/said" for app in APPS}
    repository = defs.get_repository_def()
    with DagsterInstance.ephemeral() as instance:
        for app in APPS:
            at = datetime(2026, 3, 20, 7, tzinfo=UTC)
            context = Moment(instance, at, defs)
            (request,) = defs.resolve_schedule_def(f"{app.name}_greet").evaluate_tick(context).run_requests or ()
            assert request.run_key == f"{app.name}_greet-2026-03-20T07:00"
            done = defs.resolve_job_def(f"{app.name}_greet").execute_in_process(
                instance=instance, run_config=request.run_config
            )
            (made,) = (event.materialization for event in done.get_asset_materialization_events())
            assert made.asset_key == AssetKey([app.name, "greetings", "said"])
            assert made.metadata["words"].value == f"20 {app.title}"
            with build_sensor_context(instance, repository_def=repository) as sensing:
                evaluated = defs.resolve_sensor_def(f"{app.name}_arrivals").evaluate_tick(sensing)
            assert [found.tags[ASKED] for found in evaluated.run_requests or ()] == [f"{app.name}_arrivals-ann"]
