"""No personal value and no credential leaves the stores, whatever fails: not by a log, an error, a file's name.

Canaries are planted in every personal column, line, key and object that the registry names, and in settings that are
secret. Then jobs and sensors run, while each store fails in turn.
"""

import base64
import gzip
import json
import os
import subprocess
import sys
import tempfile
import traceback
from collections import Counter
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass, field
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import pytest
from dagster import DagsterInstance, Definitions, TimeWindowPartitionsDefinition, build_sensor_context

from assets.apps import APPS
from assets.apps.clearlift import APP as CLEARLIFT
from assets.apps.sesh import APP as SESH
from assets.apps.sesh_series import SERIES
from assets.events import landing
from assets.privacy.identity import Identity
from assets.search.needles import Counts, Needles
from assets.series import ahead
from clearlift_pipelines import settings
from clearlift_pipelines.definitions import build_defs
from clearlift_pipelines.stores import Stores
from resources.ad_platforms import PLATFORMS as AD_PLATFORMS
from sandbox import sample_stores
from tests.assets.event_pipeline import line
from tests.assets.export.people_everywhere import Somebody, fill
from tests.clearlift_pipelines.faults_of_stores import FAULTS
from tests.databases import database
from tests.standin.echo import ECHOES
from tests.standin.loopback import Loopback

NOW = datetime(2026, 5, 2, 3, 4, tzinfo=UTC)
YESTERDAY = datetime(2026, 5, 1, 12, tzinfo=UTC)
PERSON = Somebody("person-7c1f0e44d9", 1)
EMAIL = "ann.canary@people.example"
SECRET = "hush-c4n4ry-5f0d-93b1"
# What is a store's own content, and not a name that we choose: people's media lie under their id.
MEDIA = ("user-media", "quarantine/user-media")


@dataclass
class Shown:
    """What runs show outside of the stores: texts and bytes by where they were, and how each job ended."""

    said: dict[str, bytes] = field(default_factory=dict)
    errors: list[str] = field(default_factory=list)
    arguments: list[str] = field(default_factory=list)
    ended: Counter[tuple[str, bool]] = field(default_factory=Counter)

    def leaks(self) -> list[str]:
        """Where something shows that must not, with the text around it."""
        texts = {
            **self.said,
            "errors": "\n\n".join(self.errors).encode(errors="replace"),
            "process arguments": "\n".join(self.arguments).encode(),
        }
        found = []
        for where, data in texts.items():
            counts = Counts()
            NEEDLES.count(counts, data, 0, len(data), exact=False)
            if NEEDLES.judged(counts):
                found.append(f"{where}: {_around(data)}")
        return found


NEEDLES = Needles(
    [
        Identity(
            "person", "sesh", {"user": frozenset({PERSON.text, PERSON.uuid})}, texts=frozenset({PERSON.mark, EMAIL})
        ),
        Identity("secret", "sesh", {}, texts=frozenset({SECRET})),
    ]
)


def _around(data: bytes) -> str:
    text = data.decode(errors="replace")
    at = min(
        (text.find(one) for one in (PERSON.text, PERSON.uuid, PERSON.mark, EMAIL, SECRET) if one in text), default=0
    )
    return repr(text[max(0, at - 300) : at + 200])


@contextmanager
def watched(folder: Path, shown: Shown) -> Iterator[None]:
    """Keeps what is written to stdout and stderr, by this process and its children, and the arguments of these."""
    started, patch = subprocess.Popen.__init__, pytest.MonkeyPatch()

    def starting(self: Any, args: Any, *others: Any, **named: Any) -> None:
        shown.arguments.append(repr(args))
        started(self, args, *others, **named)

    patch.setattr(subprocess.Popen, "__init__", starting)
    before = [(number, os.dup(number)) for number in (1, 2)]
    with (folder / "stdout").open("a", buffering=1) as out, (folder / "stderr").open("a", buffering=1) as err:
        # What Python writes, and what others write to the same files.
        patch.setattr(sys, "stdout", out)
        patch.setattr(sys, "stderr", err)
        os.dup2(out.fileno(), 1)
        os.dup2(err.fileno(), 2)
        try:
            yield
        finally:
            for number, kept in before:
                os.dup2(kept, number)
                os.close(kept)
            patch.undo()
    for name in ("stdout", "stderr"):
        shown.said[name] = (folder / name).read_bytes()


def run(defs: Definitions, name: str, instance: DagsterInstance, shown: Shown) -> None:
    """A job, of yesterday's partition if it has any, with what a person or a schedule would see of its failure."""
    job = defs.resolve_job_def(name)
    partitions = job.partitions_def
    assert partitions is None or isinstance(partitions, TimeWindowPartitionsDefinition)
    key = partitions.get_partition_key_for_timestamp(YESTERDAY.timestamp()) if partitions is not None else None
    try:
        result = job.execute_in_process(instance=instance, partition_key=key, raise_on_error=False)
        shown.ended[name, result.success] += 1
    except Exception:  # noqa: BLE001 (whatever it says is looked at)
        shown.errors.append(traceback.format_exc())


def sense(defs: Definitions, instance: DagsterInstance, shown: Shown) -> None:
    """Every sensor, with what its tick says."""
    for sensor in defs.sensors or ():
        try:
            with build_sensor_context(instance=instance, repository_def=defs.get_repository_def()) as context:
                shown.errors.append(repr(sensor.evaluate_tick(context)))  # type: ignore[union-attr]
        except Exception:  # noqa: BLE001 (whatever it says is looked at)
            shown.errors.append(traceback.format_exc())


