"""Points into D1 exactly once: doubles, late ones, refused ones, kills at any call, two at once, and gaps."""

import gzip
import threading
from collections.abc import Iterator
from contextlib import suppress
from datetime import UTC, datetime, timedelta
from pathlib import Path

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from assets.apps.sesh import APP as SESH
from assets.apps.sesh_series import POINTS
from assets.intake.quarantine import ReopenError, Replayed
from assets.intake.refused_lines import Selection
from assets.points import landing
from assets.points.gaps import Gaps, gaps
from assets.points.ingest import PointIngest, PointRun
from assets.points.refused import RefusedPoints
from assets.series.fold import Folding
from resources import migrations
from resources.d1 import D1, D1Error, EmbeddedD1
from resources.postgres import Postgres
from resources.r2 import FolderObjectStore
from tests.assets.intake.replays import Died, corrected, dying_at
from tests.assets.points.flushes import Flushes, line
from tests.assets.series.partitioned_d1 import NOW, UNHURRIED, KilledError, Mortal, clock, partitioned, point
from tests.rooms import KEYS
from tests.sql.sesh.database import put
from tests.tombstones import bury

DAY = timedelta(days=1)
ALL = Selection()


@pytest.fixture
def flushes(tmp_path: Path) -> Iterator[Flushes]:
    d1 = partitioned(tmp_path / "sesh.sqlite", families=[POINTS])
    yield Flushes(d1, FolderObjectStore(tmp_path / "r2"))
    d1.close()


def counts(run: PointRun | None) -> tuple[int, ...]:
    assert run is not None
    return run.objects, run.received, run.stored, run.doubled, run.quarantined


def ledger(d1: D1) -> list[tuple[object, ...]]:
    found = d1.query("select objectKey, received, stored, doubled, quarantined from point_objects order by objectKey")
    return [tuple(row.values()) for row in found]


def test_every_line_is_stored_doubled_or_quarantined_once(flushes: Flushes) -> None:
    flushes.flush(*(line("s1", n) for n in range(1, 11)))
    flushes.flush(line("s1", 5, values={"draws": 9}), line("s1", 11), line("s1", 11), b"", b"{")
    flushes.flush(line("s2", 1, userId="nobody"))
    flushes.flush(line("s3", 1, at="2020-01-01T00:00:00Z"), line("s3", 2, at="2026-12-31T23:59:59.999Z"))
    assert counts(flushes.ingest()) == (4, 17, 12, 2, 3)
    assert flushes.points() == [*(("s1", n) for n in range(1, 12)), ("s3", 2)]
    assert counts(flushes.ingest()) == counts(flushes.ingest(sweep=True)) == (0, 0, 0, 0, 0)
    assert {(row["reason"], row["field"]) for row in flushes.quarantine.refusals.summary()} == {
        ("not_json", ""), ("unknown_user", "userId"), ("no_partition", "at"),
    }  # fmt: skip
    (kept,) = flushes.d1.query("select measures from points where sessionId = 's1' and seq = 5")
    assert kept["measures"] == '{"draws":1,"temperature":190.5}', "the first one wins"


def test_the_same_bytes_under_another_name_and_a_rewritten_object(flushes: Flushes) -> None:
    flushes.flush(line("s1", 1), b"broken", name="a")
    flushes.flush(line("s1", 1), b"broken", name="b")
    assert counts(flushes.ingest()) == (2, 4, 1, 2, 1)
    flushes.flush(line("s1", 1), line("s1", 2), name="a")
    assert counts(flushes.ingest()) == (1, 2, 1, 1, 0)
    assert len(flushes.quarantine.refusals.summary()) == 1


def test_a_clock_that_was_ahead_in_one_run_hides_no_later_object(flushes: Flushes) -> None:
    flushes.flush(line("s1", 1))
    flushes.now += 30 * DAY
    assert counts(flushes.ingest()) == (1, 1, 1, 0, 0)
    flushes.now -= 30 * DAY - timedelta(hours=1)
    flushes.flush(line("s1", 2))

    assert counts(flushes.ingest()) == (1, 1, 1, 0, 0)


