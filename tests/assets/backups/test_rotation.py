"""Rotation: each rule keeps what it promises and nothing else, over two simulated years too."""

import random
from collections.abc import Collection, Iterable, Sequence
from dataclasses import dataclass, replace
from datetime import UTC, datetime, timedelta
from functools import cache

import pytest
from hypothesis import given
from hypothesis import strategies as st

from assets.backups import rotation
from assets.backups.manifest import Kind, Manifest
from assets.backups.rotation import RotationPolicy
from assets.backups.sets import Sets
from assets.backups.target import StoreName
from resources.declined import DeclinedError

MONDAY = datetime(2025, 1, 6, 2, tzinfo=UTC)
DAY = timedelta(days=1)


@dataclass(frozen=True)
class Made:
    """A set, and whether it was verified."""

    id: str
    moment: datetime
    base: str | None = None
    is_log: bool = False
    verified: bool = True

    @property
    def manifest(self) -> Manifest:
        kind = Kind.INCREMENTAL if self.is_log else Kind.FULL
        return Manifest(
            app="consignment",
            store="d1",
            id=self.id,
            kind=kind,
            base=self.base,
            until="",
            moment=self.moment,
            code_version="",
        )


def kept(sets: Collection[Made], policy: RotationPolicy) -> dict[str, str]:
    """What stays of sets, of which those are good that `Sets` calls so."""
    found = Sets(
        StoreName("consignment", "d1"),
        tuple(one.manifest for one in sets),
        {one.id: one.moment for one in sets if one.verified},
    )
    return rotation.kept(found.complete, {one.id for one in found.complete if found.is_good(one)}, policy)


def daily(days: Iterable[float], *, unverified: Collection[float] = ()) -> list[Made]:
    """A full set on each of the days after MONDAY, called by it."""
    return [Made(f"{day:g}", MONDAY + day * DAY, verified=day not in unverified) for day in days]


def logs(days: Iterable[float], upon: str) -> list[Made]:
    """Incremental sets on each of the days, each upon the one before."""
    made: list[Made] = []
    for day in days:
        base = made[-1].id if made else upon
        made.append(Made(f"{day:g}", MONDAY + day * DAY, base, is_log=True))
    return made


def test_the_newest_of_each_day_week_and_month_stays() -> None:
    sets = daily([*range(100), 98.5])

    assert kept(sets, RotationPolicy(days=3, weeks=3, months=2)) == {
        "99": "newest verified set",
        "98.5": "newest of its day",  # the one of that morning goes
        "97": "newest of its day",  # and of the week before, whose Sunday it is
        "90": "newest of its week",
        "84": "newest of its month",  # 31 March; the last in April is day 99
    }


def test_a_pause_in_the_backups_takes_none_away() -> None:
    sets = daily([0, 1, 2, 900])
    assert sorted(kept(sets, RotationPolicy(days=3, weeks=1, months=1))) == ["1", "2", "900"]


def test_with_fewer_than_promised_the_oldest_stays_too() -> None:
    sets = daily([0, 0.1, 0.2, 1])
    found = kept(sets, RotationPolicy(days=3, weeks=1, months=1))
    assert found == {"1": "newest verified set", "0.2": "newest of its day", "0": "oldest verified set"}


def test_an_unverified_set_counts_as_none_and_stays_only_while_it_is_newer_than_the_last_good_one() -> None:
    sets = daily([0, 1, 1.5, 2, 2.5], unverified=(1.5, 2.5))
    found = kept(sets, RotationPolicy(days=2, weeks=0, months=0))
    assert found == {"2.5": "not verified yet", "2": "newest verified set", "1": "newest of its day"}


def test_while_nothing_was_verified_all_stay() -> None:
    sets = daily(range(50), unverified=range(50))
    assert set(kept(sets, RotationPolicy()).values()) == {"not verified yet"}
    assert len(kept(sets, RotationPolicy())) == 50


def test_what_a_kept_set_needs_stays_and_a_set_without_its_base_counts_as_none() -> None:
    sets = [*daily([0, 5]), *logs([1, 2, 3], upon="0"), *logs([4], upon="gone"), *logs([5.5], upon="5")]
    found = kept(sets, RotationPolicy(days=3, weeks=0, months=0))
    assert found == {
        "5.5": "newest verified set",
        "5": "needed by another set",
        "3": "newest of its day",
        "2": "newest of its day",
        "1": "needed by another set",
        "0": "needed by another set",
    }


def test_the_base_of_a_set_that_is_not_verified_yet_stays() -> None:
    sets = [*daily([0, 3, 4]), *(replace(one, verified=False) for one in logs([4.5], upon="3"))]
    assert kept(sets, RotationPolicy(days=1, weeks=0, months=0)) == {
        "4.5": "not verified yet",
        "4": "newest verified set",
        "3": "needed by another set",
    }


