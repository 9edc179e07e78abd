"""The trail's daily head and a month's report, made by Dagster over real stores."""

from collections.abc import Iterator
from datetime import UTC, datetime, timedelta
from pathlib import Path

import pytest
from dagster import AssetsDefinition, ExecuteInProcessResult, ResourceParam, TextMetadataValue, materialize
from pydantic import SecretStr

from assets.apps.clearlift import APP as CLEARLIFT
from assets.audit import chain, heads
from assets.audit.entry import Entry
from assets.audit.note import note
from assets.compliance import assets
from assets.description import app_asset
from assets.partitions import Calendar
from assets.rooms import Rooms
from clearlift_pipelines import settings
from clearlift_pipelines.stores import Stores

NOW = datetime(2026, 7, 1, 7, 30, tzinfo=UTC)
pytestmark = pytest.mark.filterwarnings("ignore::dagster.BetaWarning")
CALENDAR = Calendar(datetime(2026, 1, 1, tzinfo=UTC).date())
SEEN = "insert into sealing.keys (key_id, first_seen_at) values (1, %s)"


class Clock:
    """Stands until it is moved."""

    def __init__(self) -> None:
        self.now = NOW

    def __call__(self) -> datetime:
        return self.now


@pytest.fixture
def clock() -> Clock:
    return Clock()


@pytest.fixture
def stores(tmp_path: Path, postgres_dsn: str, clock: Clock) -> Iterator[Stores]:
    with Stores(settings.load(home=tmp_path / "home", postgres_dsn=SecretStr(postgres_dsn)), clock=clock) as found:
        found.migrate()
        yield found


def made(stores: Stores, asset: AssetsDefinition, partition: str | None = None) -> ExecuteInProcessResult:
    return materialize([asset], resources={"rooms": stores}, partition_key=partition, raise_on_error=False)


def checked(result: ExecuteInProcessResult) -> tuple[bool, str]:
    (found,) = result.get_asset_check_evaluations()
    return found.passed, found.description or ""


def test_a_day_has_one_head_and_a_trail_that_was_cut_is_seen(stores: Stores, clock: Clock) -> None:
    assert checked(made(stores, assets.trail())) == (False, "Nothing was noted yet.")
    note(stores, Entry("clearlift", "work", "read", "d1", "users"))
    assert checked(made(stores, assets.trail()))[0]
    assert checked(made(stores, assets.trail()))[0]
    clock.now += timedelta(days=1)
    stores.postgres.execute(
        "alter table audit.entries disable trigger append_only; delete from audit.entries;"
        " alter table audit.entries enable trigger append_only"
    )
    passed, said = checked(made(stores, assets.trail()))
    assert not passed
    assert said == "audit/heads/2026-07-01.json has entry 1: the trail ends before it"
    assert [head.name for head in heads.heads(stores.object_store)] == ["audit/heads/2026-07-01.json"]


def test_a_report_says_what_is_not_met_or_not_known_and_once_it_is_says_so(stores: Stores, clock: Clock) -> None:
    passed, said = checked(made(stores, assets.report(CLEARLIFT, CALENDAR), "2026-06-01"))
    assert not passed
    assert {part.partition(":")[0] for part in said.split(". ")} >= {"Keys", "Audit trail"}

    note(stores, Entry("clearlift", "clearlift quarantine list", "read", "r2", "refused events", rows=3))
    made(stores, assets.trail())
    result = made(stores, assets.report(CLEARLIFT, CALENDAR), "2026-07-01")
    # A key set of a new deployment is in no envelope yet.
    assert checked(result) == (False, "Keys: Key 1 seals. In no envelope: 1.")
    text = stores.object_store.get("compliance/clearlift/2026-07.md").decode()
    assert "Personal data of ClearLift, July 2026" in text
    assert "| read | clearlift quarantine list | r2 | refused events | 1 | 3 | 0 | 1 |" in text
    assert "## Retention (met)" in text
    assert "## Audit trail (met)" in text
    page = stores.object_store.get("compliance/clearlift/2026-07.html")
    assert page.startswith(b"<!doctype html>")
    assert len(page) < 300_000
    (event,) = result.get_asset_materialization_events()
    assert event.materialization.metadata["html"] == TextMetadataValue("compliance/clearlift/2026-07.html")


def test_a_key_that_seals_for_longer_than_a_year_is_to_be_rotated(stores: Stores) -> None:
    stores.postgres.execute(SEEN, [NOW - timedelta(days=366)])
    _, said = checked(made(stores, assets.report(CLEARLIFT, CALENDAR), "2026-06-01"))
    assert "It is worn, or has sealed for longer than a year: rotate it." in said


@pytest.mark.parametrize("fails", [False, True])
def test_a_run_of_an_asset_with_personal_data_is_noted_before_it_begins(stores: Stores, fails: bool) -> None:
    @app_asset(CLEARLIFT, "d1", "people", store="d1", holds=[("d1", "users"), ("d1", "org_tag_mappings")], kinds=set())
    def people(rooms: ResourceParam[Rooms]) -> None:
        with rooms.postgres.connection() as connection:
            assert chain.head(connection).seq == 1
        if fails:
            raise ValueError

    result = made(stores, people)
    assert result.success != fails
    with stores.postgres.connection() as connection:
        (noted,) = chain.entries(connection)
    entry = noted.entry
    assert (entry.app, entry.work, entry.act) == ("clearlift", "clearlift/d1/people", "changed")
    assert (entry.store, entry.place) == ("d1", "users")
    assert entry.actor.endswith(result.run_id)
    assert "email" in entry.columns
