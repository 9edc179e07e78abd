"""docs/production.md, pasted: its blocks, in their order, end in a green doctor and an ingested event.

In the place of what a machine of its own has: programs named sudo, useradd, git, make, install and systemctl,
paths below the test's folder, and the values of the settings. `systemctl enable --now` starts the units by their files.
"""

import os
import re
import stat
import subprocess
from collections.abc import Iterator
from pathlib import Path

import pytest
from pydantic import SecretStr

from assets.apps.clearlift import APP as CLEARLIFT
from assets.events.ledger import IngestLedger
from clearlift_pipelines import settings
from clearlift_pipelines.stores import Stores
from sandbox import sample_stores
from tests.assets.event_pipeline import line
from tests.deploy.deployment import Deployment, deployed, until
from tests.deploy.units import Unit, supervised
from tests.pages import DOCS, blocks, blocks_in

PAGE = DOCS / "production.md"
PROGRAMS = {
    "sudo": 'if [ "$1" = -u ]; then shift 2; fi; exec "$@"',
    "useradd": 'while [ "$1" != --home-dir ]; do shift; done; mkdir -p "$2"',
    "git": ":",
    "make": ":",
    "install": 'for last; do :; done; if [ "$1" = -d ]; then mkdir -p "$last"; else cp /dev/null "$last"; fi',
    "systemctl": '[ "$1 $2" != "enable --now" ] || { shift 2; echo "$@" > "$ENABLED"; }',
}
ON_THIS_MACHINE = {"DAGSTER_HOME", "CLEARLIFT_HOME"}


class Machine:
    """A clean machine below a folder."""

    def __init__(self, deployment: Deployment) -> None:
        self.deployment, self.folder = deployment, deployment.folder
        self.enabled = self.folder / "enabled"
        (self.folder / "etc" / "systemd" / "system").mkdir(parents=True)
        (self.folder / "bin").mkdir()
        for name, script in PROGRAMS.items():
            program = self.folder / "bin" / name
            program.write_text(f"#!/bin/sh\n{script}\n")
            program.chmod(program.stat().st_mode | stat.S_IXUSR)

    def here(self, text: str) -> str:
        """A text of the page with this machine's paths."""
        return re.sub(r"(/opt/clearlift|/var/lib/clearlift|/etc/systemd)\b", rf"{self.folder}\1", text)

    def settings(self, text: str) -> str:
        """The page's settings with values: those that this machine has."""
        values = self.deployment.urls
        lines = []
        for each in text.splitlines():
            name = each.partition("=")[0]
            if name in values:
                lines.append(f"{name}='{values[name]}'")
            elif name in ON_THIS_MACHINE:
                lines.append(self.here(each))
        return "\n".join(lines) + "\n"

    def paste(self, block: str) -> None:
        environment = {
            "PATH": f"{self.folder / 'bin'}:{os.defpath}",
            "HOME": str(self.folder),
            "ENABLED": str(self.enabled),
        }
        subprocess.run(["bash", "-e"], input=self.here(block), text=True, env=environment, cwd="/", check=True)

    def units(self) -> list[Unit]:
        """What `systemctl enable --now` named, by the files that were installed."""
        place = self.folder / "etc" / "systemd" / "system"
        return [Unit.of(name, place) for name in self.enabled.read_text().split()]


@pytest.fixture
def machine(tmp_path: Path) -> Iterator[Machine]:
    with deployed(tmp_path) as deployment:
        yield Machine(deployment)


@pytest.mark.soak
def test_the_pasted_page_ends_in_a_green_doctor_and_an_ingested_event(machine: Machine) -> None:
    page, _, new_version = PAGE.read_text().partition("## A new version")
    before, _, after = page.partition("## The first event")
    for block in blocks_in(before):
        if block.language == "ini":
            (machine.folder / "var/lib/clearlift/.env").write_text(machine.settings(block.text))
        else:
            machine.paste(block.text)

    (machine.folder / "var/lib/clearlift/first.ndjson").write_bytes(line(1) + b"\n")
    home = machine.folder / "var/lib/clearlift"
    dsn = SecretStr(machine.deployment.urls["CLEARLIFT_POSTGRES_DSN"])
    with (
        supervised(machine.units(), machine.folder / "logs") as services,
        Stores(settings.load(home=home, postgres_dsn=dsn)) as stores,
    ):
        for service in services.values():
            assert service.active.wait(180), service.log.read_text()[-4000:]
        sample_stores.fill_d1(stores.d1(CLEARLIFT))
        (first,) = blocks_in(after)
        machine.paste(first.text)
        ledger = IngestLedger(stores.postgres, CLEARLIFT.name)
        until(lambda: ledger.totals()["stored"] == 1, seconds=300)
        (update,) = blocks_in(new_version)
        machine.paste(update.text)
    assert {service.starts for service in services.values()} == {1}


def test_the_page_names_every_setting_that_it_needs() -> None:
    (block,) = [block.text for block in blocks("production.md") if block.language == "ini"]
    given = {each.partition("=")[0].removeprefix("CLEARLIFT_").lower().split("__")[0] for each in block.splitlines()}
    assert given - set(settings.Settings.model_fields) == {"dagster_home"}
