"""Dashboards: they say what the roll-ups say, and exactly those are written whose roll-ups changed.

Each active organisation has them.
"""

import json
from datetime import date, timedelta
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from assets.rollups.definition import Grain
from tests.assets.cache.warmed_cache import DASHBOARDS, WarmedCache
from tests.assets.rollups.event_lake import at, event
from tests.examples import examples

TODAY = date(2026, 3, 20)


@pytest.fixture
def lake_of_its_own(warmed_cache: WarmedCache) -> WarmedCache:
    warmed_cache.event_lake.clear()
    warmed_cache.tags("a3f7c2", "b8e9d1", "silent")
    return warmed_cache


def test_dashboards_say_what_the_roll_ups_say(lake_of_its_own: WarmedCache) -> None:
    warmed_cache, event_lake = lake_of_its_own, lake_of_its_own.event_lake
    event_lake.append(
        event(timestamp=at(20, 9), anonymous_id="v1", session_id="s1", page_hostname="x.example", page_path="/ä"),
        event(timestamp=at(20, 9), anonymous_id="v2", session_id="s2", event_type="click", utm_source="google"),
        event(
            timestamp=at(14, 9),
            anonymous_id="v1",
            session_id="s3",
            event_value=2.5,
            event_type="conversion",
            utm_campaign="c",
        ),
        event(timestamp=at(13, 9), anonymous_id="v3", session_id="s4"),
        event(timestamp=at(-17, 9), anonymous_id="v4", session_id="s5", org_tag="b8e9d1"),
    )
    for grain in Grain:
        event_lake.roll_up(grain, at(-20), at(21))

    done = warmed_cache.warm_all(*DASHBOARDS)

    held = {key: json.loads(value) for key, value in warmed_cache.held().items()}
    assert {key for key in held if ":summary:" in key} == {
        f"dashboard:{tag}:summary:{days}" for tag in ("a3f7c2", "b8e9d1", "silent") for days in RANGES
    }
    assert held["dashboard:a3f7c2:summary:7d"] == {
        "from": "2026-03-14",
        "to": "2026-03-20",
        "events": 3,
        "page_views": 1,
        "visitors": 2,
        "sessions": 3,
        "event_value_sum": 2.5,
        "exact": True,
        "previous": {
            "from": "2026-03-07",
            "to": "2026-03-13",
            "events": 1,
            "page_views": 1,
            "visitors": 1,
            "sessions": 1,
            "event_value_sum": 0,
            "exact": True,
        },
    }
    assert held["dashboard:a3f7c2:summary:30d"]["previous"] is None, "nothing was rolled up from its first day on"
    assert held["dashboard:a3f7c2:summary:30d"]["visitors"] == 3
    assert held["dashboard:a3f7c2:summary:30d"]["page_views"] == 2
    none, one = (
        {"views": 0, "daily_sessions": 0, "daily_visitors": 0},
        {"views": 1, "daily_sessions": 1, "daily_visitors": 1},
    )
    assert held["dashboard:a3f7c2:top_pages:1d"] == {
        "from": "2026-03-20",
        "to": "2026-03-20",
        "totals": {"pages": 1, **one},
        "items": [{"hostname": "x.example", "path": "/ä", **one, "previous": none}],
        "rest": {"pages": 0, **none},
        "previous": {"from": "2026-03-19", "to": "2026-03-19", **none},
    }
    assert [s["source"] for s in held["dashboard:a3f7c2:top_sources:1d"]["items"]] == ["direct", "google"]
    assert [(c["campaign"], c["event_value_sum"]) for c in held["dashboard:a3f7c2:top_campaigns:7d"]["items"]] == [
        ("c", 2.5)
    ]
    assert held["dashboard:a3f7c2:series:1d"]["items"] == [
        {"at": "2026-03-20T09:00:00Z", "events": 2, "visitors": 2, "sessions": 2, "event_value_sum": 0}
    ]
    assert [(p["at"], p["events"]) for p in held["dashboard:a3f7c2:series:30d"]["items"]] == [
        ("2026-03-13", 1),
        ("2026-03-14", 1),
        ("2026-03-20", 2),
    ]
    assert sum(d.written for d in done.values()) == len(held)
    assert sum(d.written for d in warmed_cache.warm_all(*DASHBOARDS).values()) == 0


