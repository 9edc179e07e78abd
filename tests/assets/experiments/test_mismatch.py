"""The test of the split beside measured evidence, and over splits whose truth is known."""

import math
from collections.abc import Sequence

import pytest
from hypothesis import given
from hypothesis import strategies as st

from assets.experiments.mismatch import is_mismatch, ln_bayes_factor, ln_evidence
from tests.assets.experiments.worlds import splits

SEEDS = 1_000


@pytest.mark.parametrize(("counts", "expected"), [((51_000, 49_000), 16.98), ((50_500, 49_500), 3.35)])
def test_a_factor_is_the_measured_one(counts: tuple[int, int], expected: float) -> None:
    assert ln_bayes_factor(counts, (0.5, 0.5), 10_000) == pytest.approx(expected, abs=0.005)


def mismatched(counts: Sequence[int], shares: Sequence[float]) -> bool:
    return is_mismatch(ln_evidence(counts, shares))


def accused(share: float) -> float:
    """How many of the splits are ever accused, in 60 looks to 100,000 users."""
    return sum(any(mismatched(counts, (0.5, 0.5)) for counts in splits(seed, share)) for seed in range(SEEDS)) / SEEDS


def test_a_right_split_is_accused_at_most_once_in_a_hundred() -> None:
    assert accused(0.5) <= 0.01


def test_51_to_49_is_caught() -> None:
    assert accused(0.51) >= 0.99


@pytest.mark.parametrize("counts", [(300, 600), (100, 30), (60, 0)])
def test_a_gross_mismatch_is_caught_among_a_few_hundred_users(counts: tuple[int, int]) -> None:
    assert mismatched(counts, (0.5, 0.5))


def test_nobody_is_no_evidence() -> None:
    assert ln_evidence((0, 0, 0), (0.2, 0.3, 0.5)) == pytest.approx(0, abs=1e-12)


@given(shares=st.lists(st.floats(0.05, 1), min_size=2, max_size=5), users=st.integers(0, 10**6))
def test_a_perfect_split_speaks_for_the_plan_whatever_the_shares(shares: list[float], users: int) -> None:
    planned = [share / sum(shares) for share in shares]
    assert ln_evidence([round(users * share) for share in planned], planned) <= 1e-3
    if users > 200_000:
        assert mismatched([users, *(0 for _ in planned[1:])], planned)


def test_the_order_of_variants_does_not_matter() -> None:
    assert ln_evidence((700, 200), (0.8, 0.2)) == pytest.approx(ln_evidence((200, 700), (0.2, 0.8)))


@pytest.mark.parametrize(("counts", "shares"), [((1, 2), (1.0,)), ((1, 2), (0.5, 0.4)), ((1, 2), (1.0, 0.0))])
def test_shares_that_are_none_are_refused(counts: tuple[int, ...], shares: tuple[float, ...]) -> None:
    with pytest.raises(ValueError, match="each variant has one count and one share"):
        ln_evidence(counts, shares)


def test_evidence_is_finite_for_any_count() -> None:
    assert math.isfinite(ln_evidence((10**9, 10**9), (0.5, 0.5)))
