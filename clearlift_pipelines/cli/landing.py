"""`clearlift land` and `clearlift quarantine`: event files on their way in, and refused lines on their way back."""

import hashlib
import re
from collections.abc import Iterator
from pathlib import Path
from typing import IO

import click
from rich.console import Console
from rich.progress import track
from rich.table import Column, Table

from assets.events import landing
from assets.events import quarantine as refused
from clearlift_pipelines import settings
from clearlift_pipelines.stores import Stores, utc_now
from resources.r2 import ObjectStore

ENDINGS = (".ndjson", ".jsonl", ".json", ".ndjson.gz", ".jsonl.gz")
# A plain file above this is landed in parts, cut at line ends.
PART_BYTES = 64 * 2**20
RECEIPTS = "landing/receipts/"

NO_LINES = "no refused lines of"
SEE_LIST = "clearlift quarantine list shows what there is"


@click.command()
@click.argument("files", nargs=-1, required=True, type=click.Path(exists=True, path_type=Path))
def land(files: tuple[Path, ...]) -> None:
    """Put event files (NDJSON, plain or gzip; folders are searched) into the landing zone, under the hour of now."""
    stores = Stores(settings.load())
    try:
        given = [file for each in files for file in _files(each)]
        found = [file for file in given if file.name.endswith(ENDINGS)]
        if not found:
            raise click.ClickException(f"no event files ({', '.join(ENDINGS)}) in {', '.join(map(str, files))}")
        if len(given) > len(found):
            click.echo(f"{len(given) - len(found)} files skipped: an event file ends in {', '.join(ENDINGS)}", err=True)
        prefix = landing.hour_prefix(utc_now())
        landed, known = [], 0
        for file in track(found, "landing", console=Console(stderr=True)):
            if not file.stat().st_size:
                click.echo(f"{file} is empty", err=True)
            for part in _parts(file):
                key, is_new = _put(stores.object_store, prefix, file.name, part)
                landed += [key] if is_new else []
                known += not is_new
        click.echo(f"{len(landed)} batches landed of {len(found)} files under {prefix}")
        if known:
            click.echo(f"{known} batches had been landed before")
        if landed:
            click.echo("Next: clearlift run --no-sample, or wait for the landing sensor (make ui).")
    finally:
        stores.close()


@click.group()
def quarantine() -> None:
    """List refused lines, or land them again."""


@quarantine.command(name="list")
@click.option("--reason", help="Lines of one reason, one by one.")
@click.option("--batch", help="Lines of one batch: its key, or the start of its checksum.")
def list_lines(reason: str | None, batch: str | None) -> None:
    """What is refused: by reason, or line by line for a reason or a batch."""
    stores = Stores(settings.load())
    try:
        if reason is None and batch is None:
            rows = refused.summary(stores.postgres)
            columns = ["lines", "batches", "reason", "field", "example"]
        else:
            rows = refused.open_lines(stores.postgres, reason, batch)
            columns = ["object_key", "line", "reason", "field"]
    finally:
        stores.close()
    if not rows:
        if reason or batch:
            raise click.ClickException(f"{NO_LINES} {reason or batch!r}: {SEE_LIST}")
        click.echo("Nothing is refused.")
        return
    table = Table(*(Column(name, overflow="fold") for name in columns), box=None)
    for row in rows:
        table.add_row(*(str(row[name]) for name in columns))
    Console().print(table)


@quarantine.command()
@click.option("--reason", help="Only lines of one reason.")
@click.option("--batch", help="Only lines of one batch: its key, or the start of its checksum.")
@click.option(
    "--mended",
    type=click.Path(exists=True, dir_okay=False, path_type=Path),
    help="A file of mended lines that take the place of the chosen ones.",
)
@click.option("--all", "everything", is_flag=True, help="Every refused line.")
def replay(reason: str | None, batch: str | None, mended: Path | None, everything: bool) -> None:
    """Land refused lines again: as they are, once their cause is gone, or mended."""
    if not (reason or batch or everything):
        raise click.UsageError("say which lines: --reason, --batch or --all")
    lines = mended.read_bytes().splitlines() if mended else None
    stores = Stores(settings.load())
    try:
        done = refused.replay(stores.object_store, stores.postgres, utc_now, reason, batch, lines)
        left = [] if done.object_key else refused.open_lines(stores.postgres, reason, batch)
    finally:
        stores.close()
    if done.object_key:
        click.echo(f"{done.lines} lines landed again as {done.object_key}")
    elif left:
        raise click.ClickException(
            f"{len(left)} whole batches cannot be read, {left[0]['object_key']} for one; mend a copy and land it "
            f"instead: clearlift quarantine replay --batch {left[0]['sha256'][:16]} --mended FILE"
        )
    elif reason or batch:
        raise click.ClickException(f"{NO_LINES} {reason or batch!r}: {SEE_LIST}")
    else:
        click.echo("Nothing to replay.")


@quarantine.command()
@click.argument("batch")
@click.argument("file", type=click.File("wb"))
def export(batch: str, file: IO[bytes]) -> None:
    """Write the original bytes of a batch's refused lines to FILE (- for standard output), to be mended."""
    stores = Stores(settings.load())
    try:
        rows = refused.open_lines(stores.postgres, batch=batch)
        if not rows:
            raise click.ClickException(f"{NO_LINES} {batch!r}: {SEE_LIST}")
        if not rows[0]["line"]:
            raise click.ClickException(f"{rows[0]['object_key']} cannot be read: its bytes lie there, whole")
        kept = {sha256: refused.read(stores.object_store, sha256) for sha256 in {row["sha256"] for row in rows}}
    finally:
        stores.close()
    for row in rows:
        file.write(kept[row["sha256"]][row["line"]] + b"\n")


def _files(given: Path) -> Iterator[Path]:
    if given.is_file():
        if not given.name.endswith(ENDINGS):
            raise click.ClickException(f"{given}: an event file ends in {', '.join(ENDINGS)}")
        yield given
        return
    yield from sorted(file for file in given.rglob("*") if file.is_file())


def _put(store: ObjectStore, prefix: str, name: str, content: bytes) -> tuple[str, bool]:
    """Land a batch once: its key, and whether it was not there. Its receipt names the key that it was given first,
    so that the same content landed again, in another hour or under another name, is the same object."""
    digest = hashlib.sha256(content).hexdigest()
    receipt = f"{RECEIPTS}{digest}"
    wanted = f"{prefix}{digest[:16]}-{re.sub(r'[^A-Za-z0-9._-]', '-', name)}"
    key = wanted if store.put_if_absent(receipt, wanted.encode()) else store.get(receipt).decode()
    return key, store.put_if_absent(key, content)


def _parts(file: Path) -> Iterator[bytes]:
    """A file's batches: a gzip as it is, a plain one in parts of whole lines."""
    if file.name.endswith(".gz"):
        yield file.read_bytes()
        return
    with file.open("rb") as stream:
        while part := stream.read(PART_BYTES):
            yield part + stream.readline()
