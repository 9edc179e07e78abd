"""A further lake table of an app, made of its events: every room of the lake looks after it once it is in the list."""

from dataclasses import dataclass, replace
from datetime import UTC, datetime, timedelta
from uuid import uuid4

import pytest
from dagster import DagsterInstance, Definitions, ExecuteInProcessResult, define_asset_job, mem_io_manager

from assets import lake_tables
from assets.apps import App
from assets.apps.clearlift import APP as CLEARLIFT
from assets.apps.lifecycle import Archive, Lifecycle
from assets.apps.personal import Holding
from assets.archive.quarters import Quarter
from assets.archive.restore import Restore
from assets.archive.tables import archived
from assets.archive.write import Archiver
from assets.backups.lake import LakeBackup
from assets.compaction import assets as compaction
from assets.erasure import lake as erasure
from assets.erasure.people import tables_of
from assets.events import pruned
from assets.export.live_rows import of_lake
from assets.health import stores as looks
from assets.lake_tables import AppTable
from assets.privacy.identity import Identity
from assets.upkeep import assets as upkeep
from assets.upkeep.expiry import Expiry
from assets.upkeep.keep import SnapshotPolicy
from resources.declined import DeclinedError
from resources.lake.expiry import snapshots
from tests.assets.erasure.traces import traces
from tests.assets.event_pipeline import NOW, Pipeline, line
from tests.assets.upkeep.memory_lake import VISITS, MemoryLake
from tests.rooms import TestRooms

ANNA, BEN = "visitor-anna-0001", "visitor-ben-0002"
OLD = datetime.now(UTC) + timedelta(days=3)
HELD = Holding(
    "lake",
    "site.visits",
    subjects=(("visitor", "visitor"),),
    personal="visitor",
    traces="visit",
    impersonal="org_tag began_at",
    organisation="org_tag",
    erasure="delete",
    doc="A visit",
)
KEPT = Lifecycle("lake", "site.visits", "began_at", ("org_tag", "visit"), archive=Archive(90, "org_tag"), kept="a test")
APP = replace(
    CLEARLIFT,
    personal=(*CLEARLIFT.personal, HELD),
    own_lifecycles=(*CLEARLIFT.own_lifecycles, KEPT),
    d1_migrations=None,
)


def _visits(app: App) -> AppTable:
    return lake_tables.of_data(app, VISITS, ("visits", "made"), f"{app.name}.visits", made_from="clearlift.events")


@dataclass
class Side:
    """Both tables, with rows of Anna and Ben in each."""

    pipeline: Pipeline
    visits: MemoryLake

    @property
    def rooms(self) -> TestRooms:
        return TestRooms(OLD, self.pipeline.postgres, self.pipeline.store, self.pipeline.lake)

    def run(self, *assets: object) -> ExecuteInProcessResult:
        """Assets over these stores."""
        defs = Definitions(
            assets=[asset for asset in assets if asset is not None],  # type: ignore[misc]
            jobs=[define_asset_job("all")],
            resources={"rooms": self.rooms, "io_manager": mem_io_manager},
        )
        with DagsterInstance.ephemeral() as instance:
            return defs.resolve_job_def("all").execute_in_process(instance=instance)


@pytest.fixture
def side(pipeline: Pipeline, monkeypatch: pytest.MonkeyPatch) -> Side:
    monkeypatch.setattr(lake_tables, "OF_AUDIENCE", (*lake_tables.OF_AUDIENCE, _visits))
    made = Side(pipeline, MemoryLake(pipeline.lake))
    for number, visitor in enumerate((ANNA, BEN)):
        pipeline.land(line(number, anonymous_id=visitor))
        pipeline.ingest()
        made.visits.append(made.visits.visits(visitor))
    return made


def metadata(result: ExecuteInProcessResult, name: str) -> dict[str, object]:
    (made,) = result.asset_materializations_for_node(name)
    return {key: value.value for key, value in made.metadata.items()}


def test_a_look_at_the_lake_names_each_table_and_the_one_that_is_missing(side: Side) -> None:
    said = looks.lake(side.pipeline.lake, APP)
    assert said.startswith("clearlift.events: ")
    assert "; site.visits: " in said

    side.pipeline.lake.catalog.drop_table(VISITS.identifier)
    with pytest.raises(DeclinedError, match=r"site\.visits is missing"):
        looks.lake(side.pipeline.lake, APP)


def test_its_small_files_are_merged_by_an_asset_of_its_own(side: Side) -> None:
    before = side.visits.rows()
    for _ in range(9):
        side.visits.append(side.visits.visits(BEN))

    events, of_visits = compaction.build(APP)
    assert (events.key.path, of_visits.key.path) == (
        ["clearlift", "events", "compacted"],
        ["clearlift", "visits", "compacted"],
    )
    found = metadata(side.run(of_visits), "clearlift__visits__compacted")

    assert (found["files_before"], found["files_after"], found["dagster/row_count"]) == (11, 1, 11)
    assert len(side.visits.rows()) == len(before) + 9
    assert len(side.visits.table.files()) == 1


