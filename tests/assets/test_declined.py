"""How a run says why it failed: first the sentence and the next step, then, where nobody expected it, the trace."""

import errno
from collections.abc import Callable, Iterator
from typing import Any

import pytest
from dagster import (
    AssetSelection,
    AssetSpec,
    Definitions,
    ExecuteInProcessResult,
    MaterializeResult,
    ResourceDefinition,
    RetryPolicy,
    define_asset_job,
    materialize,
)
from dagster._core.execution.plan.objects import StepFailureData

import assets.integrity.assets
from assets.apps import APPS
from assets.apps.clearlift import APP
from assets.declined import NEXT
from assets.description import app_asset
from assets.rows.source import RowsChangedError
from resources.declined import DeclinedError


def decline() -> None:
    raise DeclinedError("2026Q4 is not due", "wait until 1 January")


def asset_of(decline: Callable[[], None], generates: bool) -> Any:
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
    failure = failure_of(materialize([asset_of(decline, generates)], raise_on_error=False))
    said = failure.user_failure_data
    assert said is not None
    assert said.description == "2026Q4 is not due. Next: wait until 1 January"
    assert said.metadata[NEXT].value == "wait until 1 January"
    assert failure.error is not None
    assert "DeclinedError" not in failure.error.to_string()


def breaks() -> None:
    raise RuntimeError("token=hushhush was\nrefused.")


UNEXPECTED = (
    "RuntimeError: token=[redacted] was refused. Next: `clearlift doctor` says whether each store answers; then run the"
    " same again"
)


def failure_of(run: ExecuteInProcessResult) -> StepFailureData:
    (failure,) = [event.step_failure_data for event in run.all_events if event.is_step_failure]
    return failure


@pytest.mark.parametrize("generates", [True, False])
def test_an_error_that_nobody_expected_begins_with_its_reason_and_the_next_step(generates: bool) -> None:
    failure = failure_of(materialize([asset_of(breaks, generates)], raise_on_error=False))
    assert failure.user_failure_data is not None
    assert failure.user_failure_data.description == UNEXPECTED
    assert failure.error is not None
    assert failure.error.message.splitlines() == [f"dagster._core.definitions.events.Failure: {UNEXPECTED}"]
    assert failure.error.cause is not None
    assert failure.error.cause.cls_name == "RuntimeError", "its class and its trace stay"


def test_a_check_says_it_as_an_asset_does() -> None:
    rooms = ResourceDefinition.hardcoded_resource(None)
    (rule,) = (assets.integrity.assets.rules(app) for app in APPS if app.name == "consignment")
    spec = AssetSpec(next(iter(rule.check_keys)).asset_key)
    failure = failure_of(
        Definitions([spec], asset_checks=[rule], jobs=[define_asset_job("j", AssetSelection.all_asset_checks())],
                    resources={"rooms": rooms})
        .resolve_job_def("j")
        .execute_in_process(raise_on_error=False)
    )  # fmt: skip
    assert failure.user_failure_data is not None
    assert (failure.user_failure_data.description or "").startswith(
        "AttributeError: 'NoneType' object has no attribute"
    )


def test_a_full_disk_is_said_as_what_it_is() -> None:
    def full() -> MaterializeResult[None]:
        raise OSError(errno.ENOSPC, "No space left on device", "/r2")

    asset = app_asset(APP, "events", "refused", store="r2", holds=[], kinds={"json"})(full)
    failure = failure_of(materialize([asset], raise_on_error=False))
    assert failure.user_failure_data is not None
    said = (
        "the disk is full ([Errno 28] No space left on device: '/r2'). Next: make room on it, then run the same again"
    )
    assert failure.user_failure_data.description == said


@pytest.mark.parametrize(
    ("error", "tries"), [(DeclinedError("2026Q4 is not due", "wait"), 1), (RowsChangedError("rows came"), 3)]
)
def test_only_what_may_go_well_later_is_tried_again(error: DeclinedError, tries: int) -> None:
    asked: list[str] = []

    def refused() -> MaterializeResult[None]:
        asked.append("again")
        raise error

    decorate = app_asset(
        APP, "events", "refused", store="r2", holds=[], kinds={"json"}, retry_policy=RetryPolicy(max_retries=2)
    )
    assert not materialize([decorate(refused)], raise_on_error=False).success
    assert len(asked) == tries


def test_a_question_keeps_its_mark() -> None:
    assert str(DeclinedError("did you mean X?", "correct it")) == "did you mean X? Next: correct it"


def test_several_refusals_are_one() -> None:
    both = DeclinedError.together([DeclinedError("a is late", "`clearlift run`"), DeclinedError("b is full", "wait")])
    assert str(both) == "a is late; b is full. Next: `clearlift run`; wait"
