"""Sessions of either origin: against a recount in plain Python, over midnights, in any order of days."""

from datetime import timedelta
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from assets.rollups.follow import follow
from assets.sessions import build
from assets.sessions.build import Sessions, stale
from assets.sessions.definition import VERSION
from assets.windows import DAY, Window
from tests.assets.rollups.event_lake import EventLake, at, event
from tests.assets.sessions.recount import recount
from tests.examples import examples

TABLE = "sessions.daily"
# Minutes around which visitors come, so that pauses of just under, just and over 30 minutes meet midnights.
minutes = st.builds(
    lambda day, around, step: day * 1440 + around + step * 29.5,
    st.integers(0, 4),
    st.sampled_from([0, 30, 600, 1380]),
    st.integers(-2, 3),
)
events = st.builds(
    event,
    org_tag=st.sampled_from(["a3f7c2", "b8e9d1"]),
    timestamp=minutes.map(lambda m: max(at(1) + timedelta(minutes=m), at(1)))
    | st.integers(0, 300).map(lambda n: at(2) + timedelta(minutes=15 * n)),
    event_id=st.integers(0, 10**6).map("e{}".format),
    session_id=st.sampled_from(["s1", "s2", "s3"]),
    anonymous_id=st.sampled_from(["v1", "v2"]),
    event_type=st.sampled_from(["page_view", "click", "scroll"]),
    page_hostname=st.just("shop.example"),
    page_path=st.sampled_from(["/", "/a", "/b"]),
    utm_source=st.none() | st.sampled_from(["", "google"]),
    utm_medium=st.none() | st.just("cpc"),
    utm_campaign=st.none() | st.just("spring"),
    referrer_domain=st.none() | st.sampled_from(["", "shop.example", "news.example"]),
)


def run(event_lake: EventLake, first: int, end: int, org: str | None = None) -> build.BuiltSessions:
    return Sessions(event_lake.app, event_lake.events, event_lake.postgres, event_lake.clock).run(
        Window(at(first), at(end)), org
    )


def clear(event_lake: EventLake) -> None:
    event_lake.clear()
    event_lake.postgres.execute("truncate sessions.daily, sessions.windows")


def single(landed: list[dict[str, Any]]) -> list[dict[str, Any]]:
    return list({(e["org_tag"], e["event_id"]): e for e in landed}.values())


@examples(5, 50)
@given(landed=st.lists(events, max_size=60).map(single), order=st.permutations(range(1, 8)))
def test_sessions_equal_a_recount_whatever_the_order_of_days(
    event_lake: EventLake, landed: list[dict[str, Any]], order: list[int]
) -> None:
    clear(event_lake)
    event_lake.append(*landed)
    for day in order:
        run(event_lake, day, day + 1)
    expected = recount(landed)
    assert event_lake.table(TABLE) == expected
    for origin in ("tracker", "recomputed"):
        assert sum(row[8] for row in expected if row[2] == origin) == len(landed)


def test_a_visitor_who_never_pauses_is_cut_at_midnights_and_no_event_is_lost(event_lake: EventLake) -> None:
    robot = [event(timestamp=at(1, 10) + n * timedelta(minutes=20), event_id=f"e{n}") for n in range(4 * 72)]
    event_lake.append(*robot)
    run(event_lake, 1, 7)
    rows = event_lake.table(TABLE)
    assert rows == recount(robot)
    recomputed = [(row[1].day, row[8]) for row in rows if row[2] == "recomputed"]
    assert recomputed == [(1, 42 + 72), (3, 72), (4, 72), (5, 30)]


def test_a_session_id_that_recurs_is_a_session_each_time_and_one_for_each_visitor(event_lake: EventLake) -> None:
    event_lake.append(
        *(event(timestamp=at(day, hour), anonymous_id=who) for day in (1, 2, 3) for hour in (10, 20) for who in "vw")
    )
    assert run(event_lake, 1, 4).tracker == 12
    rows = event_lake.postgres.fetch("select count(*) as n, count(distinct session) as ids from sessions.daily")
    assert rows == [{"n": 24, "ids": 3}]


