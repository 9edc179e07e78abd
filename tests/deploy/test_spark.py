"""Heavy days on a local Spark over Dagster Pipes. It starts for some ten seconds each time: only under `make soak`."""

from collections.abc import Iterator
from pathlib import Path
from typing import Any

import polars as pl
import pyarrow.parquet as pq
import pytest
from dagster import DagsterInstance, materialize
from pydantic import SecretStr

from assets.apps.clearlift import APP
from assets.compaction import assets as compaction
from assets.partitions import Calendar
from assets.rollups import assets as rollups
from assets.windows import DAY
from clearlift_pipelines import settings
from clearlift_pipelines.stores import Stores
from resources.lake.writing import ROW_GROUP_ROWS
from tests.assets.rollups.event_lake import EventLake, event
from tests.assets.rollups.heavy import DAY as HEAVY
from tests.assets.rollups.heavy import fill, roll_up, stored
from tests.deploy import spark_here
from tests.resources.lake.engines import READERS, require_engines

pytestmark = [
    pytest.mark.soak,
    pytest.mark.filterwarnings("ignore::dagster.BetaWarning"),
    pytest.mark.filterwarnings("ignore:Iceberg scan planning:polars.exceptions.PerformanceWarning"),
]


@pytest.fixture
def event_lake(tmp_path: Path, postgres_dsn: str) -> Iterator[EventLake]:
    """Stores whose heavy days go to Spark, and every day is heavy."""
    require_engines()
    chosen = settings.load(
        home=tmp_path / "home",
        postgres_dsn=SecretStr(postgres_dsn),
        pipes_command=spark_here.command(tmp_path),
        pipes_from_mib=0,
    )
    stores = Stores(chosen)
    stores.migrate()
    yield EventLake(stores)
    stores.close()


def made(event_lake: EventLake, definitions: list[Any], *name: str, partition: str | None = None) -> dict[str, Any]:
    """Materialize one asset as a run of Dagster does; its metadata."""
    (chosen,) = [found for found in definitions if [APP.name, *name] in [list(key.path) for key in found.keys]]
    with DagsterInstance.ephemeral() as instance:
        done = materialize([chosen], instance=instance, resources={"rooms": event_lake.stores}, partition_key=partition)
    assert done.success
    (event,) = done.get_asset_materialization_events()
    return {key: value.value for key, value in event.materialization.metadata.items()}


def filled(event_lake: EventLake) -> None:
    """A heavy day, and an event of the day before that no task is about."""
    fill(event_lake, files=5, events=400)
    event_lake.append(event(timestamp=HEAVY.start - DAY, event_id="of the day before"))


def test_spark_counts_a_day_and_an_hour_as_we_do(event_lake: EventLake) -> None:
    filled(event_lake)
    ours, _ = roll_up(event_lake, None)
    of_rollups = rollups.build(APP, Calendar(HEAVY.start.date()), DAY)
    for table in ours:
        event_lake.postgres.execute(f"truncate {table}")

    daily = made(event_lake, of_rollups, "rollups", "daily", partition=f"{HEAVY.start:%Y-%m-%d}")
    assert (daily["days_by_other_engine"], daily["events"], daily["doubles_ignored"]) == (1, 2_000, 0)
    # Of the hours one, because Spark starts for each run.
    hourly = made(event_lake, of_rollups, "rollups", "hourly", partition=f"{HEAVY.start:%Y-%m-%d}-07:00")
    assert hourly["days_by_other_engine"] == 1

    found = event_lake.rows()
    for name, rows in ours.items():
        assert found[name] == [row for row in rows if ".daily" in name or row[1].hour == 7], name


def test_spark_merges_a_day_as_we_do(event_lake: EventLake) -> None:
    filled(event_lake)
    before, (ours, _) = stored(event_lake), roll_up(event_lake, None)

    done = made(event_lake, compaction.build(APP), "events", "compacted")

    assert (done["groups"], done["groups_by_other_engine"], done["files_before"]) == (2, 2, 10)
    assert done["checksum_before"] == done["checksum_after"]
    assert stored(event_lake) == before
    assert roll_up(event_lake, None)[0] == ours
    files = [info for info in event_lake.events.files() if info.key.day == HEAVY.start.date()]
    assert len(files) == 2
    for info in files:
        assert event_lake.events.is_whole(info.file)
        path = Path(info.path.removeprefix("file://"))
        assert pq.ParquetFile(path).metadata.row_group(0).num_rows <= ROW_GROUP_ROWS
        assert pl.read_parquet(path, hive_partitioning=False)["timestamp"].is_sorted()
        assert [one.name for one in path.parent.iterdir() if one.suffix != ".parquet"] == [], "only data files stay"
    metadata = event_lake.events.load().metadata_location
    for reader, read in READERS.items():
        assert len(read(metadata, ["org_tag", "event_id"])) == 2_001, reader
