"""Which sets of a store stay, and why. Pure.

Only a good set counts: one that was verified, with all that it needs. What does not belong here: finding the sets of a
target (sets.py) and removing from it (removal.py).
"""

from collections.abc import Callable, Collection, Iterable, Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime

from assets.backups.manifest import Kind, Manifest
from resources.declined import DeclinedError

Period = Callable[[datetime], object]
LOGS = frozenset({Kind.INCREMENTAL, Kind.WAL})
"""Sets by which every position since their base can be restored."""


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


def kept(sets: Iterable[Manifest], good: Collection[str], policy: RotationPolicy) -> dict[str, str]:
    """The ids of the sets of one store that stay, each with the first rule that keeps it, the newest first.

    `good` are the ids of the good ones. While there is none, all stay.
    """
    ordered = sorted(sets, key=lambda s: (s.moment, s.id), reverse=True)
    by_id = {s.id: s for s in ordered}
    best = [s for s in ordered if s.id in good]
    keep = _promised(best, policy)
    for one in ordered:
        if not best or one.moment > best[0].moment:
            keep.setdefault(one.id, "not verified yet")
    for identity in list(keep):
        for needed in _below(by_id[identity], by_id):
            keep.setdefault(needed, "needed by another set")
    return {one.id: keep[one.id] for one in ordered if one.id in keep}


def _promised(good: Sequence[Manifest], policy: RotationPolicy) -> dict[str, str]:
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
        if one.kind in LOGS and one.moment >= days[-1].moment:
            keep.setdefault(one.id, "log of the last days")
    return keep


def _newest(good: Sequence[Manifest], period: Period, most: int) -> list[Manifest]:
    """The newest set of each of the last periods that hold one, the newest first."""
    found: dict[object, Manifest] = {}
    for one in good:
        found.setdefault(period(one.moment), one)
    return list(found.values())[:most]


def _below(one: Manifest, by_id: Mapping[str, Manifest]) -> list[str]:
    """The ids of the sets below one that are there, its base first."""
    below: list[str] = []
    base = one.base
    while base is not None and base in by_id and base not in below:
        below.append(base)
        base = by_id[base].base
    return below


def _day(moment: datetime) -> object:
    return moment.date()


def _week(moment: datetime) -> object:
    return moment.isocalendar()[:2]


def _month(moment: datetime) -> object:
    return (moment.year, moment.month)