def test_an_object_that_cannot_be_read_is_quarantined_whole(flushes: Flushes) -> None:
    key = flushes.flush(line())
    flushes.store.put(key, b"\x1f\x8bdamaged")
    flushes.store.put(f"{key[:-7]}-long.ndjson", bytes(4 * 2**20 + 1))
    assert counts(flushes.ingest()) == (2, 2, 0, 0, 2)
    assert [row["reason"] for row in flushes.quarantine.refusals.summary()] == ["unreadable_object"] * 2
    done = flushes.quarantine.replay(ALL)
    assert (done.object_keys, len(done.whole)) == ([], 2)
    flushes.store.delete([info.key for info in flushes.store.list("sesh/points")])
    assert {b"".join(flushes.quarantine.whole(batch)) for batch in done.whole} == {
        b"\x1f\x8bdamaged", bytes(4 * 2**20 + 1),
    }  # fmt: skip


def test_an_object_that_is_another_one_by_now_is_left_to_the_next_run(
    flushes: Flushes, monkeypatch: pytest.MonkeyPatch
) -> None:
    key, good = flushes.flush(line()), flushes.flush(line("s1", 2))
    flushes.store.put(key, b"\x1f\x8bdamaged")
    copy = FolderObjectStore.copy

    def overtaken(store: FolderObjectStore, source: str, target: str) -> None:
        store.put(source, line("s1", 3))
        copy(store, source, target)

    with monkeypatch.context() as patch:
        patch.setattr(FolderObjectStore, "copy", overtaken)
        assert counts(flushes.ingest()) == (1, 1, 1, 0, 0)
    assert flushes.store.exists(good)
    assert counts(flushes.ingest()) == (1, 1, 1, 0, 0)
    assert flushes.points() == [("s1", 2), ("s1", 3)]
    assert flushes.quarantine.refusals.lines(ALL) == []


def test_an_object_that_is_another_one_by_now_leaves_the_bytes_of_its_double_alone(
    flushes: Flushes, monkeypatch: pytest.MonkeyPatch
) -> None:
    flushes.store.put(flushes.flush(line()), b"\x1f\x8bdamaged")
    flushes.ingest()
    key = flushes.flush(line())
    flushes.store.put(key, b"\x1f\x8bdamaged")
    copy = FolderObjectStore.copy

    def overtaken(store: FolderObjectStore, source: str, target: str) -> None:
        store.put(source, line("s1", 3))
        copy(store, source, target)

    with monkeypatch.context() as patch:
        patch.setattr(FolderObjectStore, "copy", overtaken)
        flushes.ingest()
    (refused,) = flushes.quarantine.refusals.lines(ALL)
    assert b"".join(flushes.quarantine.whole(refused.batch)) == b"\x1f\x8bdamaged"


def test_an_object_that_was_refused_whole_is_corrected_as_a_whole_and_opened_again(
    flushes: Flushes, tmp_path: Path
) -> None:
    key = flushes.flush(line())
    flushes.store.put(key, b"\x1f\x8bdamaged")
    flushes.ingest()
    (refused,) = flushes.quarantine.refusals.lines(Selection(batch=key))
    assert (refused.line, refused.field, refused.kept) == (0, "damaged gzip", True)
    chosen = Selection(batch=refused.sha256[:12])
    wrong = flushes.quarantine.correct(chosen, corrected(tmp_path, line("s1", 8, userId="nobody")))
    (landed,) = wrong.object_keys
    with pytest.raises(ReopenError, match="is not ingested yet"):
        flushes.quarantine.reopen(landed)
    flushes.ingest()
    assert [each.batch for each in flushes.quarantine.reopen(landed)] == [refused.batch]
    assert flushes.quarantine.refusals.lines(ALL) == [refused]
    assert flushes.quarantine.correct(chosen, corrected(tmp_path, line(), b"", line("s1", 2))).landed == 2
    assert counts(flushes.ingest()) == (1, 2, 2, 0, 0)
    assert flushes.quarantine.refusals.lines(ALL) == []
    (old,) = flushes.quarantine.refusals.lines(Selection(state="closed", batch=key))
    assert old.replayed_at == flushes.now


