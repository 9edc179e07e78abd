"""The runbooks on what was refused, pasted as they stand while something is."""

import gzip
from collections.abc import Iterator
from pathlib import Path

import pytest
from pydantic import SecretStr

from assets.apps.clearlift import APP
from assets.events.table import events_table
from clearlift_pipelines import settings
from clearlift_pipelines.stores import Stores
from sandbox.sample_stores import fill_d1
from tests.assets.event_pipeline import line
from tests.house.project import Project

# A run of every asset takes half a minute. What these pages need of it is what the landing sensor starts.
RUN = """
[ "$1" = run ] || exec {command} "$@"
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


@pytest.fixture
def stores(tmp_path: Path, postgres_dsn: str) -> Iterator[Stores]:
    """The stores that the commands of the pages work on, migrated and with the sample's organisations."""
    with Stores(settings.load(home=tmp_path / "home", postgres_dsn=SecretStr(postgres_dsn))) as found:
        found.migrate()
        fill_d1(found.d1(APP))
        yield found


@pytest.fixture
def project(tmp_path: Path, postgres_dsn: str, stores: Stores) -> Iterator[Project]:
    copy = Project(tmp_path)
    copy.environment["CLEARLIFT_POSTGRES_DSN"] = postgres_dsn
    with copy.served():
        (copy.binaries / "clearlift").rename(copy.binaries / "clearlift-command")
        copy.put_command("clearlift", RUN.format(command=copy.binaries / "clearlift-command"))
        yield copy


def stored(stores: Stores) -> list[str]:
    """The names of the events in the lake, by number."""
    ids = stores.lake.table(events_table(APP)).scan().select("event_id").collect()["event_id"]
    return sorted(ids, key=lambda name: int(name.rpartition("-")[2]))


def test_refused_lines(project: Project, stores: Stores) -> None:
    lines = [line(1), line(2, org_tag="newone"), line(3, viewport_width="wide"), line(4, viewport_width="wide")]
    (project.folder / "events.ndjson").write_bytes(b"\n".join(lines))
    project.shell("clearlift land events.ndjson && clearlift run --no-sample")
    stores.d1(APP).execute("update org_tag_mappings set short_tag = 'newone' where short_tag = 'b8e9d1'")

    said = project.follow("runbooks/refused-lines.md")

    assert "2 chosen, 2 given" in said
    assert "2 lines open again" in said
    assert "\nNothing is refused.\n" in said
    project.shell("clearlift run --no-sample")
    assert stored(stores) == ["event-1", "event-2", "event-3", "event-4"]


def test_unreadable_batches(project: Project, stores: Stores) -> None:
    packed = gzip.compress(b"\n".join(line(number) for number in range(200)))
    (project.folder / "events.ndjson.gz").write_bytes(packed[: len(packed) // 2])
    project.shell("clearlift land events.ndjson.gz && clearlift run --no-sample")

    said = project.follow("runbooks/unreadable-batches.md")

    assert "1 line open again" in said
    assert "\nNothing is refused.\n" in said
    names = stored(stores)
    assert len(names) > 10
    assert names == [f"event-{number}" for number in range(len(names))]