def test_pauses_pages_touches_and_bounces(event_lake: EventLake) -> None:
    def visit(minute: float, **fields: Any) -> dict[str, Any]:
        moment = at(1, 23) + timedelta(minutes=minute)
        return event(timestamp=moment, page_hostname="shop.example", **fields)

    event_lake.append(
        visit(0, event_type="scroll", page_path="/in", referrer_domain="news.example"),
        visit(20, page_path="/landing", referrer_domain="shop.example"),
        visit(49, page_path="/exit", utm_source="google", utm_campaign="spring"),
        visit(78.9, page_path="/exit", event_type="click", referrer_domain="shop.example"),
        visit(108.9, page_path="/again"),
    )
    made = run(event_lake, 1, 3)
    assert (made.days, made.tracker, made.recomputed) == (2, 2, 2)
    first, second = (
        {**row, "session": None, "visitor": None}
        for row in event_lake.postgres.fetch(
            "select * from sessions.daily where origin = 'recomputed' order by started_at"
        )
    )
    assert (first["day"], first["events"], first["page_views"], first["bounced"]) == (at(1).date(), 4, 2, False)
    assert first["duration_seconds"] == pytest.approx(78.9 * 60)
    assert (first["landing_path"], first["exit_path"]) == ("/landing", "/exit")
    assert (first["first_source"], first["last_source"], first["last_campaign"]) == ("news.example", "google", "spring")
    assert (second["day"], second["events"], second["bounced"]) == (at(2).date(), 1, True)
    assert (second["first_source"], second["duration_seconds"]) == ("direct", 0)


def test_no_id_is_stored_as_it_is_and_organisations_share_none(event_lake: EventLake) -> None:
    event_lake.append(*(event(org_tag=org, anonymous_id="who", session_id="what") for org in ("a3f7c2", "b8e9d1")))
    run(event_lake, 1, 2)
    rows = event_lake.table(TABLE)
    assert len({row[3] for row in rows}) == 4
    assert not {"who", "what"} & {str(value) for row in rows for value in row}
    assert not [value for row in rows for value in row if isinstance(value, bytes) and value in (b"who", b"what")]


def test_one_organisation_is_built_again_and_the_others_are_left(event_lake: EventLake) -> None:
    event_lake.append(event(org_tag="a3f7c2"), event(org_tag="b8e9d1"))
    run(event_lake, 1, 2)
    event_lake.postgres.execute("update sessions.daily set events = 99")
    run(event_lake, 1, 2, org="a3f7c2")
    assert [row[8] for row in event_lake.table(TABLE)] == [1, 1, 99, 99]


def test_parts_of_days_are_refused(event_lake: EventLake) -> None:
    with pytest.raises(ValueError, match="sessions are made of whole days"):
        Sessions(event_lake.app, event_lake.events, event_lake.postgres, event_lake.clock).run(Window(at(1, 1), at(2)))


def test_a_late_event_reopens_the_days_that_it_may_change(
    event_lake: EventLake, monkeypatch: pytest.MonkeyPatch
) -> None:
    def found() -> tuple[Window, ...]:
        follow(event_lake.app, event_lake.events, event_lake.postgres, event_lake.clock)
        return stale(event_lake.app, event_lake.postgres, at(1), event_lake.now)

    event_lake.append(*(event(timestamp=at(day, 12)) for day in range(1, 9)))
    assert found() == (Window(at(1), at(9)),)
    run(event_lake, 1, 9)
    assert found() == ()
    event_lake.append(event(timestamp=at(4, 5)))
    assert found() == (Window(at(3), at(7)),)
    run(event_lake, 3, 5)
    assert found() == (Window(at(5), at(7)),)
    event_lake.now = at(6) + build.SETTLING
    assert found() == (Window(at(5), at(7)),)
    event_lake.now -= timedelta(seconds=1)
    assert found() == (Window(at(5), at(6)),)
    run(event_lake, 5, 7)
    event_lake.now = at(20)
    monkeypatch.setattr(build, "VERSION", VERSION + 1)
    assert found() == (Window(at(1), at(9)),)


def test_a_build_that_is_killed_leaves_the_old_rows(event_lake: EventLake, monkeypatch: pytest.MonkeyPatch) -> None:
    event_lake.append(event())
    run(event_lake, 1, 2)
    before = event_lake.table(TABLE)
    event_lake.append(event(timestamp=at(1, 3)))

    def dying() -> Any:
        raise KeyboardInterrupt

    with monkeypatch.context() as patch:
        patch.setattr(event_lake, "clock", dying)
        with pytest.raises(KeyboardInterrupt):
            run(event_lake, 1, 2)
    assert event_lake.table(TABLE) == before
    assert run(event_lake, 1, 1 + DAY // DAY).recomputed == 2
