"""Roll-ups against a recount of the same events in plain Python, and against builds that are cut short or doubled."""

import math
import threading
from datetime import date, timedelta
from decimal import Decimal
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from assets.rollups import build
from assets.rollups.definition import CUTS, Grain
from assets.windows import DAY, HOUR, Window
from resources.postgres import Connection
from tests.assets.rollups.event_lake import EventLake, at, event
from tests.assets.rollups.recount import recount
from tests.examples import examples

MARCH_1 = date(2026, 3, 1)

# No surrogates and no U+0000: neither gets past validation. No letters newer than this Python, whose lower case only
# polars knows. A few fixed words besides, so that groups do form.
words = st.one_of(
    st.sampled_from(["", "google", "Google", "ｇｏｏｇｌｅ", "日本", "e\u0301", "é", "a\tb\\N"]),
    st.text(st.characters(exclude_categories=["Cs", "Cn"], exclude_characters="\0"), max_size=6),
)
maybe = st.none() | words
events = st.builds(
    event,
    org_tag=st.sampled_from(["a3f7c2", "b8e9d1", "ünï/코드 %"]) | st.integers(0, 40).map("org{}".format),
    timestamp=st.integers(0, 2 * 86_400 * 1_000_000 - 1).map(lambda us: at() + timedelta(microseconds=us))
    | st.sampled_from([at(1), at(2), at(2) - timedelta(microseconds=1), at(1, 1), at(2, 23, 59)]),
    session_id=st.sampled_from(["s1", "s2", "s3"]),
    anonymous_id=st.sampled_from(["v1", "v2", "v3"]),
    event_type=st.sampled_from(["page_view", "click", "conversion"]),
    event_value=st.none() | st.integers(-(10**9), 10**9).map(lambda cents: cents / 100),
    device_type=words,
    geo_country=maybe,
    utm_source=maybe,
    utm_medium=maybe,
    utm_campaign=maybe,
    page_hostname=words,
    page_path=words,
    referrer_domain=maybe,
)
doubles = st.lists(st.tuples(st.integers(0, 30), st.integers(-7200, 7200), st.booleans()), max_size=4)


def with_doubles(original: list[dict[str, Any]], copies: list[tuple[int, int, bool]]) -> list[dict[str, Any]]:
    """Events and, after them, doubles of some: at another time, as another visitor's, or for another organisation."""
    found = list(original)
    for index, seconds, other_org in copies:
        if original:
            source = original[index % len(original)]
            moved = source["timestamp"] + timedelta(seconds=seconds, microseconds=1)
            inside = min(max(moved, at(1)), at(3) - timedelta(microseconds=1))
            copy = {**source, "timestamp": inside, "anonymous_id": "v-double", "event_value": 1.5}
            found.append({**copy, "org_tag": "other"} if other_org else copy)
    seen: set[tuple[Any, ...]] = set()
    unambiguous = []
    for e in found:
        identity = (e["org_tag"], e["event_id"], e["timestamp"])
        if identity not in seen:  # of two at one instant either may count
            seen.add(identity)
            unambiguous.append(e)
    return unambiguous


@examples(6, 60)
@given(original=st.lists(events, max_size=30), copies=doubles)
def test_every_table_of_both_grains_equals_a_recount(
    event_lake: EventLake, original: list[dict[str, Any]], copies: list[tuple[int, int, bool]]
) -> None:
    landed = with_doubles(original, copies)
    event_lake.clear()
    half = len(landed) // 2
    event_lake.append(*landed[:half])
    event_lake.append(*landed[half:])

    event_lake.roll_up_days(MARCH_1, 2)

    assert event_lake.rows() == recount(landed)