@pytest.mark.parametrize("number", range(1, 7))
def test_a_replay_that_is_killed_at_any_effect_lands_every_line_once(flushes: Flushes, number: int) -> None:
    flushes.flush(line("s2", 1, userId="new"), line("s2", 2, userId="new"), b"broken")
    flushes.ingest()
    put(flushes.d1, "users", id="new")
    with dying_at(number, (RefusedPoints, "write")), suppress(Died):
        flushes.quarantine.replay(ALL)
    flushes.ingest()
    flushes.quarantine.replay(Selection(field="userId"))
    flushes.ingest()
    assert flushes.points() == [("s2", 1), ("s2", 2)]
    assert sum(row[1] for row in ledger(flushes.d1)) == 5  # type: ignore[misc]
    assert [each.reason for each in flushes.quarantine.refusals.lines(ALL)] == ["not_json"]


def test_refused_lines_come_back_once_their_cause_is_gone(flushes: Flushes) -> None:
    flushes.flush(line("s2", 1, userId="new"), b"broken")
    flushes.ingest()
    put(flushes.d1, "users", id="new")
    done = flushes.quarantine.replay(ALL)
    assert (done.landed, [each.reason for each in done.left]) == (1, ["not_json"])
    assert counts(flushes.ingest()) == (1, 1, 1, 0, 0)
    assert flushes.points() == [("s2", 1)]
    assert flushes.quarantine.replay(Selection("unknown_user")) == Replayed()
    assert flushes.quarantine.replay(ALL).object_keys == [], "what is not cured stays where it is"
    assert counts(flushes.ingest()) == (0, 0, 0, 0, 0)


def test_lines_are_chosen_by_the_values_that_people_may_see(flushes: Flushes) -> None:
    flushes.flush(*(line("s2", n, userId="new") for n in range(3)), line("s3", 5.5), line("s4", 5.5), line("s5", 6.5))
    flushes.ingest()
    summary = {(row["field"], row["value"]): row["lines"] for row in flushes.quarantine.refusals.summary()}
    assert summary == {("userId", ""): 2, ("seq", "0"): 1, ("seq", "5.5"): 2, ("seq", "6.5"): 1}
    assert [each.line for each in flushes.quarantine.refusals.lines(Selection(field="seq", value="5.5"))] == [4, 5]
    assert flushes.quarantine.refusals.lines(Selection(batch="%")) == []


def test_more_lines_than_an_object_holds_come_back_in_several(
    flushes: Flushes, monkeypatch: pytest.MonkeyPatch
) -> None:
    for session in ("s1", "s2"):
        flushes.flush(*(line(session, n, userId="new") for n in range(1, 6)))
    flushes.ingest()
    monkeypatch.setattr(landing, "LARGEST_OBJECT", 600)
    put(flushes.d1, "users", id="new")
    assert flushes.quarantine.replay(ALL).landed == 10
    assert counts(flushes.ingest()) == (5, 10, 10, 0, 0)


def test_what_arrives_under_an_hour_that_was_listed(flushes: Flushes) -> None:
    flushes.flush(line("s1", 1))
    flushes.ingest()
    flushes.flush(line("s1", 2), ago=timedelta(hours=5))
    flushes.flush(line("s1", 3), ago=timedelta(days=3))
    assert counts(flushes.ingest()) == (1, 1, 1, 0, 0)
    assert counts(flushes.ingest(sweep=True)) == (1, 1, 1, 0, 0)