def plant(stores: Stores) -> None:
    """Canaries in all stores."""
    stores.migrate()
    sample_stores.fill_d1(stores.d1(CLEARLIFT))
    for family in SERIES:
        ahead.make(stores.d1(SESH), family, lambda: NOW)
    for app in APPS:
        fill(stores, app, [PERSON])
    whole = {"user_id": PERSON.text, "anonymous_id": PERSON.text, "session_id": PERSON.mark, "page_search": f"?{EMAIL}"}
    lines = [
        line(1, timestamp=NOW.isoformat(), **whole),
        line(2, timestamp="not a time", **whole),
        json.dumps({"user_id": PERSON.text, EMAIL: PERSON.mark}).encode(),
        f'{{"user_id": "{PERSON.text}", "cut'.encode(),
    ]
    prefix = landing.zone(CLEARLIFT).hour_prefix(NOW)
    stores.object_store.put(f"{prefix}batch.ndjson.gz", gzip.compress(b"\n".join(lines)))
    for platform in AD_PLATFORMS:
        row = f"connection-{platform}"
        tokens = {"oauth": {"access_token": SECRET, "refresh_token": SECRET}, "app": {"client_secret": SECRET}}
        sealed = stores.keyring.seal_text(
            json.dumps(tokens), table=sample_stores.TABLE, column="settings_encrypted", row=row
        )
        columns = ["id", "organization_id", "platform", "account_id", "connected_by", "settings", "settings_encrypted"]
        values = [row, "org-a3f7c2", platform, f"account-{platform}", sample_stores.OWNER, "{}", sealed]
        stores.d1(CLEARLIFT).upsert(sample_stores.TABLE, columns, [values], ["id"])


@contextmanager
def planted(server: str, template: str, folder: Path, ads: str) -> Iterator[tuple[Stores, DagsterInstance]]:
    """Stores with canaries, and an instance that keeps all logs, in a folder."""
    key = base64.b64encode(SECRET.encode().ljust(32, b"."))
    (folder / "dagster").mkdir()
    with database(server, template) as dsn:
        chosen = settings.load(
            home=folder / "home",
            postgres_dsn=dsn.replace("postgres@", f"postgres:{SECRET}@"),
            keyring=json.dumps({"keys": {"1": key.decode()}}),
            ad_apps={name: dict.fromkeys(platform.credentials, SECRET) for name, platform in AD_PLATFORMS.items()},
            ad_origin=ads,
            ui_password=SECRET,
        )
        with (
            Stores(chosen, clock=lambda: NOW) as stores,
            DagsterInstance.local_temp(str(folder / "dagster")) as instance,
        ):
            plant(stores)
            yield stores, instance


def kept_by_dagster(folder: Path) -> dict[str, bytes]:
    """Every file of the instance: event logs, run configuration, output of runs."""
    return {f"dagster {p.relative_to(folder)}": p.read_bytes() for p in folder.rglob("*") if p.is_file()}


def names_of_files(home: Path) -> Sequence[str]:
    """The names below the home folder, without those of people's media."""
    names = [str(path.relative_to(home)) for path in home.rglob("*")]
    return [name for name in names if not name.removeprefix("r2/").startswith(MEDIA)]


def shown_by(
    server: str, template: str, folder: Path, rounds: Sequence[tuple[str, slice]], monkeypatch: pytest.MonkeyPatch
) -> Shown:
    """What is seen of runs: in each round a fault, and which of all jobs run."""
    shown = Shown()
    monkeypatch.setattr("resources.ad_platforms.polling.FIRST_WAIT", 0.001)
    monkeypatch.setattr(tempfile, "tempdir", str(folder))
    with (
        Loopback(ECHOES["an error"]) as ads,
        planted(server, template, folder, ads.url) as (stores, instance),
        watched(folder, shown),
    ):
        defs = build_defs(stores.settings, stores)
        jobs = sorted(job.name for job in defs.jobs or ())
        for fault, some in rounds:
            with FAULTS[fault](stores):
                for name in jobs[some]:
                    run(defs, name, instance, shown)
        sense(defs, instance, shown)
    shown.said |= kept_by_dagster(folder / "dagster")
    shown.said["names of files"] = "\n".join(names_of_files(folder / "home")).encode()
    return shown


def test_no_canary_is_seen_outside_of_the_stores(
    postgres_server: str, migrated_dsn: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Some jobs of each room, each with another store that fails than its neighbours."""
    rounds = [(fault, slice(number, None, 3 * len(FAULTS))) for number, fault in enumerate(FAULTS)]
    shown = shown_by(postgres_server, migrated_dsn, tmp_path, rounds, monkeypatch)
    assert shown.leaks() == []
    assert {success for _, success in shown.ended} == {True, False}
    assert shown.said["stderr"]


@pytest.mark.soak
@pytest.mark.parametrize("fault", FAULTS)
def test_no_canary_is_seen_whichever_store_fails_in_all_jobs(
    postgres_server: str, migrated_dsn: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, fault: str
) -> None:
    shown = shown_by(postgres_server, migrated_dsn, tmp_path, [(fault, slice(None))], monkeypatch)
    assert shown.leaks() == []


def test_the_watch_sees_what_is_shown(tmp_path: Path) -> None:
    """A canary that is printed, logged by a child, raised or given to a process is a leak."""
    shown = Shown()
    with watched(tmp_path, shown):
        os.write(1, f"a {EMAIL} b".encode())
        subprocess.run([sys.executable, "-c", f"import sys; sys.stderr.write('{PERSON.text}')"], check=True)
    shown.errors.append(base64.b64encode(f"x{SECRET}".encode()).decode())
    assert {leak.partition(":")[0] for leak in shown.leaks()} == {"stdout", "stderr", "errors", "process arguments"}
