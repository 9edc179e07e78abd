"""The confidence sequence beside published numbers, and in worlds whose truth is known."""

import math

import pytest
from hypothesis import given
from hypothesis import strategies as st

from assets.experiments.sequential import Sample, critical, difference, effect, lift, tuned
from tests.assets.experiments.worlds import looks

ALPHA, SEEDS = 0.05, 500
COUNTS = st.integers(2, 10**7)
SHARE = st.floats(0.001, 0.999)


def proportion(n: int, conversions: int) -> Sample:
    return Sample(n, conversions, conversions)


def test_a_difference_of_shares_is_what_gbstats_says() -> None:
    # gbstats takes the population's variance of a share.
    a, b = 500 / 10_000, 580 / 10_100
    variance = a * (1 - a) / 10_000 + b * (1 - b) / 10_100
    assert variance == pytest.approx(1.010921056079728e-05, rel=1e-12)
    assert tuned(ALPHA, 5_000) == pytest.approx(0.03984006677137368, rel=1e-12)
    found = effect(b - a, variance, 20_100, 5_000, ALPHA)
    assert (found.low, found.high) == pytest.approx((-0.0025186919452111177, 0.01737017709372597), rel=1e-10)
    assert found.p == pytest.approx(0.4075374730539106, rel=1e-10)
    sampled = difference(proportion(10_000, 500), proportion(10_100, 580), 5_000, ALPHA)
    assert sampled is not None
    assert sampled.p == pytest.approx(found.p, rel=1e-3)


def test_a_difference_of_means_is_what_gbstats_says() -> None:
    control, treatment = Sample(5_000, 12_345.5, 98_765.25), Sample(4_900, 13_000, 101_000)
    assert control.variance / 5_000 + treatment.variance / 4_900 == pytest.approx(0.00550253514716466, rel=1e-12)
    found = difference(control, treatment, 5_000, ALPHA)
    assert found is not None
    assert (found.low, found.high) == pytest.approx((-0.04308250014535883, 0.4110049491249502), rel=1e-10)
    assert found.p == pytest.approx(0.2269547889757893, rel=1e-10)


def test_a_lift_is_the_one_of_tea_tasting_and_wider_than_that_of_one_fixed_look() -> None:
    found = lift(proportion(10_000, 500), proportion(10_100, 580), 20_100, ALPHA)
    assert found is not None
    assert found.estimate == pytest.approx(0.1485149, abs=1e-7)
    fixed = math.log1p(0.2902603) - math.log1p(0.0223413)
    assert (math.log1p(found.high) - math.log1p(found.low)) / fixed == pytest.approx(1.55, abs=0.005)


@given(a=COUNTS, b=COUNTS, x=SHARE, y=SHARE, alpha=st.sampled_from([0.01, 0.025, 0.05, 0.1]), planned=COUNTS)
def test_p_and_the_interval_say_the_same(a: int, b: int, x: float, y: float, alpha: float, planned: int) -> None:
    control, treatment = proportion(a, round(a * x)), proportion(b, round(b * y))
    found, turned = (difference(*pair, planned, alpha) for pair in ((control, treatment), (treatment, control)))
    if found is None or turned is None:
        assert control.variance + treatment.variance == 0
        return
    assert (turned.low, turned.high, turned.p) == (-found.high, -found.low, found.p)
    assert 0 <= found.p <= 1
    if abs(found.p - alpha) > 1e-9:
        assert (found.p < alpha) == (found.low > 0 or found.high < 0)


def test_what_says_nothing_has_no_interval() -> None:
    nobody, one, none_converted, all_converted = (proportion(*n) for n in ((0, 0), (1, 1), (50, 0), (50, 50)))
    for control, treatment in (
        (nobody, all_converted),
        (one, none_converted),
        (none_converted, none_converted),
        (none_converted, all_converted),
    ):
        assert difference(control, treatment, 100, ALPHA) is None
        assert lift(control, treatment, 100, ALPHA) is None
    some = proportion(50, 5)
    assert difference(none_converted, some, 100, ALPHA) is not None
    assert lift(none_converted, some, 100, ALPHA) is None
    assert lift(Sample(10, -1, 5), some, 100, ALPHA) is None
    assert lift(proportion(50, 50), all_converted, 100, ALPHA) is None


def test_an_interval_too_wide_for_a_float_is_infinite() -> None:
    found = lift(Sample(2, 1e-9, 1.0), Sample(2, 1e-9, 1.0), 100, ALPHA)
    assert found is not None
    assert (found.low, found.high) == (-1, math.inf)


@pytest.mark.parametrize(("base", "users_a_day"), [(0.01, 100), (0.01, 2_000), (0.05, 1_000), (0.3, 100), (0.3, 2_000)])
def test_without_an_effect_sixty_looks_find_one_at_most_at_the_stated_rate(base: float, users_a_day: int) -> None:
    planned = users_a_day * 60
    found = 0
    for seed in range(SEEDS):
        effects = (difference(*pair, planned, ALPHA) for pair in looks(seed, base, base, users_a_day))
        found += any(effect is not None and effect.p <= ALPHA for effect in effects)
    assert found / SEEDS <= ALPHA


def test_a_known_effect_is_covered_by_all_looks_at_least_at_the_stated_rate() -> None:
    differences = lifts = 0
    for seed in range(SEEDS):
        pairs = list(looks(seed, 0.05, 0.055, 1_000))
        found = [difference(*pair, 60_000, ALPHA) for pair in pairs]
        differences += all(e is not None and e.low <= 0.005 <= e.high for e in found)
        relative = [lift(*pair, 60_000, ALPHA) for pair in pairs]
        lifts += all(e is None or e.low <= 0.1 <= e.high for e in relative)
    assert differences / SEEDS >= 1 - ALPHA
    assert lifts / SEEDS >= 1 - ALPHA


def test_at_the_planned_number_the_interval_is_half_as_wide_again_as_of_one_fixed_look() -> None:
    assert critical(0.05) / 1.959964 == pytest.approx(1.55, abs=0.005)