def test_a_late_point_of_a_folded_month_goes_into_the_year(flushes: Flushes) -> None:
    point(flushes.d1, "s1", 1, datetime(2025, 9, 1, tzinfo=UTC))
    Folding(flushes.d1, POINTS, clock, UNHURRIED).run()
    flushes.flush(line("s1", 1, at="2025-08-01T00:00:00Z"), line("s1", 2, at="2025-09-01T10:00:00Z"))
    assert counts(flushes.ingest()) == (1, 2, 1, 1, 0), "a point is known over all partitions"
    assert flushes.d1.query("select seq from points_2025 order by seq") == [{"seq": 1}, {"seq": 2}]
    stale = flushes.d1.query("select windowStart from stale_metrics")
    assert stale == [{"windowStart": "2025-09-01T10:00:00.000Z"}]


@pytest.mark.parametrize("after", [False, True])
def test_killed_at_any_call_and_run_again_it_ends_the_same(flushes: Flushes, after: bool) -> None:
    for number in range(7):
        flushes.flush(*(line(f"s{number}", n) for n in range(1, 4)), line("s0", 2), b"broken")
    clean: object = None
    at = 0
    while True:
        at += 1
        for table in ("points_2026_11", "point_objects", "point_quarantine", "stale_metrics", "job_places"):
            flushes.d1.execute(f"delete from {table}")
        mortal = Mortal(flushes.d1, at, after=after)
        try:
            flushes.engine(mortal).run()
        except KilledError:
            flushes.ingest()
        end = flushes.points(), ledger(flushes.d1), flushes.d1.query("select sha256, line from point_quarantine")
        clean = clean or end
        assert end == clean, f"killed at call {at}"
        if mortal.calls < at:
            break
    assert at > 15
    assert len(flushes.points()) == 21


def test_a_user_who_goes_and_a_month_that_is_folded_between_look_and_write(flushes: Flushes) -> None:
    class Meddled(EmbeddedD1):
        done = False

        def batch(self, statements, *, idempotent=False):  # type: ignore[no-untyped-def]
            listed = list(statements)
            if not self.done and any("insert into point_objects" in s.sql for s in listed):
                self.done = True
                flushes.d1.execute("delete from users where id = 'u2'")
                assert len(Folding(flushes.d1, POINTS, clock, UNHURRIED).run()) == 3
            return super().batch(listed, idempotent=idempotent)

    flushes.flush(line("s1", 1, at="2025-08-05T00:00:00Z"), line("s2", 1, userId="u2"))
    meddled = Meddled(flushes.d1.path)  # type: ignore[attr-defined]
    assert counts(flushes.engine(meddled).run()) == (1, 2, 1, 0, 1)
    assert flushes.points() == [("s1", 1)]
    meddled.close()


def test_an_error_that_stays_is_raised(flushes: Flushes) -> None:
    flushes.flush(line())
    flushes.d1.execute("drop table point_quarantine")
    flushes.d1.execute("drop table stale_metrics")
    with pytest.raises(D1Error, match="no such table"):
        flushes.ingest()
    assert flushes.points() == []


def test_points_of_an_erased_user_are_counted_and_nothing_of_them_is_kept(postgres: Postgres, tmp_path: Path) -> None:
    migrations.up(migrations.PostgresAppliedMigrations(postgres), "pipelines/postgres")
    bury(postgres, "sesh", ("user", "u1"))
    d1 = partitioned(tmp_path / "sesh.sqlite", families=[POINTS])
    flushes = Flushes(d1, FolderObjectStore(tmp_path / "r2"), postgres)
    flushes.flush(line("s1", 1), line("s2", 1, userId="u2"))
    assert counts(flushes.ingest()) == (1, 2, 1, 0, 1)
    assert flushes.points() == [("s2", 1)]
    (refused,) = flushes.quarantine.refusals.summary()
    assert (refused["reason"], refused["lines"]) == ("erased_user", 1)
    for info in flushes.store.list("quarantine/points/"):
        assert b'"raw":""' in gzip.decompress(flushes.store.get(info.key))
    flushes.flush(line("s3", 1, at="never"), line("s4", 1, userId="u9", at="never"), b'{"userId": "u1", cut')
    assert counts(flushes.ingest()) == (1, 3, 0, 0, 3)
    reasons = sorted((row["reason"], row["lines"]) for row in flushes.quarantine.refusals.summary())
    assert reasons[0] == ("erased_user", 1)
    assert sum(lines for reason, lines in reasons if reason == "erased_user") == 3
    assert len(reasons) == len([1 for reason, _ in reasons if reason == "erased_user"]) + 1
    assert flushes.quarantine.replay(Selection(reason="erased_user")).landed == 0
    d1.close()


