"""The examples under deploy/: Dagster accepts them, and they differ from dagster_home only in where runs are made."""

import json
import re
import shutil
import subprocess
import sys
from collections.abc import Iterator
from importlib import import_module
from importlib.util import find_spec
from itertools import pairwise
from pathlib import Path
from typing import Any, cast

import botocore.session
import cfnlint.api
import kubernetes_validate
import pytest
from botocore.validate import ParamValidator
from dagster import DagsterInstance
from dagster._config import validate_config
from dagster._core.errors import DagsterInvalidConfigError
from dagster._core.instance.config import dagster_instance_config_schema
from dagster._core.workspace.config_schema import process_workspace_config
from dagster_shared.yaml_utils import load_yaml_from_path, safe_load_yaml

from assets.automation import ALONE, PATIENT
from clearlift_pipelines.definitions import build_defs
from clearlift_pipelines.launcher import GRACE_SECONDS
from clearlift_pipelines.settings import Settings
from tests.deploy.deployment import UNITS as DEPLOYED_UNITS
from tests.deploy.units import installed, parsed

ROOT = Path(__file__).resolve().parents[2]
DEPLOY = ROOT / "deploy"
PLACES = sorted(path.parent.name for path in DEPLOY.glob("*/dagster.yaml"))
UNITS = sorted(DEPLOY.glob("vm/*.service"))
WORKER = DEPLOY / "celery" / "clearlift-worker.service"
WHERE_RUNS_ARE_MADE = {"storage", "run_launcher", "run_coordinator"}


def loaded(path: Path) -> dict[str, Any]:
    return cast(dict[str, Any], load_yaml_from_path(str(path)))


def problems(schema: Any, config: Any) -> list[str]:
    return [error.message for error in validate_config(schema, config).errors or []]


def manifests() -> Iterator[dict[str, Any]]:
    """What kustomization.yaml applies."""
    for name in loaded(DEPLOY / "kubernetes" / "kustomization.yaml")["resources"]:
        for text in (DEPLOY / "kubernetes" / name).read_text().split("---\n"):
            yield cast(dict[str, Any], safe_load_yaml(text))


MANIFESTS = {f"{one['kind']} {one['metadata']['name']}": one for one in manifests()}
PODS = {name: one["spec"]["template"]["spec"] for name, one in MANIFESTS.items() if "template" in one.get("spec", {})}
COMPOSED = {
    name: service
    for name, service in loaded(DEPLOY / "compose" / "compose.yaml")["services"].items()
    if not name.startswith("x-")
}


def containers() -> Iterator[tuple[str, dict[str, Any]]]:
    """The containers of Kubernetes, ECS and Compose by their names."""
    for pod in PODS.values():
        for container in pod["containers"]:
            yield f"kubernetes {container['name']}", container
    for name, service in COMPOSED.items():
        yield f"compose {name}", service
    for container in json.loads((DEPLOY / "ecs" / "task-definition.json").read_text())["containerDefinitions"]:
        yield f"ecs {container['name']}", container


CONTAINERS = dict(containers())
COMMANDS = {
    **{path.stem: parsed(path)["Service"]["ExecStart"].split() for path in (*UNITS, WORKER)},
    **{name: container["command"] for name, container in CONTAINERS.items()},
}


def test_there_is_an_example_for_each_place() -> None:
    assert PLACES == ["celery", "ecs", "kubernetes", "vm"]
    assert {path.stem for path in UNITS} == set(DEPLOYED_UNITS)


@pytest.mark.parametrize("place", PLACES)
def test_dagster_accepts_the_instance(place: str) -> None:
    instance = loaded(DEPLOY / place / "dagster.yaml")
    assert problems(dagster_instance_config_schema(), instance) == []
    assert problems(dagster_instance_config_schema(), {**instance, "run_lancher": {}}) != []
    for part in ("run_launcher", "run_coordinator"):
        module, name = instance[part]["module"], instance[part]["class"]
        launcher = getattr(import_module(module), name)
        assert problems(launcher.config_type(), instance[part].get("config", {})) == []


