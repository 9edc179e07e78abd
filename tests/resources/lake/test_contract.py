"""The contract of a lake: with a catalog of ours over a folder, and with a REST catalog over a bucket."""

import threading
from collections.abc import Iterator
from datetime import timedelta
from functools import partial
from pathlib import Path
from typing import Any

import pytest
from pyiceberg.catalog import Catalog
from pyiceberg.exceptions import CommitFailedException

from resources.lake import CommitUnknownError, Lake, LakeTable, SourcesGoneError, commit
from resources.r2 import polars_options
from tests.resources.lake.opened import opened
from tests.resources.lake.readings import NOON, NORTH, READINGS, SOUTH, ids, state, written
from tests.resources.lake.rooms import moto_properties, rest_lake, served, workerd_properties


class NoAnswerError(RuntimeError):
    """The fate of a commit whose answer is lost."""


@pytest.fixture(
    params=["postgres", "rest-moto", pytest.param("rest-workerd", marks=pytest.mark.xdist_group("workerd"))]
)
def room(request: pytest.FixtureRequest, tmp_path: Path) -> Iterator[Lake]:
    """A lake without tables in each of the rooms."""
    if request.param == "postgres":
        with opened(request.getfixturevalue("postgres"), tmp_path / "r2") as lake:
            yield lake
        return
    vended = (
        moto_properties(request.getfixturevalue("s3_url"))
        if request.param == "rest-moto"
        else workerd_properties(request.getfixturevalue("workerd"))
    )
    with served(tmp_path / "served", vended) as server, rest_lake(server) as lake:
        yield lake


@pytest.fixture
def readings_table(room: Lake) -> LakeTable:
    """The empty table plant.readings of the room."""
    return room.ensure(READINGS)


def test_a_table_is_made_once_with_all_that_its_description_says(room: Lake) -> None:
    assert not room.exists(READINGS)
    made = room.ensure(READINGS)
    assert room.exists(READINGS)
    made.append([written(made, "a")], "one")

    assert ids(room.ensure(READINGS)) == ["a"]
    described = made.load()
    assert [field.name for field in described.schema().fields] == [column.name for column in READINGS.columns]
    assert described.spec().fields == READINGS.partition_spec().fields
    assert READINGS.properties().items() <= {**described.properties, "format-version": "2"}.items()


def test_rows_come_back_by_time_and_tenant(readings_table: LakeTable) -> None:
    readings_table.append([written(readings_table, "a", "b", "c"), written(readings_table, "d", key=SOUTH)], "one")

    found = readings_table.scan(NOON + timedelta(seconds=1), NOON + timedelta(seconds=2)).collect()
    assert (found["id"].to_list(), found["value"].to_list()) == (["b"], [0.5])
    assert readings_table.scan(tenants=["south"]).collect()["id"].to_list() == ["d"]
    assert [info.key for info in readings_table.files(tenants=["north"])] == [NORTH]


def test_an_append_is_made_once_for_its_commit_id(room: Lake, readings_table: LakeTable) -> None:
    file = written(readings_table, "a")
    snapshot = readings_table.append([file], "one")

    assert readings_table.append([file], "one") == snapshot
    assert room.table(READINGS).append([written(readings_table, "a")], "one") == snapshot
    assert (readings_table.landed("one"), readings_table.landed("two")) == (snapshot, None)
    assert ids(readings_table) == ["a"]


def test_a_replacement_changes_files_and_not_rows(readings_table: LakeTable) -> None:
    old = [written(readings_table, "a"), written(readings_table, "b")]
    first = readings_table.append(old, "one")
    merged = readings_table.rewrite(NORTH, old)
    second = readings_table.append([written(readings_table, "c")], "two")
    third = readings_table.replace(old, [merged.file], "three", {"who": "test"})

    assert ids(readings_table) == ["a", "b", "c"]
    changes = list(readings_table.changes(None))
    assert [(c.id, c.operation, len(c.added), len(c.removed)) for c in changes] == [
        (first, "append", 2, 0),
        (second, "append", 1, 0),
        (third, "replace", 1, 2),
    ]
    assert changes[2].summary["who"] == "test"
    assert [change.id for change in readings_table.changes(second)] == [third]
    before = state(readings_table)
    with pytest.raises(SourcesGoneError):
        readings_table.replace(old, [merged.file], "four")
    assert state(readings_table) == before


