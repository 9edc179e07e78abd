"""Damaged data files: who rolls up, follows or archives names them, and only their partition waits."""

import pytest

from assets.rollups import late
from assets.rollups.build import OrganisationsLeftError
from assets.rollups.definition import Grain
from assets.rollups.follow import follow
from assets.windows import DAY, HOUR, Window
from resources.lake import DamagedFilesError
from tests.assets.damage import DAMAGES, FEW_DAMAGES, OF_OTHERS, Damage, local
from tests.assets.rollups.event_lake import Event, EventLake, at, event, hour_of
from tests.assets.rollups.recount import recount

ORGS = ("a3f7c2", "b8e9d1", "c41d7e")


def stored(event_lake: EventLake) -> list[Event]:
    """Four events of three organisations on each of three days, a file a partition."""
    events = [
        event(org_tag=org, timestamp=at(day, 3, minute), event_value=1.0)
        for org in ORGS
        for day in (1, 2, 3)
        for minute in range(4)
    ]
    event_lake.append(*events)
    return list(events)


def followed(event_lake: EventLake) -> late.StaleWindows:
    while follow(event_lake.app, event_lake.events, event_lake.postgres, event_lake.clock):
        pass
    return late.stale(event_lake.app, event_lake.postgres, at(1), event_lake.now)


@pytest.mark.parametrize(
    ("grain", "damage"),
    [
        *((Grain.HOURLY, damage) for damage in (*DAMAGES, *OF_OTHERS)),
        *((Grain.DAILY, damage) for damage in (*FEW_DAMAGES, *OF_OTHERS)),
    ],
)
def test_a_damaged_file_is_named_and_harms_its_organisation_alone(
    event_lake: EventLake, damage: Damage, grain: Grain
) -> None:
    events = stored(event_lake)
    followed(event_lake)
    (hurt,) = event_lake.events.files(at(2), at(3), ["b8e9d1"])
    path, whole = local(hurt.path), local(hurt.path).read_bytes()
    damage(path)

    with pytest.raises(OrganisationsLeftError) as left:
        event_lake.roll_up(grain, at(1), at(4))

    assert path.name in left.value.reason
    assert left.value.next_step == "`clearlift lake rebuild --day 2026-03-02 --org b8e9d1`"
    others = [e for e in events if (e["org_tag"], e["timestamp"].day) != ("b8e9d1", 2)]
    of_grain = f"rollups.{grain.value}"
    assert {t: r for t, r in event_lake.rows().items() if t.startswith(of_grain)} == {
        t: r for t, r in recount(others).items() if t.startswith(of_grain)
    }
    windows = followed(event_lake)
    waiting = windows.hours if grain is Grain.HOURLY else windows.days
    assert waiting == ((hour_of(2, 3) if grain is Grain.HOURLY else Window(at(2), at(3))),)

    path.write_bytes(whole)
    event_lake.roll_up(grain, at(2), at(3))
    assert event_lake.rows()[of_grain] == recount(events)[of_grain]
    windows = followed(event_lake)
    assert not (windows.hours if grain is Grain.HOURLY else windows.days)


def test_rows_of_before_stay_where_the_file_of_an_organisation_is_damaged(event_lake: EventLake) -> None:
    events = stored(event_lake)
    event_lake.roll_up(Grain.DAILY, at(1), at(4))
    late_one = event(org_tag="a3f7c2", timestamp=at(2, 5))
    event_lake.append(late_one)
    (hurt,) = event_lake.events.files(at(2), at(3), ["b8e9d1"])
    local(hurt.path).unlink()

    with pytest.raises(OrganisationsLeftError):
        event_lake.roll_up(Grain.DAILY, at(2), at(3))
    assert event_lake.rows()["rollups.daily"] == recount([*events, late_one])["rollups.daily"]
    with pytest.raises(DamagedFilesError):
        event_lake.roll_up(Grain.DAILY, at(2), at(3), "b8e9d1")


@pytest.mark.parametrize("damage", DAMAGES)
def test_a_commit_with_a_damaged_file_is_followed_and_so_are_those_after_it(
    event_lake: EventLake, damage: Damage
) -> None:
    stored(event_lake)
    (hurt,) = event_lake.events.files(at(2), at(3), ["b8e9d1"])
    damage(local(hurt.path))
    event_lake.append(event(timestamp=at(5, 7)))

    windows = followed(event_lake)

    assert windows.hours == (hour_of(1, 3), hour_of(2, 3), hour_of(3, 3), Window(at(5, 7), at(5, 7) + HOUR))
    assert windows.days == (Window(at(1), at(4)), Window(at(5), at(5) + DAY))
