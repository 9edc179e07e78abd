"""Warming: only what changed is written, what nobody wants goes, and a kill anywhere is made good by the next run."""

import json
from datetime import date, timedelta

import pytest

from assets.cache.delta import RENEW, TTL, lifetime
from assets.cache.warm import Warmed
from assets.rollups.definition import Grain
from tests.assets.cache.warmth import Warmth
from tests.assets.rollups.lakeside import at, event

VALUES = {f"dashboard:org{n}:summary:1d": b'{"events":%d}' % n for n in range(20)}
KEY = "dashboard:org7:summary:1d"


def test_a_second_warming_writes_nothing(warmth: Warmth) -> None:
    first = warmth.warm(VALUES)
    assert first == Warmed(20, 20, 0, 0, 0, 0, sum(map(len, VALUES.values())))
    assert warmth.held() == VALUES
    warmth.put.clear()
    assert warmth.warm(VALUES) == Warmed(20, 0, 0, 0, 0, 20, 0)
    assert warmth.put == warmth.deleted == []


def test_one_changed_value_writes_one_key(warmth: Warmth) -> None:
    warmth.warm(VALUES)
    warmth.put.clear()
    changed = {**VALUES, KEY: b"{}"}
    done = warmth.warm(changed)
    assert (done.changed, done.written, warmth.put) == (1, 1, [KEY])
    assert warmth.held() == changed


def test_keys_that_nobody_wants_any_more_go(warmth: Warmth) -> None:
    warmth.warm(VALUES)
    left = {key: value for key, value in VALUES.items() if key != KEY}
    assert warmth.warm(left).deleted == 1
    assert warmth.held() == left
    assert warmth.deleted == [KEY]
    assert warmth.warm(left) == Warmed(19, 0, 0, 0, 0, 19, 0)


def test_a_family_leaves_the_keys_of_others_alone(warmth: Warmth) -> None:
    warmth.warm(VALUES)
    other = {"dashboard:org1:top_pages:1d": b"[]"}
    warmth.warm(other, "top_pages")
    assert warmth.warm({}, "top_pages").deleted == 1
    assert warmth.held() == VALUES


@pytest.mark.parametrize("dies", ["before", "half way", "after"])
@pytest.mark.parametrize("afterwards", ["wanted", "as before", "gone"])
def test_a_kill_around_the_write_to_kv_is_made_good(warmth: Warmth, dies: str, afterwards: str) -> None:
    """Even where the value is again what it was before the kill, or the organisation has gone meanwhile."""
    warmth.warm(VALUES)
    fresh = {f"dashboard:fresh{n}:summary:1d": b"new" for n in range(4)}
    wanted = {**VALUES, KEY: b"changed", **fresh}
    warmth.dies = dies
    with pytest.raises(KeyboardInterrupt):
        warmth.warm(wanted)
    warmth.dies = ""

    finally_wanted = {"wanted": wanted, "as before": VALUES, "gone": {}}[afterwards]
    warmth.warm(finally_wanted)
    assert warmth.held() == finally_wanted
    assert warmth.warm(finally_wanted) == Warmed(len(finally_wanted), 0, 0, 0, 0, len(finally_wanted), 0)


def test_a_kill_between_the_delete_and_the_index_deletes_again(warmth: Warmth) -> None:
    warmth.warm(VALUES)
    warmth.dies = "after delete"
    with pytest.raises(KeyboardInterrupt):
        warmth.warm({KEY: VALUES[KEY]})
    warmth.dies = ""
    warmth.warm(VALUES)
    assert warmth.held().keys() <= VALUES.keys()
    warmth.warm({KEY: VALUES[KEY]})
    assert warmth.held() == {KEY: VALUES[KEY]}


