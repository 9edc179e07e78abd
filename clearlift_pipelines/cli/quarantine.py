"""`clearlift quarantine`: refused lines of every app, and their way back.

What does not belong here: how lines are chosen (refused_lines.py), refused images (media.py), and what a replay does
(assets/intake/quarantine.py).
"""

from collections.abc import Iterable, Sequence
from dataclasses import asdict
from pathlib import Path
from typing import IO

import click

from assets.intake.correction import Correction
from assets.intake.quarantine import Replayed
from assets.intake.refused_lines import Batch, RefusedLine
from clearlift_pipelines.cli.new_file import NewFile
from clearlift_pipelines.cli.refused_lines import (
    APP,
    KIND,
    Choice,
    choices,
    matching,
    no_lines,
    note_lines,
    only,
    selection,
    selection_options,
)
from clearlift_pipelines.cli.tables import Columns, printed
from resources.counts import counted
from resources.declined import DeclinedError
from resources.r2 import ObjectNotFoundError

OF = ("app", "kind")


def _columns(name: str, options: str, *names: str) -> Columns:
    return Columns(name, f"quarantine list{options}", {name: name for name in (*OF, *names)})


BY_REASON = _columns("refused", "", "lines", "batches", "reason", "field", "value", "example")
ONE_BY_ONE = _columns("lines", " --reason REASON", "object_key", "line", "reason", "field", "value")
CLOSED = _columns("closed", " --closed", "object_key", "line", "reason", "replayed_at", "replayed_as")
NEXT = "Next: clearlift run --no-sample, or wait for the landing sensor (make ui)."


@click.group()
def quarantine() -> None:
    """List refused lines, land them again, or open again what was closed wrongly.

    Example: clearlift quarantine list
    """


@quarantine.command(name="list")
@selection_options
@click.option("--closed", is_flag=True, help="Lines that were replayed, and what they landed as.")
@printed
def list_lines(app: str | None, kind: str | None, closed: bool, **given: str | None) -> None:
    """What is refused: by reason, field and value, or line by line where lines are chosen.

    Values are shown only of fields that say nothing about a person.

    \b
    Example: clearlift quarantine list --reason bad_json
    Example: clearlift quarantine list --closed --json
    """
    wanted = selection(**given, state="closed" if closed else "open")
    one_by_one = closed or any(value is not None for value in given.values())
    with choices(app, kind) as chosen:
        if one_by_one:
            found = matching(chosen, wanted)
            for choice, lines in found:
                note_lines(choice, "read", len(lines))
            rows = [(choice, asdict(line)) for choice, lines in found for line in lines]
        else:
            rows = [(choice, {**row}) for choice in chosen for row in choice.quarantine.refusals.summary()]
    if not rows and any(value is not None for value in given.values()):
        raise no_lines(wanted)
    table = (CLOSED if closed else ONE_BY_ONE if one_by_one else BY_REASON).table()
    for choice, row in rows:
        cells = {"app": choice.app, "kind": choice.kind, **row}
        table.add(**{name: cells[name] for name in table.columns.heads})
    kinds = {(choice.app, choice.kind) for choice, _ in rows}
    # The events of one app need no columns that tell them from others.
    without = OF if len(kinds) == 1 and kinds.pop()[1] == "events" else ()
    table.show("Nothing was replayed." if closed else "Nothing is refused.", without=without)


@quarantine.command()
@selection_options
@click.option(
    "--corrected",
    type=click.Path(exists=True, dir_okay=False, path_type=Path),
    help="A file of corrected lines that take the place of the chosen ones: NDJSON, plain or gzip.",
)
@click.option("--mended", type=click.Path(exists=True, dir_okay=False, path_type=Path), hidden=True)
@click.option("--fewer", is_flag=True, help="The corrected lines may be fewer than the chosen ones.")
@click.option("--all", "everything", is_flag=True, help="Every refused line.")
def replay(
    app: str | None,
    kind: str | None,
    corrected: Path | None,
    mended: Path | None,
    fewer: bool,
    everything: bool,
    **given: str | None,
) -> None:
    """Land refused lines again: those whose cause is gone, or corrected ones in their place.

    \b
    Example: clearlift quarantine replay --reason bad_json
    Example: clearlift quarantine replay --batch 3f2a9c --corrected corrected.ndjson
    """
    if not (everything or any(given.values())):
        raise click.UsageError("say which lines: --reason, --field, --batch or --all")
    wanted, file = selection(**given), corrected or mended
    with choices(app, kind) as chosen:
        landing = matching(chosen, selection(**given, state="landing"))
        found = matching(chosen, wanted) or landing
        if not found:
            if not everything:
                raise no_lines(wanted)
            click.echo("Nothing to replay.")
            return
        choice, _ = only(found)
        if file is None:
            done = choice.quarantine.replay(wanted)
        else:
            done = choice.quarantine.correct(wanted, Correction.of(file), fewer=fewer)
            if done.closed:
                click.echo(f"{done.closed:,} chosen, {done.landed:,} given")
        note_lines(choice, "changed", done.landed)
    _report(done)