def test_two_that_commit_at_once_both_land(room: Lake, readings_table: LakeTable) -> None:
    """Without our lock, only the catalog's own check of the current snapshot protects a commit."""
    meeting = threading.Barrier(2, timeout=30)
    failures: list[BaseException] = []

    def write(name: str) -> None:
        try:
            handle = LakeTable(READINGS, lambda: room.catalog.load_table(READINGS.identifier), threading.Lock, None)
            file = written(readings_table, name)
            meeting.wait()
            handle.append([file], name)
        except BaseException as error:  # noqa: BLE001 (a thread's failure is the test's)
            failures.append(error)

    threads = [threading.Thread(target=write, args=(name,)) for name in "ab"]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert failures == []
    assert ids(readings_table) == ["a", "b"]
    assert len(list(readings_table.changes(None))) == 2


def test_a_commit_on_an_old_head_is_refused(readings_table: LakeTable) -> None:
    old = readings_table.load()
    readings_table.append([written(readings_table, "a")], "one")
    file = written(readings_table, "b")

    transaction = old.transaction()
    with transaction.update_snapshot().fast_append() as producer:
        producer.append_data_file(file)
    with pytest.raises(CommitFailedException):
        transaction.commit_transaction()
    assert ids(readings_table) == ["a"]


@pytest.mark.parametrize("landed", [True, False])
def test_an_unknown_result_is_settled_by_looking(
    room: Lake, readings_table: LakeTable, monkeypatch: pytest.MonkeyPatch, landed: bool
) -> None:
    lost = _lose_answers(monkeypatch, room.catalog, times=1, landed=landed)
    file = written(readings_table, "a")

    snapshot = commit.append(readings_table.load, readings_table._lock, [file], "one", {}, lambda _: None)
    assert lost == [landed]
    assert [change.id for change in readings_table.changes(None)] == [snapshot]
    assert ids(readings_table) == ["a"]


def test_a_result_that_stays_unknown_is_said(
    room: Lake, readings_table: LakeTable, monkeypatch: pytest.MonkeyPatch
) -> None:
    _lose_answers(monkeypatch, room.catalog, times=commit.ATTEMPTS, landed=False)
    append = partial(
        commit.append, readings_table.load, readings_table._lock, [written(readings_table, "a")], "one", {}
    )
    with pytest.raises(CommitUnknownError, match="commit one: NoAnswerError"):
        append(lambda _: None)
    assert ids(readings_table) == []
    append(lambda _: None)
    assert ids(readings_table) == ["a"]


def _lose_answers(monkeypatch: pytest.MonkeyPatch, catalog: Catalog, *, times: int, landed: bool) -> list[bool]:
    real, lost = catalog.commit_table, list[bool]()

    def losing(*args: Any, **kwargs: Any) -> Any:
        if len(lost) == times:
            return real(*args, **kwargs)
        lost.append(landed)
        if landed:
            real(*args, **kwargs)
        raise NoAnswerError

    monkeypatch.setattr(catalog, "commit_table", losing)
    return lost


def test_polars_reads_with_the_credentials_that_are_vended(s3_url: str, tmp_path: Path) -> None:
    with served(tmp_path, moto_properties(s3_url)) as server, rest_lake(server) as lake:
        made = lake.ensure(READINGS)
        made.append([written(made, "a")], "one")
        assert ids(made) == ["a"]
        # The credentials that were vended last count.
        server.vended["s3.endpoint"] = "http://127.0.0.1:9"
        server.vended["s3.session-token"] = "a session"
        assert made._options(made.load(), "s3://lake/x") == {
            "aws_endpoint_url": "http://127.0.0.1:9",
            "aws_endpoint_url_s3": "http://127.0.0.1:9",
            "aws_access_key_id": "key",
            "aws_secret_access_key": "secret",
            "aws_session_token": "a session",
            "aws_region": "auto",
            "aws_virtual_hosted_style_request": "false",
            "aws_allow_http": "true",
        }


def test_vended_properties_of_other_names_are_understood() -> None:
    found = polars_options(
        {
            "client.region": "eu-west-1",
            "client.access-key-id": "k",
            "client.secret-access-key": "s",
            "s3.force-virtual-addressing": True,
        }
    )
    assert found == {
        "aws_region": "eu-west-1",
        "aws_access_key_id": "k",
        "aws_secret_access_key": "s",
        "aws_virtual_hosted_style_request": "true",
        "aws_allow_http": "false",
    }