@pytest.mark.parametrize("place", PLACES)
def test_all_settings_but_where_runs_are_made_are_as_in_use(place: str) -> None:
    example, in_use = loaded(DEPLOY / place / "dagster.yaml"), loaded(ROOT / "dagster_home" / "dagster.yaml")
    starts = [instance["run_monitoring"].pop("start_timeout_seconds") for instance in (example, in_use)]
    assert starts == ([80, 80] if place == "vm" else [120, 80])  # elsewhere a run needs longer to get its machine
    assert {k: v for k, v in example.items() if k not in WHERE_RUNS_ARE_MADE} == {
        k: v for k, v in in_use.items() if k not in WHERE_RUNS_ARE_MADE
    }


@pytest.mark.parametrize("path", ["dagster_home", *(f"deploy/{place}" for place in PLACES)])
def test_runs_that_hang_are_ended_and_jobs_that_hold_a_lock_wait_in_the_queue(path: str) -> None:
    instance = loaded(ROOT / path / "dagster.yaml")
    assert instance["run_monitoring"]["enabled"] is True
    assert instance["run_monitoring"]["max_runtime_seconds"] > 0
    assert instance["run_monitoring"]["free_slots_after_run_end_seconds"] > GRACE_SECONDS
    assert {"key": ALONE, "value": {"applyLimitPerUniqueValue": True}, "limit": 1} in instance["concurrency"]["runs"][
        "tag_concurrency_limits"
    ]


@pytest.mark.parametrize("path", ["dagster_home", *(f"deploy/{place}" for place in PLACES)])
def test_what_has_landed_finds_a_free_place_and_waits_for_no_slow_queue(path: str) -> None:
    instance = loaded(ROOT / path / "dagster.yaml")
    runs = instance["concurrency"]["runs"]
    assert {"key": PATIENT, "limit": runs["max_concurrent_runs"] - 1} in runs["tag_concurrency_limits"]
    assert instance["run_coordinator"]["config"]["dequeue_interval_seconds"] == 1
    jobs = build_defs(Settings(_env_file=None)).jobs  # type: ignore[call-arg]  # of pydantic-settings, not a field
    urgent = {job.name for job in jobs or () if PATIENT not in (job.tags or {})}
    assert urgent == {"clearlift_today"}


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
    served = {"vm": "clearlift-code", "celery": "clearlift-code"}.get(place, f"{place} code")
    command = " ".join(COMMANDS[served])
    assert f"-p {location['grpc_server']['port']}" in command
    assert in_use["module_name"] in command


@pytest.mark.parametrize("name", COMMANDS)
def test_what_is_started_is_installed_and_the_webserver_is_the_guarded_one(name: str) -> None:
    program, *arguments = COMMANDS[name]
    if Path(program).name == "python":
        assert all(find_spec(module) is not None for flag, module in pairwise(arguments) if flag == "-m")
    elif Path(program).name == "celery":
        assert import_module(arguments[arguments.index("-A") + 1]).app.main == "dagster"
    elif Path(program).name == "clearlift":
        assert arguments[0] == "init", "the only command of ours that a deployment runs by itself"
    else:
        assert Path(program).name == "dagster-daemon", "the only program of Dagster's own"
    ours = [argument for argument in arguments if argument.startswith("/opt/clearlift/")]
    assert all((ROOT / argument.removeprefix("/opt/clearlift/")).exists() for argument in ours)


@pytest.mark.parametrize("name", [name for name in COMMANDS if name.endswith(("code", "runs"))])
def test_a_code_server_is_one_process_and_its_probe_asks_for_definitions(name: str) -> None:
    """`dagster code-server start` outlives its child, and `grpc-health-check` is green meanwhile."""
    command = COMMANDS[name]
    assert command[1:3] == ["-m", "clearlift_pipelines.code_server"]
    if name in CONTAINERS:
        container = CONTAINERS[name]
        kinds = ("startupProbe", "readinessProbe", "livenessProbe")
        probes = [container[kind]["exec"]["command"] for kind in kinds if kind in container]
        healthy = container.get("healthCheck", {}).get("command") or container.get("healthcheck", {}).get("test")
        probes = probes or [healthy[1:]]
    else:
        probes = [installed(DEPLOY / "vm" / f"{name}.service")["Service"]["ExecStartPost"].split()]
    port = command[command.index("-p") + 1]
    for probe in probes:
        assert probe[1:5] == ["-m", "clearlift_pipelines.probe", "--port", port]


