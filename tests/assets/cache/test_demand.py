"""Demand: the access log is counted exactly once, and what is read most is warmed first."""

import gzip
import json
from contextlib import suppress
from datetime import timedelta
from pathlib import Path
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from assets.cache import access_log, refused
from assets.cache.demand import Demand, DemandResult, hit_rate
from assets.cache.families import families
from assets.intake.postgres_refusals import PostgresRefusals
from assets.intake.quarantine import Quarantine, ReopenError, Replayed
from assets.intake.refusal import Refusal
from assets.intake.refused_lines import Selection, SeveralBatchesError
from assets.intake.zone import numbered
from resources.postgres import Postgres
from resources.r2 import FolderObjectStore, ObjectStore
from tests.assets.cache.warmed_cache import CLEARLIFT, WarmedCache, numbers
from tests.assets.intake.replays import Died, corrected, dying_at
from tests.assets.rollups.event_lake import NOW
from tests.rooms import TestRooms

VALUES = {f"dashboard:org{n}:summary:1d": b"%d" % n for n in range(10)}


@pytest.fixture
def log(warmed_cache: WarmedCache, tmp_path: Path) -> "Log":
    return Log(warmed_cache, FolderObjectStore(tmp_path / "r2"))


class Log:
    """An access log beside a cache."""

    def __init__(self, warmed_cache: WarmedCache, store: ObjectStore) -> None:
        self.warmed_cache = warmed_cache
        self.store = store

    def write(self, name: str, *lines: Any, hours_ago: int = 1, packed: bool = False) -> None:
        text = b"\n".join(line if isinstance(line, bytes) else json.dumps(line).encode() for line in lines)
        hour = access_log.zone("clearlift").hour_prefix(NOW - timedelta(hours=hours_ago))
        self.store.put(f"{hour}{name}.ndjson", gzip.compress(text, mtime=0) if packed else text)

    def ingest(self, postgres: Postgres | None = None) -> DemandResult:
        engine = Demand(
            self.store, postgres or self.warmed_cache.event_lake.postgres, self.warmed_cache.event_lake.clock
        )
        return engine.run(CLEARLIFT, families(CLEARLIFT))

    @property
    def quarantine(self) -> Quarantine:
        """The way back of refused lines."""
        lake = self.warmed_cache.event_lake
        found = refused.quarantine(TestRooms(lake.now, lake.postgres, self.store), CLEARLIFT)
        assert found is not None
        return found

    def reads(self) -> dict[str, tuple[str, int, int]]:
        rows = self.warmed_cache.event_lake.postgres.fetch(
            "select key, min(family) as family, sum(reads)::int as reads, sum(hits)::int as hits from cache.reads "
            "group by key"
        )
        return {row["key"]: (row["family"], row["reads"], row["hits"]) for row in rows}


def line(key: str, reads: int, hits: int = 0, hours_ago: int = 1) -> dict[str, Any]:
    hour = (NOW - timedelta(hours=hours_ago)).replace(minute=0).isoformat()
    return {"key": key, "hour": hour, "reads": reads, "hits": hits}


def test_each_object_is_counted_once(log: Log) -> None:
    log.write("a", line("dashboard:x:summary:1d", 3, 2), line("other", 1))
    log.write("b", line("dashboard:x:summary:1d", 4, 4), packed=True)
    assert log.ingest() == DemandResult(2, 3, 0, 8, 6)
    assert log.ingest() == DemandResult(0, 0, 0, 0, 0)
    log.write("c", line("connections:x:page:2", 1))
    assert log.ingest().reads == 1
    assert log.reads() == {
        "dashboard:x:summary:1d": ("summary", 7, 6),
        "other": ("", 1, 0),
        "connections:x:page:2": ("connections", 1, 0),
    }
    assert hit_rate(log.warmed_cache.event_lake.postgres, "clearlift", NOW.date(), "summary") == 6 / 7
    assert hit_rate(log.warmed_cache.event_lake.postgres, "clearlift", NOW.date(), "series") is None