def test_an_active_organisation_without_events_has_every_key_and_an_inactive_one_none(
    lake_of_its_own: WarmedCache,
) -> None:
    warmed_cache, event_lake = lake_of_its_own, lake_of_its_own.event_lake
    event_lake.append(event(timestamp=at(20, 9)), event(timestamp=at(20, 9), org_tag="b8e9d1"))
    event_lake.roll_up_days(TODAY, 1)
    warmed_cache.d1.execute("update org_tag_mappings set is_active = 0 where short_tag = 'b8e9d1'")
    event_lake.postgres.execute(
        "insert into attribution.organizations (app, org_tag, org_id, conversion_types, window_days, currency)"
        " values ('clearlift', 'silent', 'o', '{conversion}', 30, 'EUR')"
    )
    warmed_cache.warm_all(*DASHBOARDS, "attribution")
    held = warmed_cache.held()
    assert held.keys() == {
        f"dashboard:{tag}:{name}:{days}"
        for tag in ("a3f7c2", "silent")
        for name in (*DASHBOARDS, "attribution")
        for days in RANGES
    }
    silent = {name: json.loads(held[f"dashboard:silent:{name}:7d"]) for name in (*DASHBOARDS, "attribution")}
    assert (silent["summary"]["events"], silent["summary"]["visitors"], silent["summary"]["exact"]) == (0, 0, True)
    assert silent["series"]["items"] == []
    assert silent["top_sources"]["totals"] == {
        "sources": 0, "events": 0, "daily_sessions": 0, "daily_visitors": 0, "event_value_sum": 0,
    }  # fmt: skip
    assert {(t["visits"], t["conversions"], t["revenue"], t["cpa"]) for t in silent["attribution"]["totals"]} == {
        (0, 0, 0, None)
    }
    reporting = silent["attribution"]["reporting"]
    assert (reporting["currency"], {(t["revenue"], t["complete"]) for t in reporting["totals"]}) == ("EUR", {(0, True)})

    warmed_cache.d1.execute("update org_tag_mappings set is_active = 0 where short_tag = 'silent'")
    warmed_cache.warm_all(*DASHBOARDS, "attribution")
    assert {key.split(":")[1] for key in warmed_cache.held()} == {"a3f7c2"}


def test_a_ranking_ends_at_its_length(lake_of_its_own: WarmedCache) -> None:
    warmed_cache = lake_of_its_own
    warmed_cache.event_lake.append(*(event(timestamp=at(20, 9), page_path=f"/{n}", event_id=f"{n}") for n in range(60)))
    warmed_cache.event_lake.roll_up_days(TODAY, 1)
    warmed_cache.warm_all(*DASHBOARDS)
    pages = json.loads(warmed_cache.held()["dashboard:a3f7c2:top_pages:1d"])
    assert [p["path"] for p in pages["items"]] == sorted(f"/{n}" for n in range(60))[:50]
    assert (pages["totals"]["pages"], pages["totals"]["views"]) == (60, 60)
    assert pages["rest"] == {"pages": 10, "views": 10, "daily_sessions": 10, "daily_visitors": 10}


def test_hosts_that_an_organisation_calls_its_own_are_no_source(lake_of_its_own: WarmedCache) -> None:
    hosts = ["checkout.pay.example", "pay.example", "repay.example", "", "www.google.com"]
    assert _sources(lake_of_its_own, ["pay.example"], *({"referrer_domain": host} for host in hosts)) == [
        ("direct", "", 3, 6), ("google", "", 1, 2), ("repay.example", "", 1, 2),
    ]  # fmt: skip


@pytest.mark.parametrize(
    ("own", "visit", "source"),
    [
        ("google.de", {"referrer_domain": "www.google.de"}, "direct"),
        ("www.google.co.uk", {"referrer_domain": "google.co.uk"}, "direct"),
        # A campaign is no host, and one of Google's other sites is not folded.
        ("google.de", {"utm_source": "google", "utm_medium": "cpc"}, "google"),
        ("google.de", {"referrer_domain": "mail.google.com"}, "mail.google.com"),
        ("m.pay.example", {"referrer_domain": "m.pay.example"}, "direct"),
        ("l.pay.example", {"referrer_domain": "l.pay.example"}, "direct"),
        ("m.pay.example", {"referrer_domain": "blog.pay.example"}, "blog.pay.example"),
        ("pay.example", {"referrer_domain": "www.google.de"}, "google"),
    ],
)
def test_an_own_host_counts_before_it_is_folded_into_a_source(
    lake_of_its_own: WarmedCache, own: str, visit: dict[str, Any], source: str
) -> None:
    medium = visit.get("utm_medium", "")
    assert _sources(lake_of_its_own, [own], visit) == [(source, medium, 1, 2)]


