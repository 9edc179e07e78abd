"""Each file of deploy/ is read by a tool that stands beside it in docs/scaling.md; here are those that are programs.

What does not belong here: what the files must say (test_configuration.py), and the Worker at work (test_worker.py).
"""

import fnmatch
import re
import runpy
import shutil
import subprocess
import sys
from collections.abc import Mapping
from pathlib import Path
from typing import Any

import kubernetes_validate
import pytest
import yaml

from tests.workerd.local_runtime import NODE, installed, skip_without_runtime

ROOT = Path(__file__).resolve().parents[2]
DEPLOY = ROOT / "deploy"
ROW = re.compile(r"^\| (`[^|]+) \| [^|]+ \| ([^|]+) \|$", re.MULTILINE)
# Units and their drop-ins as they lie below /etc/systemd/system.
UNITS = {
    **{path.name: path for path in DEPLOY.glob("*/*.service")},
    "clearlift-.service.d/common.conf": DEPLOY / "vm" / "clearlift-.service.d" / "common.conf",
    "pgbouncer.service.d/restart.conf": DEPLOY / "vm" / "restart.conf",
}


def program(name: str) -> str:
    """Where a program is; the test is skipped where it is not."""
    found = shutil.which(name) or shutil.which(name, path=Path(sys.executable).parent)
    if found is None:
        pytest.skip(f"{name} is not installed")
    return found


def ran(*command: str | Path, **options: Any) -> tuple[int, str]:
    """The exit code of a program, and all that it wrote."""
    ended = subprocess.run(command, stdout=subprocess.PIPE, stderr=subprocess.STDOUT, text=True, check=False, **options)
    return ended.returncode, ended.stdout


def test_each_file_stands_beside_its_tool_and_its_test() -> None:
    section = (ROOT / "docs" / "scaling.md").read_text().partition("## Which tool reads which file\n")[2]
    rows = ROW.findall(section.partition("\n## ")[0])
    tests = {pattern: named for patterns, named in rows for pattern in re.findall(r"`([^`]+)`", patterns)}
    ours = (path for path in DEPLOY.rglob("*") if path.is_file())
    files = [str(path.relative_to(ROOT)) for path in ours if not {"__pycache__", ".env"} & set(path.parts)]
    beside = {file: [pattern for pattern in tests if fnmatch.fnmatchcase(file, pattern)] for file in files}
    assert {file: found for file, found in beside.items() if len(found) != 1} == {}
    assert {pattern for found in beside.values() for pattern in found} == tests.keys()
    for named in tests.values():
        assert re.search(r"`tests/deploy/test_\w+\.py`", named), named


def test_systemd_knows_each_key_of_the_units(tmp_path: Path) -> None:
    """The programs are left out, because it looks whether they are installed."""
    analyser = program("systemd-analyze")

    def said(old: str, new: str) -> str:
        for name, source in UNITS.items():
            text = re.sub(r"=/opt/clearlift/\.venv/bin/\S+", "=/bin/true", source.read_text())
            (tmp_path / name).parent.mkdir(exist_ok=True)
            (tmp_path / name).write_text(text.replace(old, new))
        (tmp_path / "pgbouncer.service").write_text("[Service]\nExecStart=/bin/true\n")
        return ran(analyser, "verify", "--man=no", *sorted(tmp_path.glob("*.service")))[1]

    assert said("", "") == ""
    found = re.findall(r"(\w+\.conf):\d+: Unknown key 'RestratSec'", said("RestartSec", "RestratSec"))
    assert set(found) == {"common.conf", "restart.conf"}