@pytest.mark.parametrize("at", range(1, 7))
def test_a_kill_anywhere_counts_once(log: Log, at: int, monkeypatch: pytest.MonkeyPatch) -> None:
    log.write("a", line("k", 3))
    log.write("b", line("k", 5))
    seen = 0
    real = Postgres.connection

    def dying(postgres: Postgres, **how: bool) -> Any:
        nonlocal seen
        seen += 1
        if seen == at:
            raise KeyboardInterrupt
        return real(postgres, **how)

    monkeypatch.setattr(Postgres, "connection", dying)
    with pytest.raises(KeyboardInterrupt):
        log.ingest()
    monkeypatch.undo()
    log.ingest()
    assert log.reads() == {"k": ("", 8, 0)}


def test_bad_lines_are_counted_kept_and_stop_nobody(log: Log) -> None:
    bad: list[Any] = [
        b"{",
        b"[]",
        b'{"key":"\xff","hour":"2026-03-20T11:00:00Z","reads":1,"hits":0}',
        {**line("k", 1), "reads": -1},
        line("k", 1, 2),
        {**line("k", 1), "hour": "2026-03-20T11:00:00"},
        line("k", 1, hours_ago=-3),
        line("ü" * 300, 1),
        line("", 1),
        line("a\0b", 1),
        {"key": "k"},
    ]
    log.write("a", line("k", 2), b"", *bad, line("k", 3))
    log.store.put(
        f"{access_log.zone('clearlift').hour_prefix(NOW)}cut.ndjson.gz", gzip.compress(b"x" * 999, mtime=0)[:-9]
    )
    assert log.ingest() == DemandResult(2, 13, 12, 5, 0)
    assert log.reads() == {"k": ("", 5, 0)}
    kept = log.warmed_cache.event_lake.postgres.fetch(
        "select line, reason from cache.access_refusals order by object, line"
    )
    assert [row["line"] for row in kept] == [*range(3, 14), 0]
    assert kept[-1]["reason"] == "gzip cut short"
    assert all(row["reason"] for row in kept)
    lines = log.quarantine.refusals.lines(Selection())
    originals = [text if isinstance(text, bytes) else json.dumps(text).encode() for text in bad]
    assert [raw for line, raw in log.quarantine.raw(lines) if line.line] == originals


def test_refused_lines_come_back_corrected_or_as_they_are(log: Log, tmp_path: Path) -> None:
    early = line("k", 2, hours_ago=-2)
    log.write("a", line("k", 1), early, line("k", 5, 6))
    log.write("b", line("k", 1), early, line("k", 5, 6))
    log.store.put(f"{access_log.zone('clearlift').hour_prefix(NOW)}cut.gz", gzip.compress(b"x" * 999, mtime=0)[:-9])
    assert log.ingest().refused == 5
    summary = log.quarantine.refusals.summary()
    assert {(row["reason"], row["lines"], row["batches"]) for row in summary} == {
        ("hour is in the future", 2, 2), ("more hits than reads", 2, 2), ("gzip cut short", 1, 1),
    }  # fmt: skip

    log.warmed_cache.event_lake.now += timedelta(hours=3)
    (cut,) = log.quarantine.refusals.lines(Selection("gzip cut short"))
    assert [batch.object_key for batch in log.quarantine.replay(Selection(batch=cut.object_key)).whole] == [
        cut.object_key
    ]
    log.store.delete(cut.object_key)
    assert b"".join(log.quarantine.whole(cut.batch)) == gzip.compress(b"x" * 999, mtime=0)[:-9]
    copy = corrected(tmp_path, json.dumps(line("k", 100)).encode())
    assert log.quarantine.correct(Selection(batch=cut.object_key), copy).landed == 1
    early_lines = log.quarantine.refusals.lines(Selection("hour is in the future"))
    with pytest.raises(SeveralBatchesError):
        log.quarantine.replay(Selection(batch=early_lines[0].sha256))
    for each in early_lines:
        chosen = Selection("hour is in the future", batch=each.object_key)
        assert log.quarantine.replay(chosen).landed == 1, "two objects, though of the same bytes"
    assert log.quarantine.replay(Selection("hour is in the future")) == Replayed()
    assert log.ingest() == DemandResult(3, 3, 0, 104, 0)
    assert log.reads() == {"k": ("", 106, 0)}
    assert log.ingest().objects == 0
    assert PostgresRefusals(log.warmed_cache.event_lake.postgres, "cache", "sesh").lines(Selection()) == []