@examples(6, 60)
@given(original=st.lists(events, max_size=20), copies=doubles, first=st.integers(0, 23), hours=st.integers(1, 6))
def test_hours_made_one_by_one_or_in_any_range_are_the_same(
    event_lake: EventLake, original: list[dict[str, Any]], copies: list[tuple[int, int, bool]], first: int, hours: int
) -> None:
    landed = with_doubles(original, copies)
    event_lake.clear()
    event_lake.append(*landed)
    start, end = at(1, first), min(at(1, first + hours), at(3))

    event_lake.roll_up(Grain.HOURLY, at(1), at(3))
    whole = event_lake.rows()
    event_lake.roll_up(Grain.HOURLY, start, end)
    assert event_lake.rows() == whole

    for cut in CUTS:
        event_lake.postgres.execute(f"truncate {cut.table(Grain.HOURLY)}")
    for step in range((end - start) // HOUR):
        event_lake.roll_up(Grain.HOURLY, start + step * HOUR, start + (step + 1) * HOUR)
    assert event_lake.rows() == {
        table: [row for row in rows if start <= row[1] < end] if "hourly" in table else []
        for table, rows in whole.items()
    }


def test_values_that_cannot_be_summed_count_as_none(event_lake: EventLake) -> None:
    amounts = (1e300, -1e33, math.nan, math.inf, -math.inf, 1e15, 12.5, None, -2.25)
    event_lake.append(*(event(event_value=amount, event_id=f"e{n}") for n, amount in enumerate(amounts)))

    event_lake.roll_up_days(MARCH_1, 1)

    for table in ("rollups.hourly", "rollups.daily", "rollups.daily_totals"):
        row = event_lake.postgres.fetch(f"select events, value from {table}")
        assert row == [{"events": len(amounts), "value": Decimal("10.25")}]
    assert event_lake.roll_up(Grain.HOURLY, at(1), at(2)).not_summed == 6


def test_a_window_is_replaced_and_no_other(event_lake: EventLake) -> None:
    event_lake.append(*(event(timestamp=at(1, h), event_id=f"{h}") for h in range(24)))
    event_lake.roll_up(Grain.HOURLY, at(1), at(2))
    event_lake.postgres.execute("update rollups.hourly set events = 99")

    built = event_lake.roll_up(Grain.HOURLY, at(1, 5), at(1, 7))

    rows = event_lake.postgres.fetch("select events from rollups.hourly order by hour")
    assert [row["events"] for row in rows] == [99] * 5 + [1, 1] + [99] * 17
    assert (built.events, built.windows, built.doubles) == (2, 2, 0)
    assert built.rows == {cut.table(Grain.HOURLY): 0 if cut.name == "campaigns" else 2 for cut in CUTS}


def test_rows_of_events_that_are_gone_go(event_lake: EventLake) -> None:
    event_lake.append(event(timestamp=at(1, 5)), event(timestamp=at(1, 6), org_tag="b8e9d1"))
    event_lake.roll_up_days(MARCH_1, 1)
    event_lake.events.load().delete("org_tag == 'b8e9d1'")

    event_lake.roll_up_days(MARCH_1, 1)

    assert {row[0] for rows in event_lake.rows().values() for row in rows} == {"a3f7c2"}


def test_one_organisation_is_built_again_and_the_others_are_left(event_lake: EventLake) -> None:
    event_lake.append(event(org_tag="a3f7c2"), event(org_tag="b8e9d1"))
    event_lake.roll_up_days(MARCH_1, 1)
    for grain in Grain:
        for cut in CUTS:
            event_lake.postgres.execute(f"update {cut.table(grain)} set events = 99")

    event_lake.roll_up_days(MARCH_1, 1, org="a3f7c2")

    events_at = {
        "rollups.hourly": 8,
        "rollups.hourly_totals": 2,
        "rollups.hourly_pages": 4,
        "rollups.hourly_sources": 4,
    }
    for table, column in events_at.items():
        for name in (table, table.replace("hourly", "daily")):
            assert [(row[0], row[column]) for row in event_lake.rows()[name]] == [("a3f7c2", 1), ("b8e9d1", 99)]
    assert ("daily", "a3f7c2", at(1)) in event_lake.windows()


@pytest.mark.parametrize(
    ("grain", "start", "end"),
    [
        (Grain.HOURLY, at(1, 0, 30), at(1, 2)),
        (Grain.HOURLY, at(1), at(1, 1, 1)),
        (Grain.DAILY, at(1, 1), at(2)),
        (Grain.DAILY, at(1), at(1, 12)),
    ],
)
def test_parts_of_windows_are_refused(event_lake: EventLake, grain: Grain, start: Any, end: Any) -> None:
    with pytest.raises(ValueError, match=f"{grain.value} roll-ups are made of whole windows"):
        event_lake.roll_up(grain, start, end)


def test_progress_goes_by_days_to_its_end(event_lake: EventLake) -> None:
    reported: list[tuple[int, int]] = []
    engine = build.RollUp(
        event_lake.app,
        Grain.HOURLY,
        event_lake.events,
        event_lake.postgres,
        event_lake.clock,
        lambda *step: reported.append(step),
    )
    engine.run(Window(at(1, 20), at(3, 2)))
    assert reported == [(0, 3), (1, 3), (2, 3), (3, 3)]


@pytest.mark.parametrize("grain", list(Grain))
@pytest.mark.parametrize("table", [cut.name for cut in CUTS] + ["record"])
def test_a_build_that_is_killed_leaves_the_old_rows(
    event_lake: EventLake, monkeypatch: pytest.MonkeyPatch, grain: Grain, table: str
) -> None:
    event_lake.append(event())
    event_lake.roll_up(grain, at(1), at(2))
    before, windows = event_lake.rows(), event_lake.windows()
    event_lake.append(event(timestamp=at(1, 3), utm_campaign="late"))

    with monkeypatch.context() as patch:
        _die_at(patch, table)
        with pytest.raises(KeyboardInterrupt):
            event_lake.roll_up(grain, at(1), at(2))
    assert (event_lake.rows(), event_lake.windows()) == (before, windows)

    event_lake.roll_up(grain, at(1), at(2))
    assert sum(row[2] for row in event_lake.rows()[f"rollups.{grain.value}_totals"]) == 2


def _die_at(patch: pytest.MonkeyPatch, table: str) -> None:
    """End the build after the rows of a cut were written, or after its windows were recorded; before the commit."""
    write, record = build.RollUp._write, build.RollUp._record

    def dying_write(self: build.RollUp, connection: Connection, cut: Any, *rest: Any) -> None:
        write(self, connection, cut, *rest)
        if cut.name == table:
            raise KeyboardInterrupt

    def dying_record(self: build.RollUp, *arguments: Any) -> int:
        record(self, *arguments)
        raise KeyboardInterrupt

    patch.setattr(build.RollUp, "_write", dying_write)
    if table == "record":
        patch.setattr(build.RollUp, "_record", dying_record)


@pytest.mark.parametrize("grain", list(Grain))
def test_builds_at_once_end_as_one_and_the_last_has_seen_the_most(event_lake: EventLake, grain: Grain) -> None:
    """Two builders go round and round while events arrive: each day's lock makes the later one read the later lake."""
    arriving = [event(timestamp=at(1, n % 24, n), org_tag=("a3f7c2", "b8e9d1")[n % 2]) for n in range(12)]
    failures: list[BaseException] = []

    def roll() -> None:
        try:
            for _ in range(6):
                event_lake.roll_up(grain, at(1), at(2))
        except BaseException as error:  # noqa: BLE001 (raised by the test below)
            failures.append(error)

    event_lake.append(arriving[0])
    builders = [threading.Thread(target=roll) for _ in range(2)]
    for builder in builders:
        builder.start()
    for e in arriving[1:]:
        event_lake.append(e)
    for builder in builders:
        builder.join()
    assert failures == []
    seen = event_lake.postgres.fetch("select max(sequence) as sequence from rollups.windows")[0]["sequence"]
    kept = arriving[:seen]  # an event a commit: what is recorded is what was counted, no commit more
    mine = f"rollups.{grain.value}"
    assert {t: r for t, r in event_lake.rows().items() if t.startswith(mine)} == {
        t: r for t, r in recount(kept).items() if t.startswith(mine)
    }

    event_lake.roll_up(grain, at(1), at(1) + DAY)
    assert event_lake.rows()[mine] == recount(arriving)[mine]
