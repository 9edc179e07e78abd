"""Each fault on the way to a REST catalog ends with exactly one visible commit, or with an error and none doubled."""

import logging
from collections.abc import Iterator
from contextlib import ExitStack
from dataclasses import replace
from pathlib import Path

import pytest
from pyiceberg.exceptions import ServerError, ServiceUnavailableError, UnauthorizedError

from resources.http import Patience
from resources.lake import CommitUnknownError, Lake, LakeTable, commit
from resources.lake.catalogs import COMMIT_SECONDS, COMMITS_A_TABLE
from tests.resources.lake.readings import NORTH, READINGS, ids, written
from tests.resources.lake.rooms import rest_lake, served
from tests.standin.loopback import Fault, Kind, read_seconds
from tests.standin.rest_catalog import RestCatalogServer, refusal
from tests.standin.waits import Waits

TABLE = "/tables/readings"
CONFLICT = refusal(409, "CommitFailedException", "branch main has changed").body
EXPIRED = refusal(419, "AuthenticationTimeoutException", "The token has expired").body


def on_commit(kind: Kind, *, done: bool = False, status: int = 500, body: object = None) -> Fault:
    """A fault of the next commit, before it lands or (`done`) after."""
    return Fault(kind, TABLE, done=done, status=status, body=body or {}, method="POST")


FAULTS = {
    "409": [on_commit("status", status=409, body=CONFLICT)],
    "409 after it landed": [on_commit("status", status=409, body=CONFLICT, done=True)],
    "419 once": [on_commit("status", status=419, body=EXPIRED)],
    "429": [on_commit("status", status=429)],
    **{
        f"{status} {'after' if done else 'before'} it landed": [on_commit("status", status=status, done=done)]
        for status in (500, 502, 503, 504)
        for done in (False, True)
    },
    "time-out before it landed": [on_commit("time-out")],
    "time-out after it landed": [on_commit("time-out", done=True)],
    "reset before it landed": [on_commit("reset")],
    "reset after it landed": [on_commit("reset", done=True)],
    "cut body": [on_commit("cut")],
    "not JSON": [on_commit("not-json")],
    "not JSON after it landed": [on_commit("not-json", done=True)],
    "one after another": [
        on_commit("status", status=409, body=CONFLICT),
        on_commit("reset"),
        on_commit("status", status=503),
        on_commit("status", status=504, done=True),
    ],
    "no answer to the commit nor to the look": [
        on_commit("reset", done=True),
        Fault("status", TABLE, status=503, method="GET"),
        Fault("cut", TABLE, method="GET"),
    ],
}