def test_two_at_once_count_each_line_once(postgres: Postgres, tmp_path: Path) -> None:
    migrations.up(migrations.PostgresAppliedMigrations(postgres), "pipelines/postgres")
    d1 = partitioned(tmp_path / "sesh.sqlite", families=[POINTS])
    flushes = Flushes(d1, FolderObjectStore(tmp_path / "r2"), postgres)
    for number in range(12):
        flushes.flush(line(f"s{number // 2}", 1), line(f"s{number}", 2))
    runs: list[PointRun] = []

    def ingest() -> None:
        own = EmbeddedD1(tmp_path / "sesh.sqlite")
        runs.append(PointIngest(SESH, own, flushes.store, postgres, clock, lambda: KEYS, group_objects=2).run())
        own.close()

    threads = [threading.Thread(target=ingest) for _ in range(2)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert sorted(run.objects for run in runs) == [0, 12]
    assert (sum(run.received for run in runs), sum(run.stored for run in runs)) == (24, 18)
    assert len(flushes.points()) == 18
    d1.close()


@settings(max_examples=25)
@given(
    objects=st.lists(st.lists(st.tuples(st.integers(1, 3), st.integers(1, 6)), min_size=1, max_size=6), max_size=6),
    cut=st.integers(0, 6),
)
def test_any_deliveries_in_any_portions_store_each_point_once(
    flushes: Flushes, objects: list[list[tuple[int, int]]], cut: int
) -> None:
    flushes.d1.execute("delete from points_2026_11")
    flushes.d1.execute("delete from point_objects")
    flushes.store.delete([info.key for info in flushes.store.list("sesh")])
    received = 0
    for portion in (objects[:cut], objects[cut:]):
        for lines in portion:
            flushes.flush(*(line(f"s{session}", seq) for session, seq in lines))
        received += flushes.ingest().received
    assert received == sum(len(lines) for lines in objects)
    assert flushes.points() == sorted({(f"s{session}", seq) for lines in objects for session, seq in lines})
    assert sum(int(str(row[2])) for row in ledger(flushes.d1)) == len(flushes.points())


def test_gaps_above_ten_are_named_and_smaller_ones_counted(flushes: Flushes) -> None:
    midnight = datetime(2026, 11, 1, tzinfo=UTC)
    for session, seqs, at in (
        ("whole", range(1, 6), midnight),
        ("small", (1, 2, 13), midnight),
        ("large", (1, 13), midnight - timedelta(minutes=1)),
        ("first", (12,), midnight),
        ("long ago", (1, 99), midnight - 3 * DAY),
    ):
        for number, seq in enumerate(seqs):
            point(flushes.d1, session, seq, at + number * timedelta(minutes=2))
    assert gaps(flushes.d1, POINTS, midnight - DAY, midnight + DAY) == Gaps(
        (
            {"sessionId": "first", "fromSeq": 1, "toSeq": 11, "missing": 11},
            {"sessionId": "large", "fromSeq": 2, "toSeq": 12, "missing": 11},
        ),
        1,
        10,
    )
    assert gaps(flushes.d1, POINTS, NOW - DAY, NOW) == Gaps((), 0, 0)
    assert gaps(flushes.d1, POINTS, datetime(2020, 1, 1, tzinfo=UTC), datetime(2020, 1, 2, tzinfo=UTC)) == Gaps(
        (), 0, 0
    )
