"""Noting a run of an asset that holds personal data, before it begins.

What does not belong here: which assets hold any (the registry says it, and description.py asks).
"""

import inspect
from collections.abc import Callable, Iterator, Sequence
from dataclasses import replace
from functools import wraps
from typing import Any

from dagster import AssetExecutionContext

from assets.audit.entry import Entry
from assets.audit.note import note


def before_it(compute: Callable[..., Any], entries: Sequence[Entry]) -> Callable[..., Any]:
    """An asset's function, one of whose arguments is `rooms`, that notes entries first, with the run as the actor."""

    def noted(named: dict[str, Any]) -> None:
        run = AssetExecutionContext.get().run
        note(named["rooms"], *(replace(entry, actor=f"{run.job_name} {run.run_id}") for entry in entries))

    if inspect.isgeneratorfunction(compute):

        @wraps(compute)
        def yields(*arguments: Any, **named: Any) -> Iterator[Any]:
            noted(named)
            yield from compute(*arguments, **named)

        return yields

    @wraps(compute)
    def returns(*arguments: Any, **named: Any) -> Any:
        noted(named)
        return compute(*arguments, **named)

    return returns
