"""Sessions of either origin: against a recount in plain Python, over midnights, in any order of days."""

from datetime import timedelta
from typing import Any

import pytest
from hypothesis import Phase, given, settings
from hypothesis import strategies as st

from assets.rollups.follow import follow
from assets.sessions import build
from assets.sessions.build import Sessions, stale
from assets.windows import DAY, Window
from tests.assets.rollups.lakeside import Lakeside, at, event
from tests.assets.sessions.recount import recount

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
EXAMPLES = settings(
    max_examples=12,
    phases=[Phase.explicit, Phase.generate],
)


def run(lakeside: Lakeside, first: int, end: int, org: str | None = None) -> build.BuiltSessions:
    return Sessions(lakeside.app, lakeside.events, lakeside.postgres, lakeside.clock).run(
        Window(at(first), at(end)), org
    )


def clear(lakeside: Lakeside) -> None:
    lakeside.clear()
    lakeside.postgres.execute("truncate sessions.daily, sessions.windows")


def single(landed: list[dict[str, Any]]) -> list[dict[str, Any]]:
    return list({(e["org_tag"], e["event_id"]): e for e in landed}.values())


@EXAMPLES
@given(landed=st.lists(events, max_size=60).map(single), order=st.permutations(range(1, 8)))
def test_sessions_equal_a_recount_whatever_the_order_of_days(
    lakeside: Lakeside, landed: list[dict[str, Any]], order: list[int]
) -> None:
    clear(lakeside)
    lakeside.append(*landed)
    for day in order:
        run(lakeside, day, day + 1)
    expected = recount(landed)
    assert lakeside.table(TABLE) == expected
    for origin in ("tracker", "recomputed"):
        assert sum(row[8] for row in expected if row[2] == origin) == len(landed)


def test_a_visitor_who_never_pauses_is_cut_at_midnights_and_no_event_is_lost(lakeside: Lakeside) -> None:
    robot = [event(timestamp=at(1, 10) + n * timedelta(minutes=20), event_id=f"e{n}") for n in range(4 * 72)]
    lakeside.append(*robot)
    run(lakeside, 1, 7)
    rows = lakeside.table(TABLE)
    assert rows == recount(robot)
    recomputed = [(row[1].day, row[8]) for row in rows if row[2] == "recomputed"]
    assert recomputed == [(1, 42 + 72), (3, 72), (4, 72), (5, 30)]


def test_pauses_pages_touches_and_bounces(lakeside: Lakeside) -> None:
    def visit(minute: float, **fields: Any) -> dict[str, Any]:
        moment = at(1, 23) + timedelta(minutes=minute)
        return event(timestamp=moment, page_hostname="shop.example", **fields)

    lakeside.append(
        visit(0, event_type="scroll", page_path="/in", referrer_domain="news.example"),
        visit(20, page_path="/landing", referrer_domain="shop.example"),
        visit(49, page_path="/exit", utm_source="google", utm_campaign="spring"),
        visit(78.9, page_path="/exit", event_type="click", referrer_domain="shop.example"),
        visit(108.9, page_path="/again"),
    )
    made = run(lakeside, 1, 3)
    assert (made.days, made.tracker, made.recomputed) == (2, 1, 2)
    first, second = (
        {**row, "session": None, "visitor": None}
        for row in lakeside.postgres.fetch(
            "select * from sessions.daily where origin = 'recomputed' order by started_at"
        )
    )
    assert (first["day"], first["events"], first["page_views"], first["bounced"]) == (at(1).date(), 4, 2, False)
    assert first["duration_seconds"] == pytest.approx(78.9 * 60)
    assert (first["landing_path"], first["exit_path"]) == ("/landing", "/exit")
    assert (first["first_source"], first["last_source"], first["last_campaign"]) == ("news.example", "google", "spring")
    assert (second["day"], second["events"], second["bounced"]) == (at(2).date(), 1, True)
    assert (second["first_source"], second["duration_seconds"]) == ("direct", 0)


def test_no_id_is_stored_as_it_is_and_organisations_share_none(lakeside: Lakeside) -> None:
    lakeside.append(*(event(org_tag=org, anonymous_id="who", session_id="what") for org in ("a3f7c2", "b8e9d1")))
    run(lakeside, 1, 2)
    rows = lakeside.table(TABLE)
    assert len({row[3] for row in rows}) == 4
    assert not {"who", "what"} & {str(value) for row in rows for value in row}
    assert not [value for row in rows for value in row if isinstance(value, bytes) and value in (b"who", b"what")]


def test_one_organisation_is_built_again_and_the_others_are_left(lakeside: Lakeside) -> None:
    lakeside.append(event(org_tag="a3f7c2"), event(org_tag="b8e9d1"))
    run(lakeside, 1, 2)
    lakeside.postgres.execute("update sessions.daily set events = 99")
    run(lakeside, 1, 2, org="a3f7c2")
    assert [row[8] for row in lakeside.table(TABLE)] == [1, 1, 99, 99]


def test_parts_of_days_are_refused(lakeside: Lakeside) -> None:
    with pytest.raises(ValueError, match="sessions are made of whole days"):
        Sessions(lakeside.app, lakeside.events, lakeside.postgres, lakeside.clock).run(Window(at(1, 1), at(2)))


def test_a_late_event_reopens_the_days_that_it_may_change(lakeside: Lakeside, monkeypatch: pytest.MonkeyPatch) -> None:
    def found() -> tuple[Window, ...]:
        follow(lakeside.app, lakeside.events, lakeside.postgres, lakeside.clock)
        return stale(lakeside.app, lakeside.postgres, at(1), lakeside.now)

    lakeside.append(*(event(timestamp=at(day, 12)) for day in range(1, 9)))
    assert found() == (Window(at(1), at(9)),)
    run(lakeside, 1, 9)
    assert found() == ()
    lakeside.append(event(timestamp=at(4, 5)))
    assert found() == (Window(at(3), at(7)),)
    run(lakeside, 3, 5)
    assert found() == (Window(at(5), at(7)),)
    lakeside.now = at(6) + build.SETTLING
    assert found() == (Window(at(5), at(7)),)
    lakeside.now -= timedelta(seconds=1)
    assert found() == (Window(at(5), at(6)),)
    run(lakeside, 5, 7)
    lakeside.now = at(20)
    monkeypatch.setattr(build, "VERSION", 2)
    assert found() == (Window(at(1), at(9)),)


def test_a_build_that_is_killed_leaves_the_old_rows(lakeside: Lakeside, monkeypatch: pytest.MonkeyPatch) -> None:
    lakeside.append(event())
    run(lakeside, 1, 2)
    before = lakeside.table(TABLE)
    lakeside.append(event(timestamp=at(1, 3)))

    def dying() -> Any:
        raise KeyboardInterrupt

    with monkeypatch.context() as patch:
        patch.setattr(lakeside, "clock", dying)
        with pytest.raises(KeyboardInterrupt):
            run(lakeside, 1, 2)
    assert lakeside.table(TABLE) == before
    assert run(lakeside, 1, 1 + DAY // DAY).recomputed == 2
