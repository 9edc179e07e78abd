"""Inference that stays valid although it is looked at every day: sufficient statistics in, an interval and p out. Pure.

The asymptotic confidence sequence of Waudby-Smith, Arbour, Sinha, Kennedy and Ramdas, "Time-uniform central limit
theory and asymptotic confidence sequences" (arXiv 2103.06476v7): equation 9 for the interval, 155 for rho, 161 for p.
With alpha 0.05 the chance that it ever excludes the truth, over all looks together, is at most 5 %.

What does not belong here: what a verdict is made of (verdict.py), and whether the split is as planned (mismatch.py).
"""

import math
from dataclasses import dataclass
from functools import cached_property


@dataclass(frozen=True)
class Sample:
    """What is known of one variant and one metric: the number of units, the sum of their values and of the squares."""

    n: int
    total: float
    squares: float

    @property
    def mean(self) -> float:
        """The mean value; nan of no unit."""
        return self.total / self.n if self.n else math.nan

    @cached_property
    def variance(self) -> float:
        """The variance between units (divided by n - 1); nan below two units."""
        return max(0.0, self.squares - self.total**2 / self.n) / (self.n - 1) if self.n > 1 else math.nan


@dataclass(frozen=True)
class Effect:
    """An estimate with its interval, both ends included, and p: the evidence against an effect of 0."""

    estimate: float
    low: float
    high: float
    p: float


def tuned(alpha: float, planned: float) -> float:
    """rho, which makes the sequence narrowest when `planned` units are in it."""
    ln_alpha = math.log(alpha)
    return math.sqrt((-2 * ln_alpha + math.log(1 - 2 * ln_alpha)) / planned)


def effect(estimate: float, variance: float, n: int, planned: float, alpha: float) -> Effect:
    """The interval and p of an estimate with the variance `variance` (above 0), made of n units."""
    rho = tuned(alpha, planned)
    grown = n * rho**2
    t = grown + 1
    half = math.sqrt(variance * 2 * t * (math.log(t) / 2 - math.log(alpha)) / grown)
    ln_p = math.log(t) / 2 - grown * estimate**2 / (2 * t * variance)
    return Effect(estimate, estimate - half, estimate + half, math.exp(min(0.0, ln_p)))


def difference(control: Sample, treatment: Sample, planned: float, alpha: float) -> Effect | None:
    """How much more the treatment's mean is; None where no unit differs from another, so that nothing is known."""
    variance = sum(sample.variance / sample.n for sample in (control, treatment) if sample.n > 1)
    if min(control.n, treatment.n) < 2 or variance <= 0:
        return None
    return effect(treatment.mean - control.mean, variance, control.n + treatment.n, planned, alpha)


def lift(control: Sample, treatment: Sample, planned: float, alpha: float) -> Effect | None:
    """How much more the treatment's mean is as a share of the control's (0.1 is 10 % more).

    It is the difference of the logarithms, by the delta method; None where a mean is not above 0.
    """
    if min(control.n, treatment.n) < 2 or control.mean <= 0 or treatment.mean <= 0:
        return None
    variance = sum(sample.variance / (sample.n * sample.mean**2) for sample in (control, treatment))
    if variance <= 0:
        return None
    found = effect(math.log(treatment.mean / control.mean), variance, control.n + treatment.n, planned, alpha)
    return Effect(_expm1(found.estimate), _expm1(found.low), _expm1(found.high), found.p)


def critical(alpha: float) -> float:
    """Half the width of the interval at the planned number of units, in standard errors of the estimate."""
    return effect(0.0, 1.0, 1, 1, alpha).high


def _expm1(value: float) -> float:
    """exp(value) - 1; infinite where a float is too small for it, as in an interval of hardly any conversions."""
    return math.expm1(value) if value < 700 else math.inf
