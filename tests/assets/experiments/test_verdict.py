"""Verdicts over any counts: none without its reason, and none where the split is wrong."""

from dataclasses import replace
from datetime import UTC, datetime
from decimal import Decimal
from typing import Any

from hypothesis import given
from hypothesis import strategies as st

from assets.experiments.definition import Experiment, Metric, Variant
from assets.experiments.verdict import Counted, Verdict, judge

EXPERIMENT = Experiment(
    id=1,
    key="checkout",
    name="Checkout",
    variants=(
        Variant("b", Decimal(1), 0.25, False),
        Variant("a", Decimal(2), 0.5, True),
        Variant("c", Decimal(1), 0.25, False),
    ),
    metrics=(
        Metric("signup", fewer_is_better=False, is_guardrail=False),
        Metric("error", fewer_is_better=True, is_guardrail=True),
    ),
    minimum_exposure=100,
    planned_total=4_000,
    alpha=0.05,
    started_at=datetime(2026, 11, 1, tzinfo=UTC),
    ended_at=None,
)
DECIDED = {Verdict.BETTER, Verdict.WORSE}


@st.composite
def counts(draw: st.DrawFn) -> Counted:
    """Users near the planned split, or anywhere, and conversions of any of them."""
    total = draw(st.integers(0, 8_000))
    near = {"a": total // 2, "b": total // 4, "c": total // 4}
    exposed = draw(st.just(near) | st.fixed_dictionaries({name: st.integers(0, 3_000) for name in near}))
    sums = {
        (metric.name, variant): (float(converted),) * 2
        for metric in EXPERIMENT.metrics
        for variant, users in exposed.items()
        for converted in [draw(st.integers(0, users))]
        if converted
    }
    return Counted(exposed, recent=draw(st.integers(0, 100)), recent_days=7, sums=sums)


@given(counted=counts(), ended=st.booleans())
def test_every_verdict_has_its_grounds(counted: Counted, ended: bool) -> None:
    experiment = replace(EXPERIMENT, ended_at=datetime(2026, 11, 20, tzinfo=UTC) if ended else None)
    look = judge(experiment, counted)
    assert len(look.results) == 6
    for one in look.results:
        if look.mismatched:
            assert (one.verdict, one.difference, one.lift) == (Verdict.MISMATCH, None, None)
            continue
        assert one.verdict is not Verdict.MISMATCH
        assert (one.verdict is Verdict.CONTROL) == one.variant.is_control
        decided = one.difference is not None and one.difference.p <= experiment.alpha_of(one.metric)
        assert (one.verdict in DECIDED) == decided
        assert decided or one.variant.is_control or one.why
        if one.difference is not None and decided:
            assert min(counted.exposed["a"], one.sample.n) >= experiment.minimum_exposure
            more = one.difference.low > 0
            assert more or one.difference.high < 0
            assert (one.verdict is Verdict.BETTER) == (more != one.metric.fewer_is_better)
        if one.verdict is Verdict.NO_DIFFERENCE:
            assert look.exposed >= experiment.planned_total
        assert not (ended and one.verdict is Verdict.RUNNING)
    assert not (ended and look.days_left is not None)


def test_alpha_is_divided_among_the_comparisons_of_the_primary_metric_alone() -> None:
    primary, guardrail = EXPERIMENT.metrics
    assert (EXPERIMENT.alpha_of(primary), EXPERIMENT.alpha_of(guardrail)) == (0.025, 0.05)


def test_what_is_findable_shrinks_with_the_root_of_the_planned_number() -> None:
    counted = Counted(
        {"a": 1_000, "b": 500, "c": 500}, 0, 7, {("signup", name): (50.0, 50.0) for name in ("a", "b", "c")}
    )

    def findable(planned: int) -> Any:
        results = judge(replace(EXPERIMENT, planned_total=planned), counted).results
        return next(one.detectable for one in results if one.variant.key == "b")

    assert abs(findable(4_000) / findable(16_000) - 2) < 1e-9