@pytest.mark.parametrize("name", MANIFESTS)
def test_kubernetes_accepts_the_manifest(name: str) -> None:
    kubernetes_validate.validate(MANIFESTS[name], kubernetes_validate.latest_version(), strict=True)
    with pytest.raises(kubernetes_validate.ValidationError):
        kubernetes_validate.validate({**MANIFESTS[name], "spce": {}}, kubernetes_validate.latest_version(), strict=True)


@pytest.mark.parametrize("name", [*PODS, "the pod of a run"])
def test_a_pod_meets_the_restricted_standard_and_writes_only_to_volumes(name: str) -> None:
    """Its namespace demands it, of the pods of runs too, which the launcher makes from dagster.yaml."""
    if name in PODS:
        pod, container = PODS[name], PODS[name]["containers"][0]
        mounts = {mount["mountPath"] for mount in container["volumeMounts"]}
    else:
        launcher = loaded(DEPLOY / "kubernetes" / "dagster.yaml")["run_launcher"]["config"]
        made = camel(launcher["run_k8s_config"])
        pod, container = made["podSpecConfig"], made["containerConfig"]
        mounts = {mount["mount_path"] for mount in launcher["volume_mounts"]}
    user = pod["securityContext"]
    assert (user["runAsNonRoot"], user["runAsUser"], user["fsGroup"]) == (True, 1000, 1000)
    assert user["seccompProfile"] == {"type": "RuntimeDefault"}
    assert container["securityContext"] == {
        "allowPrivilegeEscalation": False,
        "readOnlyRootFilesystem": True,
        "capabilities": {"drop": ["ALL"]},
    }
    assert mounts >= {"/var/lib/clearlift", "/tmp"}
    assert pod["terminationGracePeriodSeconds"] > GRACE_SECONDS
    needs_token = name in ("Deployment clearlift-daemon", "Deployment clearlift-webserver")
    assert pod.get("automountServiceAccountToken", False) is needs_token


def camel(value: Any) -> Any:
    """Dagster's names of a pod's fields as Kubernetes has them."""
    if isinstance(value, dict):
        return {re.sub(r"_(\w)", lambda match: match[1].upper(), key): camel(one) for key, one in value.items()}
    return value


def test_the_image_has_what_the_manifests_say() -> None:
    lines = (DEPLOY / "image" / "Dockerfile").read_text()
    assert "useradd --uid 1000" in lines
    assert "USER 1000" in lines
    for copied in re.findall(r"^COPY (?!--from)(.+) \S+$", lines, re.MULTILINE):
        assert all((ROOT / source).exists() for source in copied.split())
    wanted = {line.split("==")[0] for line in (DEPLOY / "image" / "requirements.lock").read_text().splitlines()}
    assert {"dagster-k8s", "dagster-celery", "dagster-aws", "setuptools"} <= wanted
    assert not wanted & {"pytest", "hypothesis", "moto"}


@pytest.mark.parametrize("name", COMPOSED)
def test_a_composed_service_has_few_rights_and_stays_on_loopback(name: str) -> None:
    service = COMPOSED[name]
    assert (service["read_only"], service["cap_drop"], service["init"]) == (True, ["ALL"], True)
    assert service["security_opt"] == ["no-new-privileges:true"]
    assert "ports" not in service
    command = service["command"]
    assert "-h" not in command or command[command.index("-h") + 1] == "127.0.0.1"
    for volume in service["volumes"]:
        source = volume.split(":")[0]
        assert source == "state" or (DEPLOY / "compose" / source).exists()


def test_compose_accepts_the_file(tmp_path: Path) -> None:
    """Docker Compose itself, as its wheel brings it; it reads files without Docker."""
    program = Path(sys.executable).with_name("docker-compose")
    if not program.exists():
        pytest.skip("the wheel of Docker Compose is for Linux on x86-64")
    text = (DEPLOY / "compose" / "compose.yaml").read_text()
    (tmp_path / ".env").touch()

    def said(text: str) -> str:
        (tmp_path / "compose.yaml").write_text(text)
        command = [str(program), "-f", str(tmp_path / "compose.yaml"), "config", "--quiet"]
        return subprocess.run(command, capture_output=True, text=True, check=False, env={"HOME": str(tmp_path)}).stderr

    assert said(text) == ""
    assert "read_onli" in said(text.replace("read_only", "read_onli"))


