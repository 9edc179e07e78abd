"""Which refused lines a command works on: the options that choose them, over every app and kind.

What does not belong here: what is done with them (quarantine.py), and refused images (media.py).
"""

from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from datetime import datetime
from typing import Any, TypeVar

import click

import assets.cache.refused
import assets.events.refused
import assets.points.refused
from assets.apps import APPS, App
from assets.audit.entry import Act
from assets.intake.quarantine import Quarantine
from assets.intake.refused_lines import Batch, RefusedLine, Selection, SeveralBatchesError
from assets.rooms import Rooms
from assets.windows import midnight
from clearlift_pipelines import settings
from clearlift_pipelines.cli.noted import noted
from clearlift_pipelines.stores import Stores
from resources.declined import DeclinedError

T = TypeVar("T")

KINDS: Mapping[str, Callable[[Rooms, App, datetime], Quarantine | None]] = {
    "events": assets.events.refused.quarantine,
    "points": lambda rooms, app, _: assets.points.refused.quarantine(rooms, app),
    "access": lambda rooms, app, _: assets.cache.refused.quarantine(rooms, app),
}
SEE_LIST = "`clearlift quarantine list` shows what there is"
APP = click.option("--app", type=click.Choice([app.name for app in APPS]), help="Only lines of one app.")
KIND = click.option(
    "--kind", type=click.Choice([*KINDS]), help="Only events, points of sessions, or lines of access logs."
)
_SELECTION = (
    click.option("--reason", help="Only lines of one reason."),
    click.option("--field", help="Only lines of which this field was wrong."),
    click.option("--value", help="Only lines whose --field holds this."),
    click.option("--batch", help="Only lines of one batch: its key, or the start of its checksum."),
)


def selection_options(command: Callable[..., T]) -> Callable[..., T]:
    """Gives the parameters reason, field, value, batch, app and kind."""
    for option in reversed((*_SELECTION, APP, KIND)):
        command = option(command)
    return command


@dataclass(frozen=True)
class Choice:
    """The quarantine of an app and a kind, and how its lines are chosen on the command line. stores: it lies there."""

    app: str
    kind: str
    quarantine: Quarantine
    stores: Stores

    @property
    def options(self) -> str:
        return f"--app {self.app} --kind {self.kind}"


def selection(**given: Any) -> Selection:
    """What the options choose.

    Raises:
        click.UsageError: a value without its field, or an empty name of a batch.
    """
    if given["batch"] == "":
        raise click.UsageError("the batch is empty: name one by its key, or by the start of its checksum")
    if given["value"] is not None and given["field"] is None:
        raise click.UsageError("--value needs --field, which says whose value it is")
    return Selection(**given)


@contextmanager
def choices(app_name: str | None, kind: str | None) -> Iterator[list[Choice]]:
    """The quarantines of one app or all, of one kind or all."""
    with Stores(settings.load()) as stores:
        earliest = midnight(stores.settings.partitions_start)
        made = (
            (app.name, name, make(stores, app, earliest))
            for app in APPS
            for name, make in KINDS.items()
            if app_name in (None, app.name) and kind in (None, name)
        )
        yield [Choice(app, name, quarantine, stores) for app, name, quarantine in made if quarantine is not None]


def matching(chosen: list[Choice], wanted: Selection) -> list[tuple[Choice, list[RefusedLine]]]:
    """The quarantines that have such lines, with these.

    Raises:
        DeclinedError: values of the field are personal, so that nobody may choose by them; or the batch's name stands
            for several batches.
    """
    if wanted.value is not None and not any(wanted.field in choice.quarantine.shown for choice in chosen):
        raise DeclinedError(
            f"values of {wanted.field} may be personal, so they are not recorded", "choose by --batch or --reason"
        )
    every = [(choice, choice.quarantine.refusals.lines(wanted)) for choice in chosen]
    found = [(choice, lines) for choice, lines in every if lines]
    batches: set[Batch] = {line.batch for _, lines in found for line in lines}
    if wanted.batch is not None and len(batches) > 1:
        raise SeveralBatchesError(wanted.batch, batches)
    return found


def note_lines(choice: Choice, act: Act, lines: int) -> None:
    """Note in the audit trail that refused lines are read or changed."""
    noted(choice.stores, act, choice.app, "r2", f"refused {choice.kind}", rows=lines)


def only(found: Sequence[tuple[Choice, Sequence[RefusedLine]]]) -> tuple[Choice, Sequence[RefusedLine]]:
    """The one quarantine of these."""
    if len(found) > 1:
        raise click.UsageError(f"say which of these lines: {'; or '.join(choice.options for choice, _ in found)}")
    return found[0]


def no_lines(wanted: Selection) -> DeclinedError:
    """Nothing agrees with what was chosen."""
    given = {"reason": wanted.reason, "field": wanted.field, "value": wanted.value, "batch": wanted.batch}
    named = " and ".join(f"{name} {value!r}" for name, value in given.items() if value is not None)
    return DeclinedError(f"no refused lines of {named}", SEE_LIST)
