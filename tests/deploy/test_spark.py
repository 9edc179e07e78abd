"""Heavy days on a local Spark over Dagster Pipes. It starts for some ten seconds each time: only under `make soak`."""

from collections.abc import Iterator
from datetime import date
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
from resources.lake.contents import ROW_GROUP_ROWS
from tests.assets.rollups.event_lake import EventLake, event
from tests.assets.rollups.heavy import DAY as HEAVY
from tests.assets.rollups.heavy import fill, roll_up, stored
from tests.deploy import spark_here
from tests.resources.lake.engines import READERS, require_engines

pytestmark = [pytest.mark.soak, pytest.mark.filterwarnings("ignore::dagster.BetaWarning")]


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


def test_spark_makes_of_a_day_what_we_make(event_lake: EventLake) -> None:
    fill(event_lake, files=5, events=400)
    event_lake.append(event(timestamp=HEAVY.start - DAY, event_id="of the day before"))
    before, (ours, _) = stored(event_lake), roll_up(event_lake, None)
    day = date(2026, 3, 19)
    calendar = Calendar(day)
    of_rollups = rollups.build(APP, calendar, DAY)

    empty = {name: [] for name in ours}
    for when in ("of small files", "of what it merged"):
        event_lake.postgres.execute("truncate rollups.windows")
        for table in ours:
            event_lake.postgres.execute(f"truncate {table}")
        assert event_lake.rows() == empty
        daily = made(event_lake, of_rollups, "rollups", "daily", partition=f"{day}")
        assert (daily["days_by_other_engine"], daily["events"], daily["doubles_ignored"]) == (1, 2_000, 0), when
        # An hour is of the same task; the other 23 are left out because Spark starts for each.
        assert {name: rows for name, rows in event_lake.rows().items() if ".daily" in name} == {
            name: rows for name, rows in ours.items() if ".daily" in name
        }
        hourly = made(event_lake, of_rollups, "rollups", "hourly", partition=f"{day}-07:00")
        assert hourly["days_by_other_engine"] == 1
        found = event_lake.rows()
        for name in (name for name in ours if ".hourly" in name):
            assert found[name] == [row for row in ours[name] if row[1].hour == 7]

        if when == "of small files":
            done = made(event_lake, compaction.build(APP), "events", "compacted")
            assert (done["groups"], done["groups_by_other_engine"], done["files_before"]) == (2, 2, 10)
            assert done["checksum_before"] == done["checksum_after"]

    assert stored(event_lake) == before
    files = [info for info in event_lake.events.files() if info.key.day == day]
    assert len(files) == 2
    for info in files:
        assert event_lake.events.is_whole(info.file)
        file = pq.ParquetFile(info.path.removeprefix("file://"))
        assert file.metadata.row_group(0).num_rows <= ROW_GROUP_ROWS
        times = pl.read_parquet(info.path.removeprefix("file://"), hive_partitioning=False)["timestamp"]
        assert times.is_sorted()
        folder = Path(info.path.removeprefix("file://")).parent
        assert {path.suffix for path in folder.iterdir()} == {".parquet"}, "nothing but data files stays"
    metadata = event_lake.events.load().metadata_location
    for reader, read in READERS.items():
        assert len(read(metadata, ["org_tag", "event_id"])) == 2_001, reader
