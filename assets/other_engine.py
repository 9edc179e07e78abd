"""Another engine, such as Spark, to which heavy days are handed over Dagster Pipes: how it is started, what it answers.

It gets a task as plain JSON: the data files that it reads, their columns by field id, and the places of the files that
it writes. It never commits. What comes back is proved by who handed it over (`LakeTable.proved`, counts of rows). What
belongs here: starting the engine. What does not: the tasks (assets/compaction, assets/rollups), and the program that
runs there (deploy/spark). Dagster is imported when it is started: engines serve commands too, which start without it.
"""

import os
import warnings
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from importlib import import_module
from typing import TYPE_CHECKING, Any

from resources.counts import counted
from resources.declined import DeclinedError

if TYPE_CHECKING:
    from dagster import AssetExecutionContext

OURS = "CLEARLIFT_"
Task = Mapping[str, Any]
Said = Mapping[str, Any]
# Starts the engine for the asset of a context, waits for its end, and returns what the program reported.
Launch = Callable[["AssetExecutionContext", Task], Sequence[Said]]


class OtherEngineError(DeclinedError):
    """The other engine did not do a task. Nothing was committed; what it wrote is swept."""

    retryable = True


@dataclass(frozen=True)
class Elsewhere:
    """The other engine within the run of an asset. Days whose files have `from_bytes` together are heavy."""

    from_bytes: int
    start: Callable[[Task], Sequence[Said]]

    def do(self, task: Task, answers: int) -> Sequence[Said]:
        """Have a task done; what the program reported, of which so many answers are due.

        Raises:
            OtherEngineError: it failed, or reported something else.
        """
        said = self.start(task)
        if len(said) != answers:
            raise _failed(f"{counted(len(said), 'answer')} instead of {answers}")
        return said


@dataclass(frozen=True)
class OtherEngine:
    """The other engine of the settings."""

    launch: Launch
    from_bytes: int

    def within(self, context: "AssetExecutionContext") -> Elsewhere:
        """The engine for the run of an asset, in whose log its output is."""
        from dagster._core.errors import DagsterPipesExecutionError

        def start(task: Task) -> Sequence[Said]:
            try:
                return self.launch(context, task)
            except DagsterPipesExecutionError as error:
                raise _failed(str(error)) from error

        return Elsewhere(self.from_bytes, start)


def within(engine: OtherEngine | None, context: "AssetExecutionContext") -> Elsewhere | None:
    """The engine for the run of an asset, where there is one."""
    return None if engine is None else engine.within(context)


def by_command(words: Sequence[str]) -> Launch:
    """A launch of a command of this machine, such as spark-submit, whose master may be a cluster.

    The command gets none of our settings: it needs the lake's files alone, with credentials of its own.
    """

    def launch(context: "AssetExecutionContext", task: Task) -> Sequence[Said]:
        from dagster import PipesSubprocessClient, PreviewWarning

        # Dagster 1.13 asks itself for a part of Pipes that is in preview.
        warnings.filterwarnings("ignore", category=PreviewWarning)
        blank = {name: "" for name in os.environ if name.startswith(OURS)}
        # The op's context, because Dagster 1.13 asks the asset's for what it calls deprecated itself.
        step = context.op_execution_context
        done = PipesSubprocessClient(env=blank).run(context=step, command=list(words), extras=dict(task))
        return list(done.get_custom_messages())

    return launch


def by_name(name: str) -> Launch:
    """The launch `module:function`, for any other client of Dagster Pipes.

    Raises:
        ValueError: there is none of that name.
    """
    module, _, function = name.partition(":")
    try:
        found = getattr(import_module(module), function)
    except (ImportError, AttributeError, ValueError):
        raise ValueError(f"{name} cannot be imported; write MODULE:FUNCTION of a module on the Python path") from None
    launch: Launch = found
    return launch


def _failed(why: str) -> OtherEngineError:
    return OtherEngineError(
        f"the other engine did not do its task: {why}",
        "look at its output in the log of this run; without CLEARLIFT_PIPES_COMMAND and CLEARLIFT_PIPES_LAUNCHER our "
        "own engine does the work",
    )
