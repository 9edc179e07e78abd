"""How an op says an expected refusal: Dagster's own failure, with the sentence and the next step, and no trace; and
the refusal of a configuration that names no day.

What does not belong here: the error itself (resources/declined.py) and the reasons for it, which engines know.
"""

import inspect
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from datetime import UTC, date, datetime
from functools import wraps
from typing import Any

from dagster import Failure

from resources import disk
from resources.declined import DeclinedError

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


@contextmanager
def _declined() -> Iterator[None]:
    try:
        yield
    except Exception as error:
        refusal = error if isinstance(error, DeclinedError) else disk.full(error)
        if refusal is None:
            raise
        raise Failure(str(refusal), metadata={NEXT: refusal.next_step}, allow_retries=refusal.retryable) from None
