"""Which sets of a store stay, and why. Pure.

A set counts where it was verified and every set that it needs is there; any other counts as none. What does not belong
here: listing the sets of a target and removing from it (removal.py).
"""

from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Protocol, TypeVar

from resources.declined import DeclinedError


class RotatedSet(Protocol):
    """A complete set. `moment` is in UTC, `base` the id of the set that it needs, `is_log` says whether it holds what
    changed since its base, so that every position in between can be restored.
    """

    @property
    def id(self) -> str: ...
    @property
    def moment(self) -> datetime: ...
    @property
    def base(self) -> str | None: ...
    @property
    def is_log(self) -> bool: ...
    @property
    def verified(self) -> bool: ...


Set = TypeVar("Set", bound=RotatedSet)
Period = Callable[[datetime], object]


@dataclass(frozen=True)
class RotationPolicy:
    """Of how many UTC days, ISO weeks and months the newest set stays. Only those count that hold a verified set, so
    that a pause in the backups takes none away.
    """

    days: int = 7
    weeks: int = 5
    months: int = 12

    def __post_init__(self) -> None:
        if self.days < 1 or min(self.weeks, self.months) < 0:
            raise DeclinedError(
                f"{self.days} days, {self.weeks} weeks, {self.months} months cannot be kept",
                "give at least 1 day, and no number below 0",
            )


def kept(sets: Iterable[Set], policy: RotationPolicy) -> dict[str, str]:
    """The ids of the sets of one store that stay, each with the first rule that keeps it, the newest first.

    Until a set was verified, all stay.
    """
    ordered = sorted(sets, key=lambda s: (s.moment, s.id), reverse=True)
    by_id = {s.id: s for s in ordered}
    good = [s for s in ordered if s.verified and _is_whole(s, by_id)]
    keep = _promised(good, policy)
    for one in ordered:
        if not good or one.moment > good[0].moment:
            keep.setdefault(one.id, "not verified yet")
    for identity in list(keep):
        for needed in _chain(by_id[identity], by_id):
            keep.setdefault(needed, "needed by another set")
    return {one.id: keep[one.id] for one in ordered if one.id in keep}


def _promised(good: Sequence[Set], policy: RotationPolicy) -> dict[str, str]:
    """The sets that a person can count on, of the good ones, which come the newest first."""
    keep = {good[0].id: "newest verified set"} if good else {}
    days = _newest(good, _day, policy.days)
    for name, chosen, most in (
        ("day", days, policy.days),
        ("week", _newest(good, _week, policy.weeks), policy.weeks),
        ("month", _newest(good, _month, policy.months), policy.months),
    ):
        for one in chosen:
            keep.setdefault(one.id, f"newest of its {name}")
        if chosen and len(chosen) < most:
            keep.setdefault(good[-1].id, "oldest verified set")
    # The newest set of a day may be a full one: then nothing that is kept would need the log up to it.
    for one in good:
        if one.is_log and one.moment >= days[-1].moment:
            keep.setdefault(one.id, "log of the last days")
    return keep


def _newest(good: Sequence[Set], period: Period, most: int) -> list[Set]:
    """The newest set of each of the last periods that hold one, the newest first."""
    found: dict[object, Set] = {}
    for one in good:
        found.setdefault(period(one.moment), one)
    return list(found.values())[:most]


def _chain(one: RotatedSet, by_id: Mapping[str, RotatedSet]) -> list[str]:
    """The ids of the sets below one that are there, its base first."""
    chain: list[str] = []
    base = one.base
    while base in by_id and base not in chain:
        chain.append(base)
        base = by_id[base].base
    return chain


def _is_whole(one: RotatedSet, by_id: Mapping[str, RotatedSet]) -> bool:
    """Whether every set below one is there."""
    chain = [one.id, *_chain(one, by_id)]
    return by_id[chain[-1]].base is None


def _day(moment: datetime) -> object:
    return moment.date()


def _week(moment: datetime) -> object:
    return moment.isocalendar()[:2]


def _month(moment: datetime) -> object:
    return (moment.year, moment.month)