def test_keys_near_their_expiry_are_renewed_and_none_ever_runs_out(warmth: Warmth) -> None:
    warmth.warm(VALUES)
    start = warmth.lakeside.now
    expirations = {info.name: info.expiration for info in warmth.kv.list()}
    assert expirations == {key: int((start + lifetime(key)).timestamp()) for key in VALUES}

    warmth.lakeside.now = start + 0.65 * TTL  # renewal begins at 0.56 of it for the shortest life
    due = {key for key in VALUES if start + lifetime(key) - warmth.lakeside.now < RENEW * lifetime(key)}
    warmth.put.clear()
    done = warmth.warm(VALUES)
    assert 0 < done.renewed < len(VALUES)
    assert set(warmth.put) == due
    assert done.written == done.renewed == len(due)

    for _ in range(60):
        warmth.lakeside.now += timedelta(hours=1)
        assert warmth.held() == VALUES
        warmth.warm(VALUES)


def test_keys_that_expired_are_written_anew(warmth: Warmth) -> None:
    warmth.warm(VALUES)
    warmth.lakeside.now += TTL
    assert warmth.held() == {}
    assert warmth.warm(VALUES).new == len(VALUES)
    assert warmth.held() == VALUES


def test_dashboards_say_what_the_roll_ups_say(warmth: Warmth) -> None:
    lakeside = warmth.lakeside
    lakeside.append(
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
        event(timestamp=at(1, 9), anonymous_id="v4", session_id="s5", org_tag="b8e9d1"),
    )
    for grain in Grain:
        lakeside.roll_up(grain, at(1), at(21))

    done = warmth.warm_dashboards()

    held = {key: json.loads(value) for key, value in warmth.held().items()}
    assert {key for key in held if ":summary:" in key} == {
        *(f"dashboard:a3f7c2:summary:{days}" for days in ("1d", "7d", "30d")),
        "dashboard:b8e9d1:summary:30d",
    }
    week = held["dashboard:a3f7c2:summary:7d"]
    assert week == {
        "from": "2026-03-14",
        "to": "2026-03-20",
        "events": 3,
        "page_views": 1,
        "visitors": 2,
        "sessions": 3,
        "value": 2.5,
        "exact": True,
    }
    assert held["dashboard:a3f7c2:summary:30d"]["visitors"] == 3
    assert held["dashboard:a3f7c2:top_pages:1d"]["items"] == [
        {"hostname": "x.example", "path": "/ä", "views": 1, "sessions": 1, "daily_visitors": 1}
    ]
    assert [s["source"] for s in held["dashboard:a3f7c2:top_sources:1d"]["items"]] == ["direct", "google"]
    assert [c["campaign"] for c in held["dashboard:a3f7c2:top_campaigns:7d"]["items"]] == ["c"]
    assert sum(d.written for d in done.values()) == len(held)
    assert sum(d.written for d in warmth.warm_dashboards().values()) == 0


def test_an_organisation_without_events_any_more_leaves_the_cache(warmth: Warmth) -> None:
    lakeside = warmth.lakeside
    lakeside.append(event(timestamp=at(20, 9)), event(timestamp=at(20, 9), org_tag="gone"))
    lakeside.roll_up_days(date(2026, 3, 20), 1)
    warmth.warm_dashboards()
    assert any("gone" in key for key in warmth.held())

    lakeside.events.load().delete("org_tag == 'gone'")
    lakeside.roll_up_days(date(2026, 3, 20), 1)
    warmth.warm_dashboards()
    assert {key.split(":")[1] for key in warmth.held()} == {"a3f7c2"}


def test_a_ranking_ends_at_its_length(warmth: Warmth) -> None:
    warmth.lakeside.append(*(event(timestamp=at(20, 9), page_path=f"/{n}", event_id=f"{n}") for n in range(60)))
    warmth.lakeside.roll_up_days(date(2026, 3, 20), 1)
    warmth.warm_dashboards()
    pages = json.loads(warmth.held()["dashboard:a3f7c2:top_pages:1d"])["items"]
    assert [p["path"] for p in pages] == sorted(f"/{n}" for n in range(60))[:50]
