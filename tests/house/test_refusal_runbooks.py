"""The runbooks on what was refused, pasted as they stand while something is."""

import gzip
from pathlib import Path

import pytest

from tests.assets.event_pipeline import line
from tests.house.project import Project

# A run of every asset takes half a minute. What these pages need of it is what the landing sensor starts.
RUN = """#!/bin/sh
[ "$1" = run ] || exec "{command}" "$@"
exec python -c '
from assets.apps.clearlift import APP
from assets.events.ingest import Ingest
from assets.windows import midnight
from clearlift_pipelines import settings
from clearlift_pipelines.stores import Stores

with Stores(settings.load()) as stores:
    Ingest.of(stores, APP, midnight(stores.settings.partitions_start)).run()
'
"""
PREPARED = """
from assets.apps.clearlift import APP
from clearlift_pipelines import settings
from clearlift_pipelines.stores import Stores
from sandbox.sample_stores import fill_d1

with Stores(settings.load()) as stores:
    stores.migrate()
    fill_d1(stores.d1(APP))
"""
KNOWN = """
from assets.apps.clearlift import APP
from clearlift_pipelines import settings
from clearlift_pipelines.stores import Stores

with Stores(settings.load()) as stores:
    stores.d1(APP).execute("update org_tag_mappings set short_tag = 'newone' where short_tag = 'b8e9d1'")
"""
STORED = """
from assets.apps.clearlift import APP
from assets.events.table import events_table
from clearlift_pipelines import settings
from clearlift_pipelines.stores import Stores

with Stores(settings.load()) as stores:
    ids = stores.lake.table(events_table(APP)).scan().select("event_id").collect()["event_id"]
    print(*sorted(ids, key=lambda name: int(name.rpartition("-")[2])))
"""


@pytest.fixture
def project(tmp_path: Path, postgres_dsn: str) -> Project:
    copy = Project(tmp_path)
    copy.environment["CLEARLIFT_POSTGRES_DSN"] = postgres_dsn
    command = copy.folder / "bin" / "clearlift"
    command.rename(command.with_name("clearlift-command"))
    command.write_text(RUN.format(command=command.with_name("clearlift-command")))
    command.chmod(0o755)
    copy.python(PREPARED)
    return copy


def test_refused_lines(project: Project) -> None:
    lines = [line(1), line(2, org_tag="newone"), line(3, viewport_width="wide"), line(4, viewport_width="wide")]
    (project.folder / "events.ndjson").write_bytes(b"\n".join(lines))
    project.shell("clearlift land events.ndjson && clearlift run --no-sample")
    project.python(KNOWN)

    said = project.follow("runbooks/refused-lines.md")

    assert "2 chosen, 2 given" in said
    assert "2 lines open again" in said
    assert "\nNothing is refused.\n" in said
    project.shell("clearlift run --no-sample")
    assert project.python(STORED).split() == ["event-1", "event-2", "event-3", "event-4"]


def test_unreadable_batches(project: Project) -> None:
    packed = gzip.compress(b"\n".join(line(number) for number in range(200)))
    (project.folder / "events.ndjson.gz").write_bytes(packed[: len(packed) // 2])
    project.shell("clearlift land events.ndjson.gz && clearlift run --no-sample")

    said = project.follow("runbooks/unreadable-batches.md")

    assert "1 line open again" in said
    assert "\nNothing is refused.\n" in said
    stored = project.python(STORED).split()
    assert len(stored) > 10
    assert stored == [f"event-{number}" for number in range(len(stored))]