@quarantine.command()
@click.argument("batch")
@click.argument("file", type=NewFile())
@APP
@KIND
def export(batch: str, file: IO[bytes], app: str | None, kind: str | None) -> None:
    """Write the original bytes of a batch's refused lines to FILE (- for standard output), to correct them.

    Of a batch that cannot be read at all, these are the bytes of the whole object as it landed.

    Example: clearlift quarantine export 3f2a9c refused.ndjson
    """
    wanted = selection(reason=None, field=None, value=None, batch=batch)
    with choices(app, kind) as chosen:
        found = matching(chosen, wanted)
        if not found:
            raise no_lines(wanted)
        choice, lines = only(found)
        note_lines(choice, "read", len(lines))
        try:
            file.writelines(_bytes(choice, lines))
        except ObjectNotFoundError as error:
            raise DeclinedError(f"its bytes are missing ({error})", "land a copy: `clearlift land FILE`") from None


@quarantine.command()
@click.argument("batch")
@APP
@KIND
def reopen(batch: str, app: str | None, kind: str | None) -> None:
    """Open lines again whose replay was wrong. BATCH is what the replay landed, or the refused batch.

    All lines of the replay are opened. Lines that were refused of the replay itself are closed, because they came in
    the place of these.

    Example: clearlift quarantine reopen landing/events/2026/03/01/12/replay-1
    """
    if not batch:
        raise click.UsageError("BATCH is empty: name one by its key, or by the start of its checksum")
    with choices(app, kind) as chosen:
        found = [(choice, lines) for choice in chosen if (lines := choice.quarantine.closed(batch))]
        if not found:
            raise DeclinedError(
                f"{batch!r} names no replayed lines", "`clearlift quarantine list --closed` shows what there is"
            )
        choice, _ = only(found)
        opened = choice.quarantine.reopen(batch)
    click.echo(f"{counted(len(opened), 'line')} open again")
    for sha256 in dict.fromkeys(line.sha256[:16] for line in opened):
        click.echo(f"Next: clearlift quarantine list --batch {sha256}")


def _bytes(choice: Choice, lines: Sequence[RefusedLine]) -> Iterable[bytes]:
    if lines[0].line:
        return (raw + b"\n" for _, raw in choice.quarantine.raw(lines))
    return choice.quarantine.whole(lines[0].batch)


def _report(done: Replayed) -> None:
    for folder in done.finished:
        click.echo(f"A replay that was interrupted is finished: it landed as {folder}")
    if done.object_keys:
        click.echo(f"{counted(done.landed, 'line')} landed again as {', '.join(done.object_keys)}")
        for folder in dict.fromkeys(key.rpartition("/")[0] for key in done.object_keys):
            click.echo(f"Should it be wrong: clearlift quarantine reopen {folder}")
        click.echo(NEXT)
    left = []
    if done.left:
        left.append(_left(f"the cause of {counted(len(done.left), 'line')} is still there", done.left[0].batch))
    if done.whole:
        left.append(_left(f"{counted(len(done.whole), 'batch', 'batches')} cannot be read at all", done.whole[0]))
    if left and not (done.object_keys or done.finished):
        raise DeclinedError.together(left)
    if left:
        click.echo(f"Left: {DeclinedError.together(left)}", err=True)


def _left(why: str, batch: Batch) -> DeclinedError:
    name = batch.sha256[:16]
    return DeclinedError(
        f"{why}, of {batch.object_key} for one",
        f"`clearlift quarantine export {name} FILE`, correct it, then "
        f"`clearlift quarantine replay --batch {name} --corrected FILE`",
    )
