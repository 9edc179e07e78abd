"""What one day of one leaf was worth, as it was known at a given age.

A pure function of the leaf's key and the day. Impressions, clicks and cost are settled when the day is over;
conversions go on arriving for 28 days; a few rows are found invalid days later and become zero. What does not belong
here: who the leaf is, and any sum over leaves.
"""

from hashlib import blake2b
from typing import NamedTuple

SETTLED_AFTER_DAYS = 28
"""The age at which a day's facts have stopped changing."""

_PARTS_OF_A_CONVERSION = (1_000_000, 500_000, 333_333, 250_000)


class Fact(NamedTuple):
    """A day's metrics. cost, conversions and value are in millionths (of the currency, of one conversion)."""

    impressions: int
    clicks: int
    cost: int
    conversions: int
    value: int

    def plus(self, other: "Fact") -> "Fact":
        return Fact(*(mine + theirs for mine, theirs in zip(self, other, strict=True)))


NOTHING = Fact(0, 0, 0, 0, 0)


def void_age(leaf: bytes, day: int) -> int | None:
    """The age in days from which a row is worth nothing (invalid traffic, credited back), or None: it stays."""
    draw = _draw(leaf, day)
    return 2 + (draw >> 9) % 10 if (draw >> 3) & 63 == 0 else None


def leaf_fact(leaf: bytes, day: int, *, age: int, hour: int, cent: int, grain: int, fractional: bool) -> Fact | None:
    """The metrics of a leaf's day (`day` is a proleptic ordinal), or None where there is no row.

    `age` is the account's local date less the day: below zero there is nothing yet, at zero the day has had `hour`
    hours. Cost comes in multiples of `grain` micros, conversion value in multiples of `cent`; a platform with
    attribution models (`fractional`) counts parts of a conversion.
    """
    draw = _draw(leaf, day)
    if age < 0 or draw & 7 == 0:
        return None
    voided = void_age(leaf, day)
    if voided is not None and age >= voided:
        return None
    draw >>= 16
    draw, shown = divmod(draw, 4_000)
    draw, per_mille = divmod(draw, 80)
    draw, price = divmod(draw, 280)
    draw, sold = divmod(draw, 4)
    impressions = 25 + shown
    if age == 0:
        impressions = impressions * hour // 24
        if impressions == 0:
            return None
    clicks = impressions * per_mille // 1_000
    # A coin, a hundred times over: cents in most currencies, whole yen in the one that has no cents.
    cost = (clicks * (10 + price) * cent + impressions * (price + 3) * cent // 300) // grain * grain
    conversions = value = 0
    for _ in range(min(sold, clicks)):
        draw, lag = divmod(draw, SETTLED_AFTER_DAYS)
        draw, part = divmod(draw, len(_PARTS_OF_A_CONVERSION))
        draw, worth = divmod(draw, 20_000)
        if lag < age:
            conversions += _PARTS_OF_A_CONVERSION[part] if fractional else 1_000_000
            value += (500 + worth) * cent
    return Fact(impressions, clicks, cost, conversions, value)


def _draw(leaf: bytes, day: int) -> int:
    return int.from_bytes(blake2b(day.to_bytes(4, "big"), key=leaf, digest_size=24).digest(), "big")
