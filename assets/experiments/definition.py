"""An experiment as its owner defined it, out of a row of the app's database. Pure.

What does not belong here: what was counted, and what follows from it (verdict.py).
"""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from decimal import Decimal, InvalidOperation
from typing import Any, Self

# A variant with less than this share of the units is a slip of the pen: nothing would ever be known of it.
SMALLEST_SHARE = 0.0001
# A metric whose name begins with it is the better, the fewer units have it: an error, an unsubscription.
FEWER = "-"


class UnusableExperimentError(ValueError):
    """An experiment that nothing can be said of; the message says why, and what to do."""


@dataclass(frozen=True)
class Variant:
    """One variant. weight: as it is written, exact. share: of all units of the experiment."""

    key: str
    weight: Decimal
    share: float
    is_control: bool


@dataclass(frozen=True)
class Metric:
    """What is counted of each unit. A guardrail must not get worse; the primary metric decides."""

    name: str
    fewer_is_better: bool
    is_guardrail: bool


@dataclass(frozen=True)
class Experiment:
    """One experiment.

    variants: in the order of their buckets. metrics: the primary one first. minimum_exposure: units that each variant
    needs before its first verdict. planned_total: units after which it is to be decided. alpha: the chance of a wrong
    decision about the primary metric. ended_at: None while it runs or is paused.
    """

    id: Any
    key: str
    name: str
    variants: tuple[Variant, ...]
    metrics: tuple[Metric, ...]
    minimum_exposure: int
    planned_total: int
    alpha: float
    started_at: datetime
    ended_at: datetime | None

    @classmethod
    def of(cls, row: Mapping[str, Any]) -> Self:
        """The experiment of a row of `experiments/defined.sql`.

        Raises:
            UnusableExperimentError: its variants are not at least two with weights, of which one is the control, a
                metric has no name, or it is completed without an end.
        """
        if row["lacks_end"]:
            raise UnusableExperimentError("it is completed and nobody said when; set the column `ended_at`")
        return cls(
            id=row["id"],
            key=row["key"],
            name=row["name"],
            variants=_variants(row["variants"]),
            metrics=_metrics([row["primary_metric"], *row["guardrail_metrics"]]),
            minimum_exposure=row["minimum_exposure"],
            planned_total=row["planned_total"],
            alpha=row["alpha"],
            started_at=row["started_at"],
            ended_at=row["ended_at"],
        )

    @property
    def control(self) -> Variant:
        """The variant that the others are compared with."""
        return next(variant for variant in self.variants if variant.is_control)

    @property
    def treatments(self) -> tuple[Variant, ...]:
        """The variants that are compared with the control."""
        return tuple(variant for variant in self.variants if not variant.is_control)

    def alpha_of(self, metric: Metric) -> float:
        """The alpha of one comparison by a metric.

        That of the primary metric is divided by the number of comparisons, so that it holds for all of them together
        (Bonferroni). A guardrail's is not, because an overseen harm is worse than a false alarm.
        """
        return self.alpha if metric.is_guardrail else self.alpha / len(self.treatments)


def _variants(given: Any) -> tuple[Variant, ...]:
    try:
        listed = [(str(one["key"]), Decimal(str(one["weight"])), bool(one.get("is_control"))) for one in given]
        right = all(weight.is_finite() and weight > 0 for _, weight, _ in listed)
    except (AttributeError, InvalidOperation, KeyError, TypeError):
        listed, right = [], False
    of_control = sum(is_control for _, _, is_control in listed)
    if not right or len(listed) < 2 or len({key for key, _, _ in listed}) < len(listed) or of_control != 1:
        raise UnusableExperimentError(
            'its variants are not [{"key", "weight", "is_control"}, …] with different keys, weights above 0 and one'
            " control; correct the column `variants`"
        )
    whole = sum(weight for _, weight, _ in listed)
    variants = tuple(Variant(key, weight, float(weight / whole), is_control) for key, weight, is_control in listed)
    if any(variant.share < SMALLEST_SHARE for variant in variants):
        raise UnusableExperimentError(
            f"a variant has less than {SMALLEST_SHARE:.2%} of the units; correct the weights in the column `variants`"
        )
    return variants


def _metrics(names: Sequence[str]) -> tuple[Metric, ...]:
    found: dict[str, Metric] = {}
    for place, name in enumerate(names):
        bare = name.removeprefix(FEWER)
        if not bare.strip():
            raise UnusableExperimentError(
                "a metric has no name; correct the columns `primary_metric` and `guardrail_metrics`"
            )
        found.setdefault(bare, Metric(bare, name.startswith(FEWER), is_guardrail=place > 0))
    return tuple(found.values())