FILLED_IN = {
    "EXECUTION_ROLE_ARN": "arn:aws:iam::123456789012:role/execution",
    "TASK_ROLE_ARN": "arn:aws:iam::123456789012:role/task",
    "SECRET_ARN": "arn:aws:secretsmanager:us-east-1:123456789012:secret:clearlift",
    "REGION": "us-east-1",
}


def test_ecs_accepts_the_task_definition() -> None:
    """By AWS' own model of the request that registers it, and by cfn-lint's rules for Fargate."""
    text = (DEPLOY / "ecs" / "task-definition.json").read_text()
    definition = json.loads(re.sub("|".join(FILLED_IN), lambda found: FILLED_IN[found[0]], text))
    shape = (
        botocore.session.get_session().get_service_model("ecs").operation_model("RegisterTaskDefinition").input_shape
    )
    assert ParamValidator().validate(definition, shape).generate_report() == ""
    mistyped = {**definition, "containerDefinitions": [{"essental": True}]}
    assert "essental" in ParamValidator().validate(mistyped, shape).generate_report()
    assert linted(definition) == []
    assert linted({**definition, "memory": "9000"}) != [], "no Fargate task has one core and so much memory"


def linted(definition: dict[str, Any]) -> list[str]:
    """What cfn-lint finds in a task definition, as CloudFormation has it."""
    resource = {"Type": "AWS::ECS::TaskDefinition", "Properties": pascal(definition)}
    template = json.dumps({"AWSTemplateFormatVersion": "2010-09-09", "Resources": {"Task": resource}})
    return [match.message for match in cfnlint.api.lint(template, config=cfnlint.api.ManualArgs(regions=["us-east-1"]))]


def pascal(value: Any) -> Any:
    """The API's names of fields as CloudFormation has them. Options of a log driver are the driver's own."""
    if isinstance(value, list):
        return [pascal(one) for one in value]
    if isinstance(value, dict):
        return {key[0].upper() + key[1:]: one if key == "options" else pascal(one) for key, one in value.items()}
    return value


@pytest.mark.parametrize("path", [*UNITS, WORKER], ids=lambda path: path.stem)
def test_a_unit_comes_back_and_has_few_rights(path: Path, tmp_path: Path) -> None:
    shared = DEPLOY / "vm" / "clearlift-.service.d" / "common.conf"
    service = parsed(shared, path)["Service"]
    assert (service["Restart"], service["RestartSec"]) == ("always", "5")
    assert (service["StateDirectory"], service["StateDirectoryMode"]) == ("clearlift", "0700")
    assert "MemoryMax" in service
    analyser = shutil.which("systemd-analyze")
    if analyser is None:
        pytest.skip("systemd-analyze is not installed")
    # It reads one file, so that the drop-in is put behind the unit, as systemd does.
    whole = tmp_path / path.name
    whole.write_text(path.read_text() + shared.read_text())
    said = subprocess.run(
        [analyser, "security", "--offline=true", "--no-pager", str(whole)], capture_output=True, text=True, check=True
    ).stdout
    exposure = re.search(r"Overall exposure level for \S+: ([0-9.]+)", said)
    assert exposure is not None
    assert float(exposure[1]) < 2


def test_runs_take_no_memory_of_the_code_server() -> None:
    code, runs = (installed(DEPLOY / "vm" / f"clearlift-{name}.service")["Service"] for name in ("code", "runs"))
    launcher = loaded(DEPLOY / "vm" / "dagster.yaml")["run_launcher"]
    assert f"-p {launcher['config']['port']}" in runs["ExecStart"]
    assert f"-p {launcher['config']['port']}" not in code["ExecStart"]
    # A run that grows too large is killed alone. By default systemd then stops the unit with every other run.
    assert runs["OOMPolicy"] == "continue"
