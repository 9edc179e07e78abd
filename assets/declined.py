"""How an op says an expected refusal: Dagster's own failure, with the sentence and the next step, and no trace; how it
says an error that nobody expected, before Dagster's trace; and the refusal of a configuration that names no day.

What does not belong here: the error itself (resources/declined.py) and the reasons for it, which engines know.
"""

import inspect
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from datetime import UTC, date, datetime
from functools import wraps
from textwrap import shorten
from typing import Any

from dagster import DagsterError, Failure, RetryRequested, get_dagster_logger

from resources import disk
from resources.declined import DeclinedError
from resources.redaction import redact

UNEXPECTED = "`clearlift doctor` says whether each store answers; then run the same again"
LONGEST = 400
NEXT = "next"
"""The failure's metadata entry that holds the next step; only expected refusals have it."""


def plainly_declined(compute: Callable[..., Any]) -> Callable[..., Any]:
    """An asset's function whose expected refusals are failures that say what to do. Few are worth a retry."""
    if inspect.isgeneratorfunction(compute):

        @wraps(compute)
        def yields(*arguments: Any, **named: Any) -> Iterator[Any]:
            with _declined():
                yield from compute(*arguments, **named)

        return yields

    @wraps(compute)
    def returns(*arguments: Any, **named: Any) -> Any:
        with _declined():
            return compute(*arguments, **named)

    return returns


def given_day(name: str, text: str) -> date:
    """The day that a field of an asset's configuration names.

    Raises:
        DeclinedError: it names none.
    """
    try:
        return datetime.strptime(text, "%Y-%m-%d").replace(tzinfo=UTC).date()
    except ValueError:
        raise DeclinedError(f"{name} {text!r} is no day", "give it as YYYY-MM-DD") from None


def _say(error: Exception) -> None:
    """Log what an error says and what to do next, because the failure of a step begins with Dagster's own words."""
    if isinstance(error, Failure | RetryRequested | DagsterError):
        return
    said = shorten(redact(str(error)), LONGEST, placeholder=" …") or "no message"
    get_dagster_logger().error(f"{type(error).__name__}: {said.rstrip('.')}. Next: {UNEXPECTED}")


@contextmanager
def _declined() -> Iterator[None]:
    try:
        yield
    except Exception as error:
        refusal = error if isinstance(error, DeclinedError) else disk.full(error)
        if refusal is None:
            _say(error)
            raise
        raise Failure(str(refusal), metadata={NEXT: refusal.next_step}, allow_retries=refusal.retryable) from None
