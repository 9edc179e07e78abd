"""The examples under deploy/: Dagster accepts them, and they differ from dagster_home only in where runs are made."""

import configparser
from importlib import import_module
from importlib.util import find_spec
from pathlib import Path
from typing import Any, cast

import pytest
from dagster import DagsterInstance
from dagster._config import validate_config
from dagster._core.errors import DagsterInvalidConfigError
from dagster._core.instance.config import dagster_instance_config_schema
from dagster._core.workspace.config_schema import process_workspace_config
from dagster_shared.yaml_utils import load_yaml_from_path

from assets.automation import ALONE
from clearlift_pipelines.definitions import build_defs
from clearlift_pipelines.settings import Settings

ROOT = Path(__file__).resolve().parents[2]
DEPLOY = ROOT / "deploy"
PLACES = sorted(path.parent.name for path in DEPLOY.glob("*/dagster.yaml"))
UNITS = sorted(DEPLOY.glob("vm/*.service"))
WHERE_RUNS_ARE_MADE = {"storage", "run_launcher", "run_coordinator"}


def loaded(path: Path) -> dict[str, Any]:
    return cast(dict[str, Any], load_yaml_from_path(str(path)))


def problems(schema: Any, config: Any) -> list[str]:
    return [error.message for error in validate_config(schema, config).errors or []]


def unit(path: Path) -> configparser.ConfigParser:
    parser = configparser.ConfigParser(interpolation=None)
    parser.optionxform = str  # type: ignore[assignment, method-assign]
    parser.read(path)
    return parser


def test_there_is_an_example_for_each_place() -> None:
    assert PLACES == ["celery", "ecs", "kubernetes", "vm"]
    assert len(UNITS) == 3


@pytest.mark.parametrize("place", PLACES)
def test_dagster_accepts_the_instance(place: str) -> None:
    instance = loaded(DEPLOY / place / "dagster.yaml")
    assert problems(dagster_instance_config_schema(), instance) == []
    assert problems(dagster_instance_config_schema(), {**instance, "run_lancher": {}}) != []
    for part in ("run_launcher", "run_coordinator"):
        module, name = instance[part]["module"], instance[part]["class"]
        if find_spec(module.partition(".")[0]) is not None:  # the launchers of clusters are installed only there
            launcher = getattr(import_module(module), name)
            assert problems(launcher.config_type(), instance[part].get("config", {})) == []


@pytest.mark.parametrize("place", PLACES)
def test_all_settings_but_where_runs_are_made_are_as_in_use(place: str) -> None:
    example, in_use = loaded(DEPLOY / place / "dagster.yaml"), loaded(ROOT / "dagster_home" / "dagster.yaml")
    assert {k: v for k, v in example.items() if k not in WHERE_RUNS_ARE_MADE} == {
        k: v for k, v in in_use.items() if k not in WHERE_RUNS_ARE_MADE
    }


@pytest.mark.parametrize("path", ["dagster_home", *(f"deploy/{place}" for place in PLACES)])
def test_runs_that_hang_are_ended_and_jobs_that_hold_a_lock_wait_in_the_queue(path: str) -> None:
    instance = loaded(ROOT / path / "dagster.yaml")
    assert instance["run_monitoring"]["enabled"] is True
    assert instance["run_monitoring"]["max_runtime_seconds"] > 0
    assert {"key": ALONE, "value": {"applyLimitPerUniqueValue": True}, "limit": 1} in instance["concurrency"]["runs"][
        "tag_concurrency_limits"
    ]


def test_without_a_run_history_a_machine_does_not_start(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.delenv("CLEARLIFT_DAGSTER_POSTGRES_URL", raising=False)
    with pytest.raises(DagsterInvalidConfigError, match="CLEARLIFT_DAGSTER_POSTGRES_URL"):
        DagsterInstance.from_config(str(DEPLOY / "vm"))


@pytest.mark.parametrize("place", PLACES)
def test_webserver_and_daemon_find_the_code_server(place: str) -> None:
    workspace = loaded(DEPLOY / place / "workspace.yaml")
    assert process_workspace_config(workspace).success
    (location,) = workspace["load_from"]
    in_use = loaded(ROOT / "workspace.yaml")["load_from"][0]["python_module"]
    assert location["grpc_server"]["location_name"] == in_use["location_name"]
    (command,) = [unit(p)["Service"]["ExecStart"] for p in UNITS if "code-server" in p.read_text()]
    assert f"-p {location['grpc_server']['port']}" in command
    assert in_use["module_name"] in command


@pytest.mark.parametrize("path", UNITS, ids=lambda path: path.stem)
def test_a_unit_starts_an_installed_program(path: Path) -> None:
    scripts = (ROOT / "pyproject.toml").read_text()
    program, *arguments = unit(path)["Service"]["ExecStart"].split()
    package = {"dagster": "dagster>=", "dagster-daemon": "dagster>=", "dagster-webserver": "dagster-webserver"}
    assert package[Path(program).name] in scripts
    assert all(
        (ROOT / a.removeprefix("/opt/clearlift/")).exists() for a in arguments if a.startswith("/opt/clearlift/")
    )


def test_the_pools_in_the_docs_are_those_of_the_assets() -> None:
    nodes = build_defs(Settings(_env_file=None)).resolve_asset_graph().asset_nodes  # type: ignore[call-arg]
    pools = set[str]().union(*(node.pools or () for node in nodes))
    text = (ROOT / "docs" / "scaling.md").read_text()
    (line,) = [line for line in text.splitlines() if line.startswith("for pool in ")]
    assert set(line.removeprefix("for pool in ").partition(";")[0].split()) == pools
