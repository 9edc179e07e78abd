"""Merging: later observations win, replays change nothing, vanished entities are told, two runs end as one."""

import threading
from datetime import date, timedelta

from assets.ads.plan import SyncMode, SyncRequest
from tests.assets.ads.ad_stores import FACTS, LEVELS, AdStores


def test_pages_merged_again_from_r2_give_the_same_rows(tiny: AdStores) -> None:
    tiny.connect(only=["google", "microsoft"])
    tiny.sync("google", "microsoft")
    tiny.sandbox.clock.advance(timedelta(days=3))
    tiny.sync("google", "microsoft", mode=SyncMode.LOOKBACK)
    whole = tiny.snapshot()
    ledger = tiny.postgres.fetch("select count(*) as rows from ads.restatements")
    requests = len(tiny.sandbox.log)
    tiny.postgres.execute(
        "truncate ads.campaigns, ads.ad_groups, ads.ads, ads.keywords, ads.sync_runs, ads.sync_slices, ads.sync_state,"
        f" {', '.join(FACTS)}"
    )
    for row in tiny.d1.query("select id, platform from platform_connections"):
        merged = tiny.engine(row["platform"]).replay(row["id"])
        assert merged.pages > 0
    assert len(tiny.sandbox.log) == requests, "a replay asks no platform"
    again = tiny.snapshot()
    for table in FACTS:
        assert again[table] == whole[table]
    assert tiny.postgres.fetch("select count(*) as rows from ads.restatements") == ledger
    # Once more over what is there: nothing to write.
    for row in tiny.d1.query("select id, platform from platform_connections"):
        merged = tiny.engine(row["platform"]).replay(row["id"])
        assert (merged.inserted, merged.updated, merged.deleted) == (0, 0, 0)


def test_an_earlier_observation_does_not_overwrite_a_later_one(tiny: AdStores) -> None:
    """Two runs at once: the one that asked first may merge last."""
    tiny.connect(only=["google"], lookback_days=10)
    engine = tiny.engine("google")
    merge = engine._merge.run
    held = []

    def holding(manifest):  # type: ignore[no-untyped-def]
        if manifest.stream.value == "campaign_days":
            held.append(manifest)
        return merge(manifest)

    engine._merge.run = holding  # type: ignore[method-assign]
    today = tiny.sandbox.clock().date()
    list(engine.run(SyncRequest(SyncMode.LOOKBACK, today, today, today)))
    tiny.sandbox.clock.advance(timedelta(days=2))
    tiny.sync("google", mode=SyncMode.LOOKBACK)
    later = tiny.snapshot()
    state = tiny.postgres.fetch("select stream, synced_through, run_id from ads.sync_state order by 1")
    (manifest,) = held
    merged = merge(manifest)
    assert merged.rows > 0
    facts = LEVELS["campaign"][0]
    # Days before the later look-back are the earlier run's to write, and equal already.
    assert tiny.snapshot()[facts] == later[facts]
    assert tiny.postgres.fetch("select stream, synced_through, run_id from ads.sync_state order by 1") == state


def test_two_runs_at_once_end_as_one(tiny: AdStores) -> None:
    tiny.connect(only=["google"])
    outcomes = []
    threads = [threading.Thread(target=lambda: outcomes.extend(tiny.sync("google"))) for _ in range(2)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert [o.error for o in outcomes] == [None] * 2
    assert tiny.differences("google", since=date(2026, 10, 22), until=date(2026, 11, 20)) == []
    (row,) = tiny.postgres.fetch("select count(*) as rows from ads.restatements")
    assert row["rows"] == 0


def test_a_cursor_does_not_jump_over_a_gap(tiny: AdStores) -> None:
    tiny.connect(only=["tiktok"], lookback_days=3)
    through = "select synced_through from ads.sync_state where stream = 'campaign_days'"
    old = date(2026, 11, 10)
    tiny.sync("tiktok", mode=SyncMode.WINDOW, since=old, until=old)
    assert tiny.postgres.fetch(through)[0]["synced_through"] == old
    tiny.sync("tiktok", mode=SyncMode.WINDOW, since=date(2026, 11, 15), until=date(2026, 11, 16))
    assert tiny.postgres.fetch(through)[0]["synced_through"] == old, "the 11th to the 14th are not there"
    tiny.sync("tiktok")
    assert tiny.postgres.fetch(through)[0]["synced_through"] == date(2026, 11, 20)
    assert tiny.differences("tiktok", since=old, until=date(2026, 11, 20)) == []


def test_a_row_of_a_day_in_progress_is_no_restatement_when_it_ends(tiny: AdStores) -> None:
    tiny.connect(only=["google"], lookback_days=2)
    tiny.sync("google")
    tiny.sandbox.clock.advance(timedelta(hours=15))
    tiny.sync("google")
    rows = tiny.postgres.fetch("select date from ads.restatements")
    assert date(2026, 11, 20) not in {row["date"] for row in rows}
    final = "select bool_and(is_final) as final from ads.campaign_metrics_daily where date = '2026-11-20'"
    assert tiny.postgres.fetch(final) == [{"final": True}]


def test_shared_budgets_carry_one_id(tiny: AdStores) -> None:
    tiny.connect(only=["google", "microsoft"])
    tiny.sync("google", "microsoft")
    for platform in ("google", "microsoft"):
        rows = tiny.postgres.fetch(
            "select budget_id, count(*) as campaigns, sum(distinct budget) as once from ads.campaigns"
            " where platform = %s and budget_id is not null group by budget_id having count(*) > 1",
            (platform,),
        )
        assert [(row["campaigns"], row["once"]) for row in rows] == [(2, 300)]


def test_ids_beyond_two_to_the_53_are_whole(tiny: AdStores) -> None:
    tiny.connect(only=["tiktok", "google"])
    tiny.sync("tiktok", "google")
    natives = {row["native_id"] for row in tiny.postgres.fetch("select native_id from ads.campaigns")}
    assert "9007199254740993" in natives
    assert "1790000000000000002" in natives
