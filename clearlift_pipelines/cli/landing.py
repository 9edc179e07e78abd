"""`clearlift land` and `clearlift quarantine`: event files on their way in, and refused lines on their way back."""

import hashlib
import re
from collections.abc import Iterator
from pathlib import Path
from typing import IO

import click
from rich.console import Console
from rich.progress import track
from rich.table import Table

from assets.events import landing
from assets.events import quarantine as refused
from clearlift_pipelines import settings
from clearlift_pipelines.definitions import utc_now
from clearlift_pipelines.stores import Stores
from resources.r2 import ObjectStore

ENDINGS = (".ndjson", ".jsonl", ".json", ".ndjson.gz", ".jsonl.gz")
# A plain file above this is landed in parts, cut at line ends.
PART_BYTES = 64 * 2**20


@click.command()
@click.argument("files", nargs=-1, required=True, type=click.Path(exists=True, path_type=Path))
def land(files: tuple[Path, ...]) -> None:
    """Put event files (NDJSON, plain or gzip; folders are searched) into the landing zone, under the hour of now."""
    stores = Stores(settings.load())
    try:
        found = [file for given in files for file in _batches(given)]
        if not found:
            raise click.ClickException(f"no event files ({', '.join(ENDINGS)}) in {', '.join(map(str, files))}")
        prefix = landing.hour_prefix(utc_now())
        parts = sum(
            _put(stores.object_store, prefix, file) for file in track(found, "landing", console=Console(stderr=True))
        )
        click.echo(f"{len(found)} files landed as {parts} batches under {prefix}")
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
        click.echo("Nothing is refused.")
        return
    table = Table(*columns, box=None)
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
    finally:
        stores.close()
    click.echo(f"{done.lines} lines landed again as {done.object_key}" if done.object_key else "Nothing to replay.")


@quarantine.command()
@click.argument("batch")
@click.argument("file", type=click.File("wb"))
def export(batch: str, file: IO[bytes]) -> None:
    """Write the original bytes of a batch's refused lines to FILE (- for standard output), to be mended."""
    stores = Stores(settings.load())
    try:
        rows = refused.open_lines(stores.postgres, batch=batch)
        kept = {sha256: refused.read(stores.object_store, sha256) for sha256 in {row["sha256"] for row in rows}}
    finally:
        stores.close()
    for row in rows:
        file.write(kept[row["sha256"]][row["line"]] + b"\n")


def _batches(given: Path) -> Iterator[Path]:
    if given.is_file():
        if not given.name.endswith(ENDINGS):
            raise click.ClickException(f"{given}: an event file ends in {', '.join(ENDINGS)}")
        yield given
        return
    yield from sorted(file for file in given.rglob("*") if file.is_file() and file.name.endswith(ENDINGS))


def _put(store: ObjectStore, prefix: str, file: Path) -> int:
    """Land one file, a plain one in parts of whole lines; the same content always gets the same name."""
    name = re.sub(r"[^A-Za-z0-9._-]", "-", file.name)
    parts = 0
    for part in _parts(file):
        digest = hashlib.sha256(part).hexdigest()[:16]
        store.put(f"{prefix}{digest}-{name}", part)
        parts += 1
    return parts


def _parts(file: Path) -> Iterator[bytes]:
    if file.name.endswith(".gz"):
        yield file.read_bytes()
        return
    with file.open("rb") as stream:
        while part := stream.read(PART_BYTES):
            yield part + stream.readline()