def test_lines_are_chosen_by_field_and_value(log: Log) -> None:
    log.write("a", line("k", 1, 2), line("m", 1, 2), line("k", 1, 3), {"key": "k"}, {**line("k", 1), "reads": "x"})
    log.ingest()
    summary = {(row["field"], row["value"]): row["lines"] for row in log.quarantine.refusals.summary()}
    assert summary == {("hits", "2"): 2, ("hits", "3"): 1, ("hour", ""): 1, ("reads", "x"): 1}
    assert [each.line for each in log.quarantine.refusals.lines(Selection(field="hits", value="2"))] == [1, 2]


def test_what_was_counted_of_a_replay_is_not_opened_again(log: Log, tmp_path: Path) -> None:
    """Reads have no identity: a second replay would count them twice."""
    log.write("a", line("k", 1, 2))
    log.ingest()

    def correct(*, hits: int) -> str:
        copy = corrected(tmp_path, json.dumps(line("k", 5, hits)).encode())
        (key,) = log.quarantine.correct(Selection(), copy).object_keys
        log.ingest()
        return key

    assert len(log.quarantine.reopen(correct(hits=6))) == 1, "nothing of it was counted"
    refused_again = correct(hits=7)
    for replayed in (correct(hits=4), refused_again):
        with pytest.raises(ReopenError, match=r"was counted \(lines: 1\)"):
            log.quarantine.reopen(replayed)
    log.warmed_cache.event_lake.postgres.execute("update cache.access_refusals set replayed_as = ''")
    with pytest.raises(ReopenError, match="nobody knows what was counted"):
        log.quarantine.reopen(refused_again)
    assert log.reads() == {"k": ("", 5, 4)}


def test_a_log_that_is_another_one_by_now_is_left_to_the_next_run(log: Log, monkeypatch: pytest.MonkeyPatch) -> None:
    key = f"{access_log.zone('clearlift').hour_prefix(NOW)}cut.gz"
    log.store.put(key, gzip.compress(b"x" * 999, mtime=0)[:-9])
    copy = FolderObjectStore.copy

    def overtaken(store: FolderObjectStore, source: str, target: str) -> None:
        store.put(source, json.dumps(line("k", 7)).encode())
        copy(store, source, target)

    with monkeypatch.context() as patch:
        patch.setattr(FolderObjectStore, "copy", overtaken)
        assert log.ingest().objects == 0
    assert (log.ingest().objects, log.reads()) == (1, {"k": ("", 7, 0)})


@pytest.mark.parametrize("number", range(1, 7))
def test_a_replay_that_died_at_any_effect_counts_once_whatever_is_chosen_next(log: Log, number: int) -> None:
    log.write("a", line("k", 2, hours_ago=-2), line("k", 3, hours_ago=-2), line("k", 1, 4))
    log.ingest()
    log.warmed_cache.event_lake.now += timedelta(hours=3)

    with dying_at(number, (PostgresRefusals, "write")), suppress(Died):
        log.quarantine.replay(Selection())
    log.ingest()
    log.warmed_cache.event_lake.now += timedelta(hours=3)
    log.quarantine.replay(Selection("hour is in the future"))
    log.ingest()
    assert log.reads() == {"k": ("", 5, 0)}
    assert [each.reason for each in log.quarantine.refusals.lines(Selection())] == ["more hits than reads"]


def test_what_no_longer_ranks_is_neither_listed_nor_kept(log: Log) -> None:
    log.write("old", line("k", 1, hours_ago=24 * 9), hours_ago=24 * 9)
    assert log.ingest().objects == 0
    log.write("a", line("k", 1))
    log.ingest()
    log.warmed_cache.event_lake.now += timedelta(days=10)
    log.ingest()
    assert log.reads() == {}


