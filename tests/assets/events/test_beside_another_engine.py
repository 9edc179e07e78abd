"""Exactly once beside another engine: appends, deletes, changed columns, expiry and rollbacks, in any schedule."""

from collections.abc import Iterator

import pytest

from tests.assets.event_pipeline import Pipeline
from tests.assets.events.foreign_schedules import Schedule, with_each_pair
from tests.resources.lake.foreign import without_copies

TOGETHER = 20
STEPS = 6
PARTS = 3


@pytest.fixture(autouse=True)
def _swift() -> Iterator[None]:
    with without_copies():
        yield


@pytest.mark.parametrize("part", range(PARTS))
def test_schedules_with_each_pair_of_actions_end_with_each_row_once(pipeline: Pipeline, part: int) -> None:
    for seed in list(with_each_pair(STEPS))[part::PARTS]:
        Schedule(pipeline, seed, STEPS).play()
    assert pipeline.ledger.unbalanced() == []


@pytest.mark.parametrize("first", range(0, 60, TOGETHER))
def test_short_schedules_end_with_each_row_once(pipeline: Pipeline, first: int) -> None:
    for seed in range(first, first + TOGETHER):
        Schedule(pipeline, seed, steps=4).play()
    assert pipeline.ledger.unbalanced() == []


@pytest.mark.soak
@pytest.mark.parametrize("first", range(1_000, 11_000, TOGETHER))
def test_ten_thousand_longer_schedules_end_with_each_row_once(pipeline: Pipeline, first: int) -> None:
    for seed in range(first, first + TOGETHER):
        Schedule(pipeline, seed, steps=12).play()
    assert pipeline.ledger.unbalanced() == []