def _sources(warmed_cache: WarmedCache, own_hosts: list[str], *visits: dict[str, Any]) -> list[tuple[Any, ...]]:
    """Source, medium, sessions and value of the organisation's visits today; each is worth 2."""
    event_lake = warmed_cache.event_lake
    event_lake.append(
        *(event(timestamp=at(20, 9), session_id=f"s{n}", event_value=2.0, **visit) for n, visit in enumerate(visits))
    )
    event_lake.roll_up_days(TODAY, 1)
    event_lake.postgres.execute(
        "insert into attribution.organizations (app, org_tag, org_id, conversion_types, window_days, own_hosts)"
        " values ('clearlift', 'a3f7c2', 'o', '{conversion}', 30, %s)",
        [own_hosts],
    )
    warmed_cache.warm_all("top_sources")
    value = json.loads(warmed_cache.held()["dashboard:a3f7c2:top_sources:1d"])
    return [(s["source"], s["medium"], s["daily_sessions"], s["event_value_sum"]) for s in value["items"]]


# Some days before TODAY: on both sides of every range's border.
AGES = (0, 1, 6, 7, 13, 14, 29, 30, 89, 90, 179, 180)
RANGES = {"1d": 1, "7d": 7, "30d": 30, "90d": 90}
ORGS = ("a", "b:c", "Ω/..", "d")
rows_of_pages = st.tuples(st.sampled_from(ORGS), st.sampled_from(AGES), st.sampled_from(("/", "/p")))


@examples(7, 60)
@given(
    st.dictionaries(rows_of_pages, st.integers(1, 9), max_size=12),
    st.lists(st.tuples(rows_of_pages, st.integers(0, 9)), min_size=1, max_size=3),
)
def test_changed_rows_write_exactly_the_keys_that_depend_on_them(
    warmed_cache: WarmedCache, rows: dict[tuple[str, int, str], int], changes: list[tuple[tuple[str, int, str], int]]
) -> None:
    """Equal to a rebuild from nothing; 0 events take a row away."""
    warmed_cache.tags(*ORGS)
    _pages(warmed_cache, rows)
    warmed_cache.warm_all("top_pages")
    before = warmed_cache.held()
    after = {place: events for place, events in {**rows, **dict(changes)}.items() if events}
    _pages(warmed_cache, after)
    warmed_cache.put.clear()
    warmed_cache.deleted.clear()
    warmed_cache.warm_all("top_pages")
    held = warmed_cache.held()

    was, became = _said(rows), _said(after)
    depending = {key for key in was.keys() | became.keys() if was.get(key) != became.get(key)}
    assert held.keys() == before.keys() == {_key(org, name) for org in ORGS for name in RANGES}
    assert (set(warmed_cache.put), warmed_cache.deleted) == (depending, [])

    assert warmed_cache.warm_all("top_pages")["top_pages"].written == 0
    warmed_cache.kv.delete_many(held)
    warmed_cache.event_lake.postgres.execute("truncate cache.entries")
    warmed_cache.warm_all("top_pages")
    assert warmed_cache.held() == held


def _pages(warmed_cache: WarmedCache, rows: dict[tuple[str, int, str], int]) -> None:
    with warmed_cache.event_lake.postgres.connection() as connection:
        connection.execute("truncate rollups.daily_pages, rollups.windows")
        connection.execute(
            "insert into rollups.windows (app, grain, window_start, version, sequence, wanted, events, built_at)"
            " values ('clearlift', 'daily', '2020-01-01', 1, 1, 1, 0, now())"
        )
        for (org, age, path), events in rows.items():
            connection.execute(
                "insert into rollups.daily_pages values (%s, %s, 'x.example', %s, %s, 1, 1, 0, 'clearlift')",
                [org, TODAY - timedelta(days=age), path, events],
            )


def _said(rows: dict[tuple[str, int, str], int]) -> dict[str, dict[str, tuple[int, int]]]:
    """Key → path, and whether in the range or before → what the dashboard says of it: views and visitors.

    Every row here has one visitor.
    """
    found: dict[str, dict[str, tuple[int, int]]] = {}
    for (org, age, path), events in rows.items():
        for name, days in RANGES.items():
            if age < 2 * days:
                said = found.setdefault(_key(org, name), {})
                place = f"{path} {age < days}"
                views, visitors = said.get(place, (0, 0))
                said[place] = (views + events, visitors + 1)
    return found


def _key(org: str, name: str) -> str:
    quoted: dict[str, Any] = {"b:c": "b%3Ac", "Ω/..": "%CE%A9%2F.."}
    return f"dashboard:{quoted.get(org, org)}:top_pages:{name}"
