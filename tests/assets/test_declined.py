"""An expected refusal of an asset: in the run it is a failure with the sentence and the next step, and no trace."""

from collections.abc import Iterator
from typing import Any

import pytest
from dagster import MaterializeResult, materialize

from assets.apps.clearlift import APP
from assets.declined import NEXT
from assets.description import app_asset
from resources.declined import DeclinedError


def refusing(generates: bool) -> Any:
    def decline() -> None:
        raise DeclinedError("2026Q4 is not due", "wait until 1 January")

    def returns() -> MaterializeResult[None]:
        decline()
        return MaterializeResult()

    def yields() -> Iterator[MaterializeResult[None]]:
        decline()
        yield MaterializeResult()

    decorate = app_asset(APP, "events", "refused", store="r2", holds=[], kinds={"json"})
    return decorate(yields if generates else returns)


@pytest.mark.parametrize("generates", [True, False])
def test_an_op_says_it_as_a_command_does(generates: bool) -> None:
    result = materialize([refusing(generates)], raise_on_error=False)
    (failure,) = [event.step_failure_data for event in result.all_events if event.is_step_failure]
    said = failure.user_failure_data
    assert said is not None
    assert said.description == "2026Q4 is not due. Next: wait until 1 January"
    assert said.metadata[NEXT].value == "wait until 1 January"
    assert failure.error is not None
    assert "DeclinedError" not in failure.error.to_string()