def test_kustomize_makes_what_is_applied(tmp_path: Path) -> None:
    """`kubectl apply -k` without a cluster: what it would send, with the image and the settings put in."""
    kubectl = program("kubectl")
    folder = shutil.copytree(DEPLOY / "kubernetes", tmp_path / "kubernetes")
    code, said = ran(kubectl, "kustomize", folder)
    assert code == 0, said
    made = {f"{one['kind']} {one['metadata']['name']}": one for one in yaml.safe_load_all(said)}
    for one in made.values():
        kubernetes_validate.validate(one, kubernetes_validate.latest_version(), strict=True)
        assert one["metadata"].get("namespace", "clearlift") == "clearlift"
    instance = made["ConfigMap clearlift-instance"]["data"]
    assert instance == {name: (folder / name).read_text() for name in ("dagster.yaml", "workspace.yaml")}
    pods = [one["spec"]["template"]["spec"] for one in made.values() if "template" in one.get("spec", {})]
    containers = [container for pod in pods for container in pod["containers"]]
    assert {container["image"] for container in containers} == {"REGISTRY/clearlift-pipelines:VERSION"}
    # Runs take the image of the code server, which must not be the name that stands in the file.
    told = {one["value"] for each in containers for one in each["env"] if one["name"] == "DAGSTER_CURRENT_IMAGE"}
    assert told == {"REGISTRY/clearlift-pipelines:VERSION"}
    # All that a pod refers to is made here, but for the secrets, which a person makes.
    maps = {one["metadata"]["name"] for name, one in made.items() if name.startswith("ConfigMap ")}
    assert {found for pod in pods for found in referred(pod, "configMap", "configMapRef")} == maps
    assert {found for pod in pods for found in referred(pod, "secretRef")} == {"clearlift-secrets"}
    settings = folder / "kustomization.yaml"
    settings.write_text(settings.read_text().replace("resources:", "resuorces:"))
    code, said = ran(kubectl, "kustomize", folder)
    assert code != 0
    assert "resuorces" in said


def referred(value: Any, *kinds: str) -> set[str]:
    """The names that stand below these keys."""
    if isinstance(value, Mapping):
        own = {each["name"] for kind, each in value.items() if kind in kinds}
        return own.union(*(referred(each, *kinds) for each in value.values()))
    return set().union(*(referred(each, *kinds) for each in value)) if isinstance(value, list) else set()


def test_hadolint_finds_nothing_in_the_dockerfile(tmp_path: Path) -> None:
    linter, text = program("hadolint"), (DEPLOY / "image" / "Dockerfile").read_text()
    (tmp_path / "Dockerfile").write_text(text)
    assert ran(linter, tmp_path / "Dockerfile") == (0, "")
    for old, new, rule in (("USER 1000\n", "USER root\n", "DL3002"), (" && .venv", "; cd x && .venv", "DL3003")):
        (tmp_path / "Dockerfile").write_text(text.replace(old, new))
        code, said = ran(linter, tmp_path / "Dockerfile")
        assert code == 1
        assert rule in said


def test_the_base_of_the_image_is_one_for_good() -> None:
    """By its digest, because the tag gets other content with every patch of Debian."""
    (base,) = re.findall(r"^ARG BASE=(\S+)$", (DEPLOY / "image" / "Dockerfile").read_text(), re.MULTILINE)
    assert re.fullmatch(r"python:3\.11-slim-bookworm@sha256:[0-9a-f]{64}", base)


def test_the_image_gets_packages_that_the_tests_run_with() -> None:
    """The same versions and files: each package of its lock file stands in ours with the same hashes."""
    image, ours = (
        {entry.strip() for entry in re.split(r"\n(?=\S)", path.read_text()) if "==" in entry}
        for path in (DEPLOY / "image" / "requirements.lock", ROOT / "requirements.lock")
    )
    assert len(image) > 100
    assert {entry.splitlines()[0] for entry in image - ours} == set()


def test_wrangler_bundles_the_worker_and_knows_its_settings(request: pytest.FixtureRequest, tmp_path: Path) -> None:
    """`wrangler deploy`, but for the sending; it needs no account and no network."""
    skip_without_runtime(request, "the tracking Worker's bundle")
    wrangler = installed() / "node_modules" / "wrangler" / "bin" / "wrangler.js"
    folder = shutil.copytree(DEPLOY / "worker", tmp_path / "worker")
    environment = {"HOME": str(tmp_path), "PATH": str(NODE.parent), "WRANGLER_SEND_METRICS": "false", "CI": "true"}

    def said() -> tuple[int, str]:
        command: list[str | Path] = [NODE, wrangler, "deploy", "--dry-run", "--outdir", tmp_path / "bundle"]
        return ran(*command, cwd=folder, env=environment)

    code, told = said()
    assert code == 0, told
    assert "WARNING" not in told
    for binding in ("env.LANDING", "env.CACHE", "env.EVENTS", "env.SHARDS", "env.ORIGINS", "env.FLUSH_SECONDS"):
        assert binding in told
    assert "EventBatches" in (tmp_path / "bundle" / "index.js").read_text()
    settings = folder / "wrangler.jsonc"
    settings.write_text(settings.read_text().replace('"kv_namespaces"', '"kv_namespace"'))
    code, told = said()
    assert code != 0 or "kv_namespace" in told.partition("WARNING")[2]


def test_the_location_with_pods_for_steps_loads() -> None:
    location = runpy.run_path(str(DEPLOY / "kubernetes" / "location.py"))
    assert location["defs"]().executor.name == "k8s"
