"""From landing to KV in one run, and what late events may cost."""

from collections import Counter
from datetime import UTC, datetime, timedelta
from typing import Any

import msgspec
import pytest
from dagster import AssetKey, ExecuteInProcessResult, Failure

from assets.apps.clearlift import APP as CLEARLIFT
from assets.cache import warm
from assets.cache.families import families
from assets.rollups.follow import Changes
from assets.windows import DAY, HOUR, midnight
from tests.assets.event_pipeline import line
from tests.assets.rollups.event_lake import EventLake, event
from tests.clearlift_pipelines.evaluated import put, sensed
from tests.clearlift_pipelines.location import Location, partitions

# Half past twelve of the real day, because KV drops what has expired by the real clock.
NOW = midnight(datetime.now(UTC).date()) + timedelta(hours=12, minutes=30)
ONE, OTHER = "a3f7c2", "b8e9d1"


def summary(location: Location, org: str) -> Any:
    value = location.stores.kv(CLEARLIFT).get(f"dashboard:{org}:summary:1d")
    return msgspec.json.decode(value)["events"] if value is not None else None


def lands(location: Location, name: str, *lines: bytes) -> ExecuteInProcessResult:
    """A batch, and the one run that the landing sensor asks for."""
    put(location, name, NOW, *lines)
    (request,), _ = sensed(location, "landing")
    assert request.partition_key is None
    result = location.run("today", config=request.run_config)
    assert result.success
    assert sensed(location, "landing") == ([], "Nothing has landed.")
    return result


def metadata(result: ExecuteInProcessResult, *key: str) -> dict[str, Any]:
    (made,) = result.asset_materializations_for_node("__".join(("clearlift", *key)))
    assert made.asset_key == AssetKey(["clearlift", *key])
    return {name: entry.value for name, entry in made.metadata.items()}


def test_what_lands_is_in_kv_after_one_run(location: Location) -> None:
    location.now = NOW
    at = NOW - timedelta(minutes=3)
    first = lands(location, "one", line(1, timestamp=at), line(2, timestamp=at, org_tag=OTHER))
    assert (summary(location, ONE), summary(location, OTHER)) == (1, 1)
    shown = metadata(first, "cache", "today")
    assert (shown["organisations"], shown["batches"]) == (2, 0), "another run may have shown what landed before"
    location.now += timedelta(minutes=5)
    second = lands(location, "two", line(3, timestamp=at), line(4, timestamp=at - HOUR))
    assert (summary(location, ONE), summary(location, OTHER)) == (3, 1)
    shown = metadata(second, "cache", "today")
    assert (shown["organisations"], shown["batches"]) == (1, 1)
    assert len(shown["landing_to_kv_s"]) == 1
    assert "landing_to_kv_p95_of_a_day_s" in shown
    assert metadata(second, "rollups", "today")["hours"] == 2
    # Nothing of today: nobody's dashboard is looked at.
    third = lands(location, "three", line(5, timestamp=NOW - 3 * DAY))
    assert metadata(third, "cache", "today")["keys"] == 0
    # What the parts have made is what a warming of everything would write.
    for family in families(CLEARLIFT):
        if ("rollups", "daily") in family.reads:
            assert warm.of(location.stores, CLEARLIFT).survey(family).changed == 0, family.name


def test_the_keys_of_others_stay(location: Location) -> None:
    location.now = NOW
    at = NOW - timedelta(minutes=3)
    lands(location, "one", line(1, timestamp=at), line(2, timestamp=at, org_tag=OTHER))
    assert location.run("warm").success
    keys = {info.name for info in location.stores.kv(CLEARLIFT).list()}
    assert len(keys) > 30
    location.now += timedelta(minutes=5)
    lands(location, "two", line(3, timestamp=at))
    assert {info.name for info in location.stores.kv(CLEARLIFT).list()} == keys


def test_a_family_that_fails_holds_back_no_other_and_is_shown_by_the_next_run(
    location: Location, monkeypatch: pytest.MonkeyPatch
) -> None:
    location.now = NOW
    at = NOW - timedelta(minutes=3)
    run = warm.Warming.run

    def fails(self: warm.Warming, family: Any, **more: Any) -> Any:
        if family.name == "summary":
            raise ConnectionError("away")
        return run(self, family, **more)

    put(location, "one", NOW, line(1, timestamp=at))
    with monkeypatch.context() as patched:
        patched.setattr(warm.Warming, "run", fails)
        with pytest.raises(Failure, match="away"):
            location.run("today")
    assert summary(location, ONE) is None
    assert location.stores.kv(CLEARLIFT).get(f"dashboard:{ONE}:series:1d") is not None
    assert location.run("today").success
    assert summary(location, ONE) == 1


def test_a_late_event_in_each_batch_makes_yesterday_at_most_once_an_hour(location: Location) -> None:
    """A day of looks every five minutes. Other days change with yesterday, so that the ranges differ."""
    lake, day, made = EventLake(location.stores), midnight(NOW.date()), Counter[str]()
    lake.now = day - timedelta(minutes=1)
    lake.append(*(event(timestamp=day - back * DAY) for back in range(1, 4)))
    lake.roll_up_days((day - 3 * DAY).date(), 3)
    # By a commit that is still to come, as if each batch had an event of that day.
    coming = Changes()
    coming.add(day - DAY, 10**9)
    with location.stores.postgres.connection() as connection:
        coming.mark(connection, CLEARLIFT)
    for look in range(9, 288):
        location.now = lake.now = day + timedelta(minutes=5 * look)
        for request in sensed(location, "late_data")[0]:
            if request.job_name == "clearlift_roll_up_days":
                first, last = partitions(request)
                assert first == last == f"{day - DAY:%Y-%m-%d}"
                lake.roll_up_days((day - DAY).date(), 1)
                made[first] += 1
    assert 22 <= made[f"{day - DAY:%Y-%m-%d}"] <= 24
