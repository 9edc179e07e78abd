"""`clearlift quarantine`: refused lines of every app, and their way back.

What does not belong here: refused images (media.py), and what a replay does (assets/intake/quarantine.py).
"""

from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager
from dataclasses import asdict
from pathlib import Path
from typing import IO, Any

import click
from rich.console import Console
from rich.table import Column, Table

import assets.cache.refused
import assets.events.refused
import assets.points.refused
from assets.apps import APPS, App
from assets.intake.quarantine import OpenLine, Quarantine
from assets.rooms import Rooms
from clearlift_pipelines import settings
from clearlift_pipelines.stores import Stores

KINDS: Mapping[str, Callable[[Rooms, App], Quarantine | None]] = {
    "events": assets.events.refused.quarantine,
    "points": assets.points.refused.quarantine,
    "access": assets.cache.refused.quarantine,
}
BY_REASON = ("lines", "batches", "reason", "field", "example")
ONE_BY_ONE = ("object_key", "line", "reason", "field")
SEE_LIST = "clearlift quarantine list shows what there is"

# An app and a kind: what a quarantine is chosen by.
Choice = tuple[str, str]

REASON = click.option("--reason", help="Only lines of one reason.")
BATCH = click.option("--batch", help="Only lines of one batch: its key, or the start of its checksum.")
APP = click.option("--app", type=click.Choice([app.name for app in APPS]), help="Only lines of one app.")
KIND = click.option(
    "--kind", type=click.Choice([*KINDS]), help="Only events, points of sessions, or lines of access logs."
)


@click.group()
def quarantine() -> None:
    """List refused lines, or land them again."""


@quarantine.command(name="list")
@REASON
@BATCH
@APP
@KIND
def list_lines(reason: str | None, batch: str | None, app: str | None, kind: str | None) -> None:
    """What is refused: by reason, or line by line for a reason or a batch."""
    rows: list[tuple[Choice, dict[str, Any]]] = []
    one_by_one = reason is not None or batch is not None
    with _quarantines(app, kind) as chosen:
        for choice, refused in chosen.items():
            ledger = refused.refusals
            of_choice = map(asdict, ledger.open_lines(reason, batch)) if one_by_one else ledger.summary()
            rows += [(choice, row) for row in of_choice]
    if not rows:
        if one_by_one:
            raise _no_lines(reason or batch)
        click.echo("Nothing is refused.")
        return
    columns = ONE_BY_ONE if one_by_one else BY_REASON
    choices = {choice for choice, _ in rows}
    # The events of one app need no columns that tell them from others.
    names = columns if len(choices) == 1 and choices.pop()[1] == "events" else ("app", "kind", *columns)
    table = Table(*(Column(name, overflow="fold") for name in names), box=None)
    for (app_name, its_kind), row in rows:
        cells = {"app": app_name, "kind": its_kind, **row}
        table.add_row(*(str(cells[name]) for name in names))
    Console().print(table)


@quarantine.command()
@REASON
@BATCH
@APP
@KIND
@click.option(
    "--corrected",
    type=click.Path(exists=True, dir_okay=False, path_type=Path),
    help="A file of corrected lines that take the place of the chosen ones.",
)
@click.option("--mended", type=click.Path(exists=True, dir_okay=False, path_type=Path), hidden=True)
@click.option("--all", "everything", is_flag=True, help="Every refused line.")
def replay(
    reason: str | None,
    batch: str | None,
    app: str | None,
    kind: str | None,
    corrected: Path | None,
    mended: Path | None,
    everything: bool,
) -> None:
    """Land refused lines again: as they are, because their cause is gone, or corrected."""
    if not (reason or batch or everything):
        raise click.UsageError("say which lines: --reason, --batch or --all")
    file = corrected or mended
    with _quarantines(app, kind) as chosen:
        matching = _matching(chosen, reason, batch)
        if not matching:
            if reason or batch:
                raise _no_lines(reason or batch)
            click.echo("Nothing to replay.")
            return
        refused, lines = _only(matching)
        done = refused.replay(reason, batch, file.read_bytes().split(b"\n") if file else None)
    if not done.object_keys:
        raise click.ClickException(
            f"{len(lines)} whole batches cannot be read, {lines[0].object_key} for one; correct a copy and land it "
            f"instead: clearlift quarantine replay --batch {lines[0].sha256[:16]} --corrected FILE"
        )
    click.echo(f"{done.lines} lines landed again as {', '.join(done.object_keys)}")


@quarantine.command()
@click.argument("batch")
@click.argument("file", type=click.File("wb"))
@APP
@KIND
def export(batch: str, file: IO[bytes], app: str | None, kind: str | None) -> None:
    """Write the original bytes of a batch's refused lines to FILE (- for standard output), to correct them."""
    if not batch:
        raise click.UsageError("BATCH is empty: name one by its key, or by the start of its checksum")
    with _quarantines(app, kind) as chosen:
        matching = _matching(chosen, None, batch)
        if not matching:
            raise _no_lines(batch)
        refused, lines = _only(matching)
        if not lines[0].line:
            raise click.ClickException(f"{lines[0].object_key} cannot be read: its bytes lie there, whole")
        content = [raw + b"\n" for _, raw in refused.raw(lines)]
    file.writelines(content)


@contextmanager
def _quarantines(app_name: str | None, only: str | None) -> Iterator[dict[Choice, Quarantine]]:
    """The quarantines of one app or all, of one kind or all."""
    with Stores(settings.load()) as stores:
        every = {
            (app.name, kind): make(stores, app)
            for app in APPS
            for kind, make in KINDS.items()
            if app_name in (None, app.name) and only in (None, kind)
        }
        yield {choice: refused for choice, refused in every.items() if refused is not None}


def _matching(
    chosen: Mapping[Choice, Quarantine], reason: str | None, batch: str | None
) -> dict[Choice, tuple[Quarantine, list[OpenLine]]]:
    """The quarantines that have such open lines, with these."""
    every = {choice: (refused, refused.refusals.open_lines(reason, batch)) for choice, refused in chosen.items()}
    return {choice: (refused, lines) for choice, (refused, lines) in every.items() if lines}


def _only(matching: Mapping[Choice, tuple[Quarantine, list[OpenLine]]]) -> tuple[Quarantine, list[OpenLine]]:
    if len(matching) > 1:
        choices = "; or ".join(f"--app {app} --kind {kind}" for app, kind in matching)
        raise click.UsageError(f"say which of these lines: {choices}")
    return next(iter(matching.values()))


def _no_lines(name: str | None) -> click.ClickException:
    return click.ClickException(f"no refused lines of {name!r}: {SEE_LIST}")
