"""From what was counted of an experiment to what may be said about it: one result a metric and variant. Pure.

What does not belong here: the formulas (sequential.py, mismatch.py, power.py), and how results are shown (report.py).
"""

import math
from collections.abc import Mapping
from dataclasses import dataclass, field
from enum import StrEnum

from assets.experiments.definition import Experiment, Metric, UnusableExperimentError, Variant
from assets.experiments.mismatch import is_mismatch, ln_evidence
from assets.experiments.power import days_left, detectable
from assets.experiments.sequential import Effect, Sample, critical, difference, lift


class Verdict(StrEnum):
    """What may be said of a variant beside the control, by one metric."""

    CONTROL = "control"
    RUNNING = "running"
    BETTER = "better"
    WORSE = "worse"
    NO_DIFFERENCE = "no difference"
    MISMATCH = "mismatch"
    UNKNOWN = "unknown"


@dataclass(frozen=True)
class Counted:
    """What a look found of one experiment, by variant.

    exposed: units that have seen their variant. recent: those that saw it first in the last `recent_days`. sums: the
    sum of the values and of their squares, by metric and variant; absent where no unit has a value.
    """

    exposed: Mapping[str, int]
    recent: int
    recent_days: float
    sums: Mapping[tuple[str, str], tuple[float, float]] = field(default_factory=dict)

    def sample(self, metric: Metric, variant: Variant) -> Sample:
        """What is known of a variant by a metric."""
        return Sample(self.exposed.get(variant.key, 0), *self.sums.get((metric.name, variant.key), (0.0, 0.0)))


@dataclass(frozen=True)
class Result:
    """A variant by one metric. The effects are None for the control, and where nothing may be said.

    difference: the mean above the control's. lift: the same as a share of the control's. detectable: the smallest lift
    that is found with a chance of 80 % at the planned number of units. why: the reason of the verdict.
    """

    metric: Metric
    variant: Variant
    sample: Sample
    verdict: Verdict
    why: str = ""
    difference: Effect | None = None
    lift: Effect | None = None
    detectable: float | None = None


@dataclass(frozen=True)
class Look:
    """An experiment at the end of a day. days_left: None where it has ended, or nobody came lately."""

    experiment: Experiment
    exposed: int
    ln_evidence: float
    mismatched: bool
    days_left: int | None
    results: tuple[Result, ...]


def judge(experiment: Experiment, counted: Counted) -> Look:
    """What may be said of an experiment.

    Raises:
        UnusableExperimentError: units have a variant that the experiment does not list.
    """
    variants = experiment.variants
    strays = sorted(set(counted.exposed) - {variant.key for variant in variants})
    if strays:
        raise UnusableExperimentError(
            f"users have variants that it does not list ({', '.join(strays)}); list them again, or end it and begin"
            " another"
        )
    counts = [counted.exposed.get(variant.key, 0) for variant in variants]
    evidence = ln_evidence(counts, [variant.share for variant in variants])
    mismatched = is_mismatch(evidence)
    return Look(
        experiment,
        exposed=sum(counts),
        ln_evidence=evidence,
        mismatched=mismatched,
        days_left=None
        if experiment.ended_at
        else days_left(sum(counts), experiment.planned_total, counted.recent, counted.recent_days),
        results=tuple(
            _result(experiment, metric, variant, counted, mismatched=mismatched)
            for metric in experiment.metrics
            for variant in (experiment.control, *experiment.treatments)
        ),
    )


def _result(experiment: Experiment, metric: Metric, variant: Variant, counted: Counted, *, mismatched: bool) -> Result:
    control, treatment = (counted.sample(metric, one) for one in (experiment.control, variant))
    if mismatched:
        return Result(metric, variant, treatment, Verdict.MISMATCH, "users are not split as planned")
    if variant.is_control:
        return Result(metric, variant, treatment, Verdict.CONTROL)
    alpha = experiment.alpha_of(metric)
    planned = experiment.planned_total * (experiment.control.share + variant.share)
    fewest = min(control.n, treatment.n)
    if fewest < max(2, experiment.minimum_exposure):
        needed = f"{fewest:,} of at least {max(2, experiment.minimum_exposure):,} users in each variant"
        return Result(metric, variant, treatment, _undecided(experiment), needed)
    effect = difference(control, treatment, planned, alpha)
    if effect is None:
        return Result(metric, variant, treatment, Verdict.UNKNOWN, "all users have the same value; check its name")
    verdict, why = _decided(
        experiment, metric, effect, alpha, reached=sum(counted.exposed.values()) >= experiment.planned_total
    )
    return Result(
        metric,
        variant,
        treatment,
        verdict,
        why,
        effect,
        lift(control, treatment, planned, alpha),
        _detectable(experiment, variant, control, treatment, alpha),
    )


def _decided(
    experiment: Experiment, metric: Metric, effect: Effect, alpha: float, *, reached: bool
) -> tuple[Verdict, str]:
    if effect.p <= alpha:
        better = (effect.estimate > 0) != metric.fewer_is_better
        return (Verdict.BETTER if better else Verdict.WORSE), ""
    if reached:
        return Verdict.NO_DIFFERENCE, "none was found by the planned number of users"
    why = "not decided yet" if experiment.ended_at is None else "it ended before it was decided"
    return _undecided(experiment), why


def _undecided(experiment: Experiment) -> Verdict:
    return Verdict.RUNNING if experiment.ended_at is None else Verdict.UNKNOWN


def _detectable(
    experiment: Experiment, variant: Variant, control: Sample, treatment: Sample, alpha: float
) -> float | None:
    """As a share of the control's mean; None where that is not above 0."""
    if control.mean <= 0:
        return None
    standard_error = math.sqrt(
        sum(
            sample.variance / (experiment.planned_total * one.share)
            for sample, one in ((control, experiment.control), (treatment, variant))
        )
    )
    return detectable(standard_error, critical(alpha)) / control.mean
