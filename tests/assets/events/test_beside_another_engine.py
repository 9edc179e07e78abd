"""Exactly once beside another engine: appends, deletes, changed columns, expiry and rollbacks, in any schedule."""

import pytest

from tests.assets.event_pipeline import Pipeline
from tests.assets.events.foreign_schedules import Schedule

TOGETHER = 20


@pytest.mark.parametrize("first", range(0, 200, TOGETHER))
def test_any_schedule_ends_with_each_row_once(pipeline: Pipeline, first: int) -> None:
    for seed in range(first, first + TOGETHER):
        Schedule(pipeline, seed, steps=4).play()
    assert pipeline.ledger.unbalanced() == []


@pytest.mark.soak
@pytest.mark.parametrize("first", range(1_000, 11_000, TOGETHER))
def test_ten_thousand_longer_schedules_end_with_each_row_once(pipeline: Pipeline, first: int) -> None:
    for seed in range(first, first + TOGETHER):
        Schedule(pipeline, seed, steps=12).play()
    assert pipeline.ledger.unbalanced() == []
