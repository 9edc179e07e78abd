"""How an op says why it failed: by Dagster's own failure, which begins with the sentence and the next step. An expected
refusal has no trace; that of an error that nobody expected stays below. And the refusal of a day that is none.

What does not belong here: the error itself (resources/declined.py) and the reasons for it, which engines know.
"""

import inspect
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from datetime import UTC, date, datetime
from functools import wraps
from textwrap import shorten
from typing import Any

from dagster import DagsterError, Failure, RetryRequested

from resources import disk
from resources.declined import DeclinedError
from resources.redaction import redact

UNEXPECTED = "`clearlift doctor` says whether each store answers; then run the same again"
LONGEST = 400
NEXT = "next"
"""The failure's metadata entry that holds the next step; only expected refusals have it."""


def plainly_declined(compute: Callable[..., Any]) -> Callable[..., Any]:
    """An op's function whose failures say what to do. Few expected refusals are worth a retry; other errors are."""
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


@contextmanager
def _declined() -> Iterator[None]:
    try:
        yield
    except (Failure, RetryRequested, DagsterError):
        raise
    except Exception as error:
        refusal = error if isinstance(error, DeclinedError) else disk.full(error)
        if refusal is None:
            # The step's failure would begin with Dagster's own words and a stack.
            raise Failure(_unexpected(error)) from error
        raise Failure(str(refusal), metadata={NEXT: refusal.next_step}, allow_retries=refusal.retryable) from None


def _unexpected(error: Exception) -> str:
    said = shorten(redact(str(error)), LONGEST, placeholder=" …") or "no message"
    return f"{type(error).__name__}: {said.rstrip('.')}. Next: {UNEXPECTED}"
