"""An expected refusal of an asset: in the run it is a failure with the sentence and the next step, and no trace."""

import errno
import logging
from collections.abc import Callable, Iterator
from typing import Any

import pytest
from dagster import DagsterInstance, MaterializeResult, RetryPolicy, materialize

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
    result = materialize([asset_of(decline, generates)], raise_on_error=False)
    (failure,) = [event.step_failure_data for event in result.all_events if event.is_step_failure]
    said = failure.user_failure_data
    assert said is not None
    assert said.description == "2026Q4 is not due. Next: wait until 1 January"
    assert said.metadata[NEXT].value == "wait until 1 January"
    assert failure.error is not None
    assert "DeclinedError" not in failure.error.to_string()


@pytest.mark.parametrize("generates", [True, False])
def test_the_first_error_of_a_run_says_what_happened_and_what_to_do_next(generates: bool) -> None:
    def fails() -> None:
        raise RuntimeError("token=hushhush was\nrefused.")

    with DagsterInstance.ephemeral() as instance:
        result = materialize([asset_of(fails, generates)], instance=instance, raise_on_error=False)
        entries = [record.event_log_entry for record in instance.get_records_for_run(result.run_id).records]
    (failure,) = [event.step_failure_data for event in result.all_events if event.is_step_failure]
    assert failure.error is not None
    assert "RuntimeError" in failure.error.to_string(), "its class and its trace stay"
    errors = [entry for entry in entries if int(entry.level) >= logging.ERROR]
    said = "RuntimeError: token=[redacted] was refused. Next: `clearlift doctor` says whether each store answers;"
    assert errors[0].user_message.startswith(said)
    assert not any(word in entry.user_message for entry in entries for word in ("hushhush",))


def test_a_full_disk_is_said_as_what_it_is() -> None:
    def full() -> MaterializeResult[None]:
        raise OSError(errno.ENOSPC, "No space left on device", "/r2")

    asset = app_asset(APP, "events", "refused", store="r2", holds=[], kinds={"json"})(full)
    result = materialize([asset], raise_on_error=False)
    (failure,) = [event.step_failure_data for event in result.all_events if event.is_step_failure]
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


def test_several_refusals_are_one() -> None:
    both = DeclinedError.together([DeclinedError("a is late", "`clearlift run`"), DeclinedError("b is full", "wait")])
    assert str(both) == "a is late; b is full. Next: `clearlift run`; wait"