def test_the_most_read_are_written_first_and_what_is_left_out_is_said(log: Log) -> None:
    log.write("a", *(line(f"dashboard:org{n}:summary:1d", n) for n in range(1, 10)))
    log.ingest()
    done = log.warmed_cache.warm(VALUES, writes=4)
    assert log.warmed_cache.put == [f"dashboard:org{n}:summary:1d" for n in (9, 8, 7, 6)]
    assert numbers(done) == (10, 4, 0, 0, 0, 0, 6)
    assert done.survey.left_out_first == tuple(f"dashboard:org{n}:summary:1d" for n in (5, 4, 3, 2, 1, 0))
    assert done.freshness == 0.4
    assert [log.warmed_cache.warm(VALUES, writes=4).written for _ in range(3)] == [4, 2, 0]
    assert log.warmed_cache.held() == VALUES


def test_reads_of_today_weigh_more_than_as_many_of_last_week(log: Log) -> None:
    log.write("a", line("dashboard:org1:summary:1d", 10, hours_ago=24 * 5), line("dashboard:org2:summary:1d", 9))
    log.ingest()
    log.warmed_cache.warm(VALUES, writes=2)
    assert log.warmed_cache.put == ["dashboard:org2:summary:1d", "dashboard:org1:summary:1d"]


def test_without_a_log_the_most_active_organisations_come_first(warmed_cache: WarmedCache) -> None:
    with warmed_cache.event_lake.postgres.connection() as connection:
        for org, events in (("org3", 5), ("org8", 7)):
            connection.execute(
                "insert into rollups.daily_totals values (%s, '2026-03-19', %s, 1, 1, 0, '', '', 'clearlift')",
                [org, events],
            )
    warmed_cache.warm(VALUES, writes=2)
    assert warmed_cache.put == ["dashboard:org8:summary:1d", "dashboard:org3:summary:1d"]


def test_a_changed_value_that_is_left_out_stays_until_its_expiry_and_no_longer(log: Log) -> None:
    warmed_cache = log.warmed_cache
    warmed_cache.warm(VALUES)
    log.write("a", *(line(f"dashboard:org{n}:summary:1d", n) for n in range(1, 10)))
    log.ingest()
    last = max(info.expiration or 0 for info in warmed_cache.kv.list())
    for turn in range(40):
        warmed_cache.event_lake.now += timedelta(hours=1)
        changed = dict.fromkeys(VALUES, b"changed%d" % turn)
        warmed_cache.warm(changed, writes=3)
        stale = {key for key, value in warmed_cache.held().items() if value in VALUES.values()}
        assert not stale or warmed_cache.event_lake.now.timestamp() < last
    assert not stale


@given(st.lists(st.binary(max_size=40), max_size=5))
def test_any_bytes_are_counted_or_refused(texts: list[bytes]) -> None:
    lines = b"\n".join(texts).split(b"\n")
    found = access_log.count(numbered(b"\n".join(texts)), lambda _: "", NOW)
    assert found.lines == sum(1 for text in lines if text.strip())
    assert found.refused == found.lines


@pytest.mark.parametrize(
    ("text", "reason", "field"),
    [
        (
            b'{"key":"x","hour":"0001-01-01T00:00:00+14:00","reads":1,"hits":1}',
            "hour is before the first or after the last year",
            "hour",
        ),
        (b'{"key":"x","x":' + b"[" * 100_000 + b"]" * 100_000 + b"}", "no JSON object", ""),
    ],
)
def test_a_line_that_breaks_its_reader_is_refused_and_the_rest_goes_on(text: bytes, reason: str, field: str) -> None:
    good = b'{"key":"y","hour":"2026-03-19T10:00:00Z","reads":2,"hits":1}'
    found = access_log.count(enumerate([text, good], 1), lambda _: "", NOW)
    assert (found.lines, found.refused, found.refusals) == (2, 1, [Refusal(1, reason, field, text)])
    assert sum(found.reads.values()) == 2
