"""Licences and vulnerabilities of what is locked: what is bad is named, and what is not known is never good."""

import json
import subprocess
from collections.abc import Iterator, Mapping
from pathlib import Path
from typing import Any

import pytest
from click.testing import CliRunner, Result

from clearlift_pipelines.audit import audit, packages, permits
from tests.standin.loopback import Loopback, Reply, Request

ROOT = Path(__file__).resolve().parents[2]


class Osv:
    """The batch endpoint of OSV: `known` are ids by package."""

    def __init__(self) -> None:
        self.known: dict[str, list[str]] = {}
        self.body: Any = None

    def answer(self, request: Request) -> Reply:
        assert (request.method, request.path) == ("POST", "/v1/querybatch")
        asked = [query["package"]["name"] for query in request.json["queries"]]
        vulns = [[{"id": id_, "modified": "2026-01-01T00:00:00Z"} for id_ in self.known.get(n, [])] for n in asked]
        return Reply(self.body or {"results": [{"vulns": found} if found else {} for found in vulns]})


@pytest.fixture
def osv() -> Osv:
    return Osv()


@pytest.fixture
def service(osv: Osv) -> Iterator[str]:
    with Loopback(osv.answer) as served:
        yield served.url


def ended(service: str, root: Path = ROOT) -> Result:
    return CliRunner().invoke(audit, ["--service", service, "--root", str(root)])


def test_what_is_locked_today_may_be_used(service: str) -> None:
    said = ended(service)
    assert (said.exit_code, said.stderr) == (0, "")
    assert "locked packages: licences allowed" in said.stdout


def test_a_known_vulnerability_is_named(service: str, osv: Osv) -> None:
    osv.known = {"requests": ["GHSA-one", "PYSEC-two"], "miniflare": ["GHSA-three"]}
    said = ended(service)
    assert said.exit_code == 1
    versions = {package.name: package.version for package in packages(ROOT)}
    assert said.stderr.splitlines() == [
        f"requests {versions['requests']}: GHSA-one, PYSEC-two",
        f"miniflare {versions['miniflare']}: GHSA-three",
    ]


def test_without_the_service_nothing_is_good() -> None:
    said = ended("http://127.0.0.1:9")
    assert said.exit_code == 2
    assert len(said.stderr.splitlines()) == 1
    assert said.stderr.startswith("vulnerabilities could not be looked up: POST 127.0.0.1:9/v1/querybatch: no answer")


@pytest.mark.parametrize("body", [{"results": []}, {"results": [{}]}, {"other": 1}, [1], {"results": {"vulns": 1}}])
def test_another_answer_is_none(service: str, osv: Osv, body: Any) -> None:
    osv.body = body
    said = ended(service)
    assert (said.exit_code, said.stderr.count("\n")) == (2, 1)
    assert "could not be looked up" in said.stderr


def project(folder: Path, licences: list[str], read: Mapping[str, str], npm: Mapping[str, Any]) -> Path:
    """A project of two installed packages, one that is not installed, and one of npm."""
    (folder / "requirements.lock").write_text(
        "click==8.0 \\\n    --hash=sha256:0\nnot-installed==1.0 ; sys_platform == 'win32' \\\n    --hash=sha256:0\n"
    )
    lock = folder / "tests" / "workerd" / "package-lock.json"
    lock.parent.mkdir(parents=True)
    lock.write_text(json.dumps({"packages": {"": {}, "node_modules/one": {"version": "2", **npm}}}))
    named = "\n".join(f"{name} = {licence!r}" for name, licence in read.items())
    (folder / "pyproject.toml").write_text(
        f"[tool.audit]\nlicences = {licences}\n[tool.audit.read]\n{named}\n[tool.audit.accepted]\nGHSA-four = 'why'\n"
    )
    return folder


def test_a_licence_that_is_not_allowed_or_not_known_is_named(tmp_path: Path, service: str) -> None:
    root = project(tmp_path, ["MIT"], {}, {"license": "AGPL-3.0-only"})
    said = ended(service, root)
    assert said.exit_code == 1
    assert said.stderr.splitlines() == [
        "click 8.0: the licence BSD-3-Clause is not among those of pyproject.toml",
        "not-installed 1.0: the licence is not known; read it and name it in pyproject.toml",
        "one 2: the licence AGPL-3.0-only is not among those of pyproject.toml",
    ]


def test_a_licence_that_is_not_known_alone_is_not_good_either(tmp_path: Path, service: str, osv: Osv) -> None:
    osv.known = {"click": ["GHSA-four"]}
    read = {"not-installed": "MIT"}
    root = project(tmp_path, ["MIT", "BSD-3-Clause"], read, {})
    said = ended(service, root)
    assert (said.exit_code, said.stderr.count("\n")) == (2, 1)
    assert "one 2: the licence is not known" in said.stderr


@pytest.mark.parametrize(
    ("licence", "good"),
    [
        ("MIT", True),
        ("GPL-3.0", False),
        ("MIT OR GPL-3.0", True),
        ("MIT AND GPL-3.0", False),
        ("MIT AND (ISC OR GPL-3.0)", True),
        ("(MIT AND GPL-3.0) OR GPL-2.0", False),
        ("ISC AND MIT OR GPL-3.0", True),
        ("GPL-3.0 AND MIT OR GPL-3.0", False),
        ("((MIT))", True),
        ("", False),
    ],
)
def test_an_expression_is_read_as_spdx_says(licence: str, good: bool) -> None:
    assert permits(licence, frozenset({"MIT", "ISC"})) is good


def test_no_lock_file_names_a_registry() -> None:
    listed = subprocess.run(["git", "ls-files", "*.lock", "*lock.json", "*lock.yaml"], cwd=ROOT, capture_output=True)
    names = listed.stdout.decode().split()
    assert {"requirements.lock", "tests/workerd/package-lock.json"} <= set(names)
    for name in names:
        text = (ROOT / name).read_text()
        if name.endswith(".json"):
            # An address at which one may pay the authors is none that is fetched from.
            text = json.dumps(without_funding(json.loads(text)))
            assert '"integrity"' in text
        assert "://" not in text, name
        assert '"resolved"' not in text
        options = {line.split("=")[0].strip(" \\") for line in text.splitlines() if line.strip().startswith("--")}
        assert options <= {"--hash"}


def without_funding(value: Any) -> Any:
    if isinstance(value, dict):
        return {name: without_funding(inner) for name, inner in value.items() if name != "funding"}
    return [without_funding(inner) for inner in value] if isinstance(value, list) else value