def test_all_of_the_log_of_the_last_days_stays() -> None:
    # Each full set comes after the last incremental one of its day, which no other set needs.
    sets = [*daily([0, 1, 2.5, 3.5]), *logs([1.1, 1.2, 2.1, 2.2, 3.1], upon="1")]
    found = kept(sets, RotationPolicy(days=2, weeks=0, months=0))
    assert {name for name, rule in found.items() if rule == "log of the last days"} == {"3.1"}
    assert {"1", "1.1", "1.2", "2.1", "2.2"} <= found.keys()


@pytest.mark.parametrize("policy", [(0, 5, 12), (7, -1, 12), (7, 5, -1)])
def test_numbers_that_promise_nothing_are_refused(policy: tuple[int, int, int]) -> None:
    with pytest.raises(DeclinedError, match="at least 1 day"):
        RotationPolicy(*policy)


def chain(one: Made, by_id: dict[str, Made]) -> list[Made]:
    """A set and all below it; an error where one is missing."""
    return [one] if one.base is None else [one, *chain(by_id[one.base], by_id)]


@cache
def periods(moment: datetime) -> tuple[str, ...]:
    return tuple(moment.strftime(form) for form in ("%Y-%m-%d", "%G-%V", "%Y-%m"))


def promised(history: Sequence[Made], policy: RotationPolicy) -> set[str]:
    """The sets that a store must be able to go back to, said of all good sets that there ever were, a day at a time."""
    wanted = set()
    for place, most in enumerate((policy.days, policy.weeks, policy.months)):
        newest = {periods(one.moment)[place]: one for one in history}
        wanted |= {one.id for one in list(newest.values())[-most:]}
        if len(newest) < most:
            wanted.add(history[0].id)
    return wanted


@pytest.mark.parametrize("failing", [0.0, 0.1, 0.6])
def test_over_two_years_each_promised_moment_of_each_day_can_be_restored(failing: float) -> None:
    dice, policy = random.Random(failing), RotationPolicy()
    there: dict[str, Made] = {}
    good: dict[str, Made] = {}
    last: Made | None = None
    for day in range(730):
        moment = MONDAY + day * DAY
        made = []
        if last is not None:
            made.append(Made(f"{day}-log", moment, last.id, is_log=True, verified=False))
        if last is None or moment.weekday() == 6:
            made.append(Made(f"{day}-full", moment + timedelta(hours=1), verified=False))
        last = made[-1]
        there |= {one.id: one for one in made}
        for one in made:
            if dice.random() >= failing:  # who verifies a set reads all that it needs
                there |= {below.id: replace(below, verified=True) for below in chain(one, there)}
        good |= {name: one for name, one in there.items() if one.verified}
        history = sorted(good.values(), key=lambda one: one.moment)
        before = dict(there)

        there = {name: there[name] for name in kept(there.values(), policy)}

        wanted = promised(history, policy) if history else set()
        assert wanted <= there.keys()
        for name in wanted:
            chain(there[name], there)  # nothing that it needs is gone
        needed = {below.id for name in there if there[name].verified for below in chain(there[name], there)}
        newest = max((one.moment for one in history), default=MONDAY - DAY)
        oldest_day = sorted({one.moment.date() for one in history})[-policy.days :][:1]
        for gone in before.keys() - there.keys():  # only what no rule wants
            assert gone not in wanted | needed
            assert before[gone].moment < newest
            assert not before[gone].verified or not before[gone].is_log or [before[gone].moment.date()] <= oldest_day
    if not failing:
        assert len(there) == 53


@st.composite
def histories(draw: st.DrawFn) -> list[Made]:
    """Sets at any moments, upon any earlier one or one that is gone."""
    minutes = draw(st.lists(st.integers(0, 400 * 24 * 60), min_size=1, max_size=30, unique=True).map(sorted))
    made: list[Made] = []
    for number, minute in enumerate(minutes):
        base = draw(st.none() | st.sampled_from([*(one.id for one in made), "gone"]))
        is_log = base is not None and draw(st.booleans())
        made.append(Made(str(number), MONDAY + timedelta(minutes=minute), base, is_log, draw(st.booleans())))
    return made


@given(histories(), st.integers(1, 9), st.integers(0, 6), st.integers(0, 13))
def test_what_stays_is_whole_and_a_second_rotation_changes_nothing(
    sets: list[Made], days: int, weeks: int, months: int
) -> None:
    policy = RotationPolicy(days, weeks, months)
    found = kept(sets, policy)
    by_id = {one.id: one for one in sets}
    for name in found:
        base = by_id[name].base
        assert base is None or base in found or base not in by_id
    good = [one for one in sets if is_good(one, by_id)]
    assert not good or good[-1].id in found
    assert kept([by_id[name] for name in found], policy) == found
    assert kept(sets[::-1], policy) == found


def is_good(one: Made, by_id: dict[str, Made]) -> bool:
    return one.verified and (one.base is None or (one.base in by_id and is_good(by_id[one.base], by_id)))