@pytest.fixture(autouse=True)
def no_waiting(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("resources.lake.commit.time.sleep", lambda _: None)


@pytest.fixture
def rest_server(tmp_path: Path) -> Iterator[RestCatalogServer]:
    """A catalog over a folder."""
    with served(tmp_path, {}) as server:
        yield server


@pytest.fixture
def faulty_lake(rest_server: RestCatalogServer, patience: Patience) -> Iterator[Lake]:
    """A lake with short time-outs, for answers that a test delays."""
    with rest_lake(rest_server, replace(patience, tries=4)) as lake:
        yield lake


@pytest.fixture
def faulty_table(faulty_lake: Lake) -> LakeTable:
    return faulty_lake.ensure(READINGS)


def append(table: LakeTable, name: str) -> int:
    return commit.append(table.load, table._lock, [written(table, name)], name, {}, lambda _: None)


@pytest.mark.parametrize("faults", FAULTS.values(), ids=FAULTS)
def test_an_append_lands_once(rest_server: RestCatalogServer, faulty_table: LakeTable, faults: list[Fault]) -> None:
    append(faulty_table, "a")
    rest_server.loopback.fail(*faults)
    snapshot = append(faulty_table, "b")

    assert rest_server.loopback.faults == []
    assert ids(faulty_table) == ["a", "b"]
    assert [change.id for change in faulty_table.changes(None)][1:] == [snapshot]
    assert rest_server.commits == 2


@pytest.mark.parametrize("fault", ["409 after it landed", "503 before it landed", "504 after it landed", "cut body"])
def test_a_replacement_lands_once(rest_server: RestCatalogServer, faulty_table: LakeTable, fault: str) -> None:
    old = [written(faulty_table, "a"), written(faulty_table, "b")]
    faulty_table.append(old, "one")
    merged = faulty_table.rewrite(NORTH, old)
    rest_server.loopback.fail(*FAULTS[fault])
    commit.replace(
        faulty_table.load, faulty_table._lock, old, [merged.file], "two", {}, lambda _: (), sleep=lambda _: None
    )

    assert rest_server.loopback.faults == []
    assert [change.operation for change in faulty_table.changes(None)] == ["append", "replace"]
    assert ids(faulty_table) == ["a", "b"]


def test_a_catalog_that_has_too_many_commits_is_left_alone_as_long_as_it_says(
    rest_server: RestCatalogServer, monkeypatch: pytest.MonkeyPatch
) -> None:
    """More refusals than a commit has tries, each for a minute: it lands all the same."""
    waits = Waits()
    monkeypatch.setattr("resources.lake.commit.time.sleep", waits.sleep)
    with rest_lake(rest_server, Patience(tries=12), waits) as lake:
        table = lake.ensure(READINGS)
        told = {"Retry-After": "60"}
        rest_server.loopback.fail(
            *[Fault("status", TABLE, status=429, headers=told, method="POST")] * (commit.ATTEMPTS + 1)
        )
        append(table, "a")
        assert (ids(table), rest_server.commits) == (["a"], 1)
        assert waits.slept == [60.0] * (commit.ATTEMPTS + 1)

        waits.slept.clear()
        rest_server.loopback.fail(Fault("status", TABLE, status=503, headers={"Retry-After": "7"}, method="POST"))
        append(table, "b")
        assert (ids(table), waits.slept[0]) == (["a", "b"], 7.0)


def test_commits_are_paced_as_the_catalog_counts_them(rest_server: RestCatalogServer) -> None:
    waits = Waits()
    with rest_lake(rest_server, clock=waits) as lake:
        table = lake.ensure(READINGS)
        landed = []
        for number in range(2 * COMMITS_A_TABLE + 1):
            table.append([], f"commit-{number}")
            landed.append(waits.now)
    assert rest_server.commits == len(landed)
    assert landed[0] == landed[COMMITS_A_TABLE - 1]  # as many as it takes without a wait
    assert (
        landed[COMMITS_A_TABLE] - landed[0] == landed[2 * COMMITS_A_TABLE] - landed[COMMITS_A_TABLE] == COMMIT_SECONDS
    )


def test_a_catalog_that_stays_away_fails_loudly_and_a_later_run_makes_it_good(
    rest_server: RestCatalogServer, faulty_table: LakeTable
) -> None:
    rest_server.loopback.fail(*[on_commit("status", status=503)] * commit.ATTEMPTS)
    with pytest.raises(CommitUnknownError, match="commit a: ServiceUnavailableError"):
        append(faulty_table, "a")
    rest_server.loopback.fail(*[Fault("status", TABLE, status=503, method="GET")] * 4)
    with pytest.raises(ServiceUnavailableError):
        append(faulty_table, "a")
    append(faulty_table, "a")
    assert ids(faulty_table) == ["a"]


def test_an_expired_token_fails_loudly_and_changes_nothing(
    rest_server: RestCatalogServer, faulty_table: LakeTable, caplog: pytest.LogCaptureFixture
) -> None:
    caplog.set_level(logging.DEBUG)
    append(faulty_table, "a")
    file = written(faulty_table, "b")
    rest_server.token = "a newer token"
    with pytest.raises(UnauthorizedError, match="not valid, or has expired") as refused:
        faulty_table.append([file], "b")
    assert "catalog-token" not in f"{refused.value}{caplog.text}"
    assert rest_server.commits == 1
    with rest_lake(rest_server) as late, pytest.raises(UnauthorizedError):
        late.exists(READINGS)


@pytest.mark.parametrize("kind", ["status", "reset", "cut", "time-out", "not-json"])
@pytest.mark.parametrize("path", ["/config", TABLE])
def test_reading_is_tried_again(rest_server: RestCatalogServer, kind: Kind, path: str) -> None:
    fault = Fault(kind, path, status=503, headers={"Retry-After": "1"}, method="GET")
    with ExitStack() as stack:
        lake = stack.enter_context(rest_lake(rest_server, Patience(read=read_seconds([fault]), tries=3)))
        if path == TABLE:
            lake.ensure(READINGS)
        rest_server.loopback.fail(fault)
        assert lake.exists(READINGS) is (path == TABLE)
    assert rest_server.loopback.faults == []


@pytest.mark.parametrize("path", ["/namespaces", "/tables"])
@pytest.mark.parametrize("done", [True, False])
def test_a_table_whose_making_was_in_doubt_is_there_after_the_next_try(
    rest_server: RestCatalogServer, faulty_lake: Lake, path: str, done: bool
) -> None:
    rest_server.loopback.fail(Fault("status", path, status=500, done=done, method="POST"))
    with pytest.raises(ServerError):
        faulty_lake.ensure(READINGS)
    append(faulty_lake.ensure(READINGS), "a")
    assert ids(faulty_lake.table(READINGS)) == ["a"]
