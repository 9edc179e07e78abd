"""The metrics of one day of one leaf, as the platform knows them at a given age of the day.

They are a pure function of the leaf's key and the day. Impressions, clicks and cost are final when the day is over.
Conversions arrive for 28 days. A few rows turn out to be invalid days later and become zero. What does not belong here:
which entity the leaf is, and any sum over leaves.
"""

from decimal import Decimal
from hashlib import blake2b
from typing import NamedTuple

SETTLED_AFTER_DAYS = 28
"""The age in days from which a day's facts no longer change."""

_PARTS_OF_A_CONVERSION = (1_000_000, 500_000, 333_333, 250_000)


class Fact(NamedTuple):
    """A day's metrics. cost, conversions, value and leads are in millionths (of the currency, of one conversion).

    conversions are purchases, of this value; leads are another action, without a value.
    """

    impressions: int
    clicks: int
    cost: int
    conversions: int
    value: int
    leads: int

    def plus(self, other: "Fact") -> "Fact":
        return Fact(*(mine + theirs for mine, theirs in zip(self, other, strict=True)))


NOTHING = Fact(0, 0, 0, 0, 0, 0)


def cents(micros: int) -> Decimal:
    """An amount of millionths with exactly two decimals."""
    return (Decimal(micros) / 1_000_000).quantize(Decimal("0.01"))


def void_age(leaf: bytes, day: int) -> int | None:
    """The age in days from which a row is void (invalid traffic, credited back). None: it stays valid."""
    draw = _draw(leaf, day)
    return 2 + (draw >> 9) % 10 if (draw >> 3) & 63 == 0 else None


def leaf_fact(leaf: bytes, day: int, *, age: int, hour: int, cent: int, grain: int, fractional: bool) -> Fact | None:
    """The metrics of a leaf's day (`day` is a proleptic ordinal). None: there is no row.

    `age` is the account's local date minus the day. Below zero the day has not begun; at zero it has had `hour` hours.
    Cost is a multiple of `grain` micros, conversion value a multiple of `cent`. A platform with attribution models
    (`fractional`) counts parts of a conversion.
    """
    draw = _draw(leaf, day)
    if age < 0 or draw & 7 == 0:
        return None
    voided = void_age(leaf, day)
    if voided is not None and age >= voided:
        return None
    wanted = (draw >> 12) & 3
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
    # `cent` is the smallest coin of the currency: a cent of most currencies, a whole yen.
    cost = (clicks * (10 + price) * cent + impressions * (price + 3) * cent // 300) // grain * grain
    conversions = value = 0
    for _ in range(min(sold, clicks)):
        draw, lag = divmod(draw, SETTLED_AFTER_DAYS)
        draw, part = divmod(draw, len(_PARTS_OF_A_CONVERSION))
        draw, worth = divmod(draw, 20_000)
        if lag < age:
            conversions += _PARTS_OF_A_CONVERSION[part] if fractional else 1_000_000
            value += (500 + worth) * cent
    leads = min(wanted, clicks) * 1_000_000 if age > 0 else 0
    return Fact(impressions, clicks, cost, conversions, value, leads)


def _draw(leaf: bytes, day: int) -> int:
    return int.from_bytes(blake2b(day.to_bytes(4, "big"), key=leaf, digest_size=24).digest(), "big")
