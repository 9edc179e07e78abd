"""`clearlift land`: event files on their way into an app's landing zone.

What does not belong here: lines that were refused (quarantine.py).
"""

import gzip
import hashlib
import re
import zlib
from collections.abc import Iterator
from pathlib import Path

import click
from rich.console import Console
from rich.progress import track

from assets.apps import App
from assets.events import landing
from assets.intake.objects import land_once
from clearlift_pipelines import settings
from clearlift_pipelines.cli.apps import app_option
from clearlift_pipelines.stores import Stores, utc_now
from resources.counts import counted
from resources.declined import DeclinedError

ENDINGS = (".ndjson", ".jsonl", ".json", ".ndjson.gz", ".jsonl.gz")
# A larger plain file is landed in parts, cut at line ends.
PART_BYTES = 64 * 2**20


@click.command()
@click.argument("files", nargs=-1, required=True, type=click.Path(exists=True, path_type=Path))
@app_option(lambda app: app.audience)
def land(files: tuple[Path, ...], app: App) -> None:
    """Put event files into the landing zone.

    They are NDJSON, plain or gzip; folders are searched. Files land under the hour of now. A file that was landed
    before adds nothing, and neither does one without lines.

    Example: clearlift land batch.ndjson.gz --app clearlift
    """
    assert app.audience is not None, "only an app with an audience is chosen"
    listed = [file for path in files for file in _files(path)]
    chosen = [file for file in listed if file.name.endswith(ENDINGS)]
    if not chosen:
        raise DeclinedError(
            f"no event files in {', '.join(map(str, files))}", f"name files that end in {', '.join(ENDINGS)}"
        )
    if skipped := len(listed) - len(chosen):
        click.echo(f"{counted(skipped, 'file')} skipped: an event file ends in {', '.join(ENDINGS)}", err=True)
    prefix = landing.zone(app).hour_prefix(utc_now())
    new = known = 0
    with Stores(settings.load()) as stores:
        for file in track(chosen, "landing", console=Console(stderr=True)):
            if _is_empty(file):
                click.echo(f"{file} is empty", err=True)
                continue
            for part in _parts(file):
                key = f"{prefix}{_object_name(file.name, part)}"
                _, is_new = land_once(stores.object_store, app.audience.receipts, key, part)
                new += is_new
                known += not is_new
    batches = counted(new, "batch", "batches")
    click.echo(f"{batches} landed of {counted(len(chosen), 'file')} under {prefix}")
    if known:
        click.echo(f"{counted(known, 'batch', 'batches')} had been landed before")
    if new:
        click.echo("Next: clearlift run --no-sample, or wait for the landing sensor (make ui).")


def _files(path: Path) -> Iterator[Path]:
    if path.is_file():
        if not path.name.endswith(ENDINGS):
            raise DeclinedError(f"{path} is no event file", f"name a file that ends in {', '.join(ENDINGS)}")
        yield path
        return
    yield from sorted(file for file in path.rglob("*") if file.is_file())


def _object_name(name: str, content: bytes) -> str:
    return f"{hashlib.sha256(content).hexdigest()[:16]}-{re.sub(r'[^A-Za-z0-9._-]', '-', name)}"


def _is_empty(file: Path) -> bool:
    """Whether a file has no lines, packed or not. One whose gzip is damaged has: its ingest says what is wrong."""
    with file.open("rb") as plain:
        packed = plain.read(2) == b"\x1f\x8b"
    try:
        with gzip.open(file) if packed else file.open("rb") as content:
            while chunk := content.read(PART_BYTES):
                if not chunk.isspace():
                    return False
    except (EOFError, zlib.error, gzip.BadGzipFile):
        return False
    return True


def _parts(file: Path) -> Iterator[bytes]:
    """A file's batches: a gzip file as it is, a plain one in parts of whole lines."""
    if file.name.endswith(".gz"):
        yield file.read_bytes()
        return
    with file.open("rb") as stream:
        while part := stream.read(PART_BYTES):
            yield part + stream.readline()
