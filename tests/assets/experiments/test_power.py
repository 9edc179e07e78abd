"""What can be found, beside the textbook's number and beside worlds with such an effect."""

import math

import pytest

from assets.experiments.power import days_left, detectable
from assets.experiments.sequential import critical, difference
from tests.assets.experiments.worlds import looks


def standard_error(base: float, raised: float, users_each: float) -> float:
    return math.sqrt((base * (1 - base) + raised * (1 - raised)) / users_each)


def test_one_fixed_look_finds_what_the_textbook_says() -> None:
    assert detectable(standard_error(0.05, 0.05, 29_826), 1.959964) == pytest.approx(0.005, rel=1e-4)


def test_what_is_called_detectable_is_found_in_four_of_five_experiments() -> None:
    base, users, seeds = 0.05, 120_000, 1_000
    raised = base + detectable(standard_error(base, 0.055, users / 2), critical(0.05))
    found = 0
    for seed in range(seeds):
        effects = (difference(*pair, users, 0.05) for pair in looks(seed, base, raised, users // 60))
        found += any(effect is not None and effect.p <= 0.05 for effect in effects)
    assert 0.8 <= found / seeds <= 0.86


@pytest.mark.parametrize(
    ("units", "planned", "recent", "days", "left"),
    [
        (1_000, 1_000, 0, 7, 0),
        (0, 1_000, 0, 7, None),
        (500, 1_000, 700, 7, 5),
        (999, 1_000, 1, 7, 7),
        (0, 10, 5, 0.0, None),
    ],
)
def test_days_left_follow_the_recent_pace(units: int, planned: int, recent: int, days: float, left: int | None) -> None:
    assert days_left(units, planned, recent, days) == left