def test_its_snapshots_expire_though_nobody_follows_them_and_its_files_go(side: Side) -> None:
    table = side.visits.table
    table.replace(table.files(), [], "all gone")
    lost = [info.path for info in side.pipeline.table.files()]
    policy = SnapshotPolicy(at_least=1)
    found = [Expiry.of(side.rooms, APP, entry, policy).run() for entry in lake_tables.lake_tables(APP)]
    assert found[0].kept == {"not followed by the roll-ups": 2}
    assert (found[1].before, found[1].after) == (3, 1)

    done = side.run(*upkeep.build(APP))

    assert metadata(done, "clearlift__upkeep__files")["unnamed_and_old"]["data"] == 2  # type: ignore[index]
    assert len(snapshots(table)) == 1
    assert traces(side.pipeline.folder / "data" / "visits", ANNA, BEN) == []
    assert [info.path for info in side.pipeline.table.files()] == lost


def test_an_erasure_takes_a_persons_rows_out_of_it(side: Side) -> None:
    eraser = erasure.eraser(side.rooms, APP)
    assert eraser is not None
    who = Identity("request-1", APP.name, {"visitor": frozenset({ANNA})})

    done = eraser.erase([who])

    assert (done.place, done.rows) == ("lake clearlift.events, site.visits", 2)
    assert [visitor for _, visitor in side.visits.rows()] == [BEN]
    assert traces(side.pipeline.folder / "data", ANNA) == []
    # What roll-ups still count is noted of events alone.
    noted = side.pipeline.postgres.fetch("select distinct name from retention.deletions where store = 'lake'")
    assert [row["name"] for row in noted] == ["clearlift.events"]
    assert eraser.erase([who]).rows == 0


def test_no_row_comes_to_it_while_an_erasure_is_in_its_last_look(side: Side, monkeypatch: pytest.MonkeyPatch) -> None:
    held: list[str] = []
    lock = type(side.pipeline.postgres).lock
    monkeypatch.setattr(
        type(side.pipeline.postgres),
        "lock",
        lambda self, name, **given: held.append(name) or lock(self, name, **given),  # type: ignore[func-returns-value]
    )
    eraser = erasure.eraser(side.rooms, APP)
    assert eraser is not None
    eraser.erase([Identity("request-1", APP.name, {"visitor": frozenset({ANNA})})])
    assert {"clearlift.ingest", "clearlift.visits"} <= set(held)


def test_an_export_and_the_search_for_a_persons_ids_read_it(side: Side) -> None:
    ids = {"visitor": frozenset({ANNA})}
    portions = {one.name: list(one.rows) for one in of_lake(side.rooms, APP, ids, frozenset())}  # type: ignore[arg-type]
    assert {name: len(rows) for name, rows in portions.items()} == {"lake/clearlift.events": 1, "lake/site.visits": 1}
    assert [table.name for table in tables_of(side.rooms, APP)] == ["clearlift.events", "site.visits"]


def test_a_backup_has_it(side: Side) -> None:
    assert [".".join(spec.identifier) for spec in LakeBackup.of(side.rooms, [APP]).tables] == [
        "clearlift.events",
        "site.visits",
    ]


def test_its_rows_are_archived_and_come_back_beside_it(side: Side) -> None:
    entry, quarter = archived(APP, "visits"), Quarter(2025, 4)
    rooms = replace(side.rooms, now=datetime(2026, 6, 1, tzinfo=UTC))
    assert Archiver.of(rooms, APP, entry).run(quarter).rows == 2

    Restore.of(rooms, APP, entry, "side").run(quarter)

    beside = side.pipeline.lake.table(replace(VISITS, name="visits_restored"))
    assert sorted(beside.scan().select("visit", "visitor").collect().iter_rows()) == side.visits.rows()


def test_its_rows_that_come_back_live_open_no_day_of_events(side: Side) -> None:
    entry, quarter, postgres = archived(APP, "visits"), Quarter(2025, 4), side.pipeline.postgres
    rooms, before = replace(side.rooms, now=datetime(2026, 6, 1, tzinfo=UTC)), side.visits.rows()
    Archiver.of(rooms, APP, entry).run(quarter)
    days = dict.fromkeys(sorted({info.key for info in side.visits.table.files()}), 1)
    with postgres.connection() as connection:
        pruned.mark(connection, APP, str(quarter), days, commit_id=uuid4(), at=NOW)
    side.visits.table.replace(side.visits.table.files(), [], "all gone")

    Restore.of(rooms, APP, entry, "live").run(quarter)

    assert side.visits.rows() == before
    with postgres.connection() as connection:
        assert pruned.marked(connection, APP, str(quarter)) == set(days)


def test_a_name_that_is_no_table_is_refused(side: Side) -> None:
    assert side.visits.rows()
    with pytest.raises(LookupError, match=r"clearlift has no lake table site\.others"):
        lake_tables.lake_table(APP, "site.others")
    with pytest.raises(LookupError, match=r"lake site\.visits has no lifecycle"):
        _visits(replace(CLEARLIFT, personal=APP.personal))
