"""What people read of an experiment: words, numbers, and no markup of others."""

import io
from dataclasses import replace
from datetime import UTC, date, datetime, timedelta
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from PIL import Image

from assets.experiments.definition import Experiment, UnusableExperimentError
from assets.experiments.plot import Interval, intervals
from assets.experiments.report import headline, markdown
from assets.experiments.verdict import Counted, judge

ROW: dict[str, Any] = {
    "id": 1,
    "key": "checkout",
    "name": "Checkout <b>now</b> | or *later*",
    "variants": [
        {"key": "old", "weight": 1, "is_control": True},
        {"key": "new", "weight": 1, "is_control": False},
    ],
    "primary_metric": "signup",
    "guardrail_metrics": ["-error|x"],
    "minimum_exposure": 100,
    "planned_total": 20_000,
    "alpha": 0.05,
    "started_at": datetime(2026, 11, 1, tzinfo=UTC),
    "ended_at": None,
    "lacks_end": False,
}
COUNTED = Counted(
    exposed={"old": 1_000, "new": 1_010},
    recent=700,
    recent_days=7,
    sums={("signup", "old"): (100, 100), ("signup", "new"): (180, 180), ("error|x", "new"): (3, 3)},
)


def test_a_look_reads_as_a_line_and_a_table() -> None:
    text = markdown(judge(Experiment.of(ROW), COUNTED), [])
    lines = text.splitlines()
    assert lines[0] == (
        "**Checkout \\<b\\>now\\</b\\> \\| or \\*later\\***: 2,010 of 20,000 users; about 180 days to go."
    )
    assert lines[4] == "| signup | old | 1,000 | 10.00% |  |  |  |  |  |"
    assert lines[5].startswith("| signup | new | 1,010 | 17.82% | +78.2% | +")
    assert lines[5].endswith("| **better** |")
    assert lines[7].startswith("| error\\|x (fewer is better), guardrail | new | 1,010 | 0.30% |  |  |")
    assert {line.replace("\\|", "").count("|") for line in lines[2:]} == {10}


def test_a_value_that_is_no_conversion_is_shown_as_a_mean() -> None:
    counted = replace(COUNTED, sums={("signup", "old"): (5_000, 90_000), ("signup", "new"): (5_050, 90_000)})
    assert "| signup | old | 1,000 | 5.00 |" in markdown(judge(Experiment.of(ROW), counted), [])


@pytest.mark.parametrize(
    ("changed", "counted", "said"),
    [
        ({}, replace(COUNTED, recent=0), "nobody new in the last 7 days."),
        ({"planned_total": 2_010}, COUNTED, "the planned number is reached."),
        ({"ended_at": datetime(2026, 11, 20, tzinfo=UTC)}, COUNTED, "ended 2026-11-20."),
        (
            {},
            replace(COUNTED, exposed={"old": 1_000, "new": 2_000}),
            "no verdict** (old 1,000 instead of about 1,500, new 2,000 instead of about 1,500).",
        ),
    ],
)
def test_the_line_says_how_it_stands(changed: dict[str, Any], counted: Counted, said: str) -> None:
    assert headline(judge(Experiment.of(ROW | changed), counted)).endswith(said)


@pytest.mark.parametrize(
    "variants",
    [
        None,
        {},
        [],
        [{"key": "a", "weight": 1, "is_control": True}],
        [{"key": "a", "weight": 1, "is_control": True}, {"key": "a", "weight": 1}],
        [{"key": "a", "weight": 1, "is_control": True}, {"key": "b", "weight": 0}],
        [{"key": "a", "weight": 1, "is_control": True}, {"key": "b", "weight": "NaN"}],
        [{"key": "a", "weight": 1, "is_control": True}, {"key": "b", "weight": "much"}],
        [{"key": "a", "weight": 1}, {"key": "b", "weight": 1}],
        [{"key": "a", "weight": 1, "is_control": True}, {"key": "b", "weight": 1, "is_control": True}],
        [{"key": "a", "weight": 1e-300, "is_control": True}, {"key": "b", "weight": 1e300}],
        ["a", "b"],
    ],
)
def test_variants_that_are_none_are_refused(variants: Any) -> None:
    with pytest.raises(UnusableExperimentError, match=r"correct the .*column `variants`"):
        Experiment.of(ROW | {"variants": variants})


@pytest.mark.parametrize("named", [{"primary_metric": "-"}, {"guardrail_metrics": ["error", ""]}])
def test_a_metric_without_a_name_is_refused(named: dict[str, Any]) -> None:
    with pytest.raises(UnusableExperimentError, match="a metric has no name"):
        Experiment.of(ROW | named)


LIFTS = st.floats(-1, 50) | st.just(float("inf"))


@given(looks=st.lists(st.tuples(LIFTS, LIFTS, LIFTS, st.sampled_from(["better", "running"])), min_size=1, max_size=5))
@settings(max_examples=40)
def test_any_looks_are_drawn(looks: list[tuple[float, float, float, str]]) -> None:
    rows = [
        Interval(date(2026, 11, 1) + timedelta(days=number), "new", sorted(lifts)[1], min(lifts), max(lifts), verdict)
        for number, (*lifts, verdict) in enumerate(looks)
    ]
    with Image.open(io.BytesIO(intervals(rows))) as drawn:
        assert drawn.size == (640, 18 * (len(rows) + 1) + 20)
