"""`python -m clearlift_pipelines.audit`: licences and known vulnerabilities of every locked package.

What belongs here: reading the lock files, and what is said of each package. What is allowed stands in pyproject.toml.
Licences are read from what is installed and from the lock files, without a network. Vulnerabilities are asked of OSV,
which takes names and versions; where it cannot be reached nothing is known of them, and unknown is not good.
"""

import json
import re
import sys
import tomllib
from collections.abc import Iterable, Iterator, Mapping
from importlib import metadata
from pathlib import Path
from typing import Any, NamedTuple

import click

from resources.counts import counted
from resources.http import HttpError, Patience, Session
from resources.verdicts import decoded

SERVICE = "https://api.osv.dev"
PYTHON_LOCK, NPM_LOCK = "requirements.lock", "tests/workerd/package-lock.json"
PIN = re.compile(r"^([A-Za-z0-9._-]+)==([^\s;\\]+)", re.MULTILINE)
BATCH = 1_000  # of one question to OSV
BAD, UNKNOWN = 1, 2


class Package(NamedTuple):
    """A locked package. `licence` is empty where neither what is installed nor the lock file says one."""

    ecosystem: str
    name: str
    version: str
    licence: str

    def __str__(self) -> str:
        return f"{self.name} {self.version}"


class Finding(NamedTuple):
    """What is wrong, or not known, as one line."""

    code: int
    line: str


def packages(root: Path) -> list[Package]:
    """Every package of the lock files."""
    python = PIN.findall((root / PYTHON_LOCK).read_text())
    npm = json.loads((root / NPM_LOCK).read_text())["packages"]
    return [
        *(Package("PyPI", name, version, _installed_licence(name)) for name, version in python),
        *(
            Package("npm", path.rpartition("node_modules/")[2], entry["version"], entry.get("license", ""))
            for path, entry in npm.items()
            if path
        ),
    ]


def licences(found: Iterable[Package], allowed: Iterable[str], read: Mapping[str, str]) -> Iterator[Finding]:
    """Packages whose licence is not allowed, or not known. `read`: licences that a person has read, by package."""
    for package in found:
        licence = read.get(package.name) or package.licence
        if not licence:
            yield Finding(UNKNOWN, f"{package}: the licence is not known; read it and name it in pyproject.toml")
        elif not permits(licence, frozenset(allowed)):
            yield Finding(BAD, f"{package}: the licence {licence} is not among those of pyproject.toml")


def permits(licence: str, allowed: frozenset[str]) -> bool:
    """Whether an SPDX expression, or the name of one licence, leaves a choice that is allowed."""
    if licence in allowed:
        return True
    outer = re.sub(r"\([^()]*\)", lambda group: str(permits(group[0][1:-1], allowed)), licence)
    if outer != licence:
        return permits(outer, allowed | {str(True)})
    for word, combine in ((" OR ", any), (" AND ", all)):
        if word in licence:
            return combine(permits(part, allowed) for part in licence.split(word))
    return False


def vulnerabilities(found: list[Package], service: str, accepted: Mapping[str, str]) -> Iterator[Finding]:
    """What OSV knows against the locked versions, without the ids that are accepted."""
    session = Session("osv", patience=Patience(connect=5, read=30, waiting=5, tries=2))
    try:
        for first in range(0, len(found), BATCH):
            batch = found[first : first + BATCH]
            asked = [{"package": {"name": p.name, "ecosystem": p.ecosystem}, "version": p.version} for p in batch]
            answer = session.request("POST", f"{service}/v1/querybatch", json={"queries": asked}, idempotent=True)
            for package, result in zip(batch, decoded(answer)["results"], strict=True):
                ids = [known["id"] for known in result.get("vulns", ()) if known["id"] not in accepted]
                if ids:
                    yield Finding(BAD, f"{package}: {', '.join(ids)}")
    except HttpError as error:
        yield Finding(UNKNOWN, f"vulnerabilities could not be looked up: {error}")
    except (KeyError, TypeError, ValueError, AttributeError):
        yield Finding(UNKNOWN, f"vulnerabilities could not be looked up: {service} gave another answer than OSV's")
    finally:
        session.close()


def _installed_licence(name: str) -> str:
    try:
        said = metadata.metadata(name)
    except metadata.PackageNotFoundError:  # locked for another platform
        return ""
    classifiers = [c.rpartition(" :: ")[2] for c in said.get_all("Classifier") or [] if c.startswith("License ::")]
    lines = (said.get_all("License") or [""])[0].strip().splitlines()
    expression = (said.get_all("License-Expression") or [""])[0]
    return expression or " AND ".join(classifiers) or (lines[0] if lines else "")


@click.command()
@click.option("--service", default=SERVICE, show_default=True, help="Where OSV's API is reached.")
@click.option("--root", type=click.Path(path_type=Path), default=".", help="Folder of the lock files.")
def audit(service: str, root: Path) -> None:
    """Exit code 0 where all is allowed and nothing known against it, 1 where something is, 2 where it is not known."""
    rules: dict[str, Any] = tomllib.loads((root / "pyproject.toml").read_text())["tool"]["audit"]
    found = packages(root)
    findings = [
        *licences(found, rules["licences"], rules["read"]),
        *vulnerabilities(found, service, rules["accepted"]),
    ]
    for finding in findings:
        click.echo(finding.line, err=True)
    codes = {finding.code for finding in findings}
    if not codes:
        click.echo(f"{counted(len(found), 'locked package')}: licences allowed, no vulnerability known")
    sys.exit(BAD if BAD in codes else max(codes, default=0))


if __name__ == "__main__":
    audit()
