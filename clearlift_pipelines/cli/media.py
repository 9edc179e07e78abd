"""`clearlift media`: how far uploaded images are, which were refused, and how one is tried again.

Keys name users: they are shown where a person asks for them, and nowhere else.
"""

from collections import Counter
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import click
from rich.table import Column, Table

from assets.apps import APPS
from assets.media import naming, quarantine
from assets.media.ledger import Ledger, Refused
from clearlift_pipelines import settings
from clearlift_pipelines.cli.tables import show
from clearlift_pipelines.stores import Stores, utc_now
from resources.r2 import ObjectNotFoundError

REASON = click.option("--reason", help="Only images of one reason.")
LEFT = {
    "no_bytes": "of which no bytes are kept: give a mended file with --mended",
    "replaced": "in whose place another image lies, which the next look judges",
    "gone": "whose upload the application has deleted",
}


@click.group()
def media() -> None:
    """How far uploaded images are, and those that were refused."""


@media.command()
def status() -> None:
    """Images by state: wanted, made, quarantined, gone."""
    found = Table("app", "state", "images", "MB", "MB of variants", "newest", box=None)
    with _ledgers() as (_, ledgers):
        for ledger in ledgers:
            for row in ledger.states():
                sizes = (f"{row[name] / 1e6:,.2f}" for name in ("bytes_in", "bytes_out"))
                found.add_row(ledger.app, row["state"], f"{row['images']:,}", *sizes, f"{row['newest']:%Y-%m-%d %H:%M}")
            at = ledger.listed_at()
            click.echo(f"{ledger.app}: last listed {at:%Y-%m-%d %H:%M} UTC" if at else f"{ledger.app}: never listed")
    if found.row_count:
        show(found)


@media.group(name="quarantine")
def refused() -> None:
    """List refused images, take one out, or have them tried again."""


@refused.command(name="list")
@click.option("--reason", help="Images of one reason, one by one.")
@click.option("--all", "everything", is_flag=True, help="Every refused image, one by one.")
def list_images(reason: str | None, everything: bool) -> None:
    """What is refused: by reason, or image by image for a reason."""
    if reason is None and not everything:
        found = Table("app", "images", "MB", "reason", box=None)
        with _ledgers() as (_, ledgers):
            for ledger in ledgers:
                for row in ledger.by_reason():
                    found.add_row(ledger.app, f"{row['images']:,}", f"{row['bytes'] / 1e6:,.2f}", row["reason"])
    else:
        found = Table("reason", "bytes", "refused at", Column("key", overflow="fold"), box=None)
        with _ledgers() as (_, ledgers):
            for image in _images(ledgers, reason):
                found.add_row(image.reason, f"{image.bytes:,}", f"{image.at:%Y-%m-%d %H:%M}", image.key)
    if not found.row_count:
        click.echo("Nothing is refused.")
        return
    show(found)


@refused.command()
@click.argument("key")
@click.argument("file", type=click.Path(dir_okay=False, path_type=Path))
def export(key: str, file: Path) -> None:
    """Write the bytes of the refused image of KEY to FILE. Open it with care: it may be made to do harm."""
    with _ledgers() as (stores, ledgers):
        _images(ledgers, key=key)
        try:
            file.write_bytes(stores.object_store.get(naming.quarantined(key)))
        except ObjectNotFoundError:
            raise click.ClickException("no bytes of that image are kept") from None


@refused.command()
@REASON
@click.option("--key", help="Only the image of one key.")
@click.option(
    "--mended",
    type=click.Path(exists=True, dir_okay=False, path_type=Path),
    help="An image that takes the place of the one of --key.",
)
@click.option("--all", "everything", is_flag=True, help="Every refused image.")
def replay(reason: str | None, key: str | None, mended: Path | None, everything: bool) -> None:
    """Put refused images back where they were uploaded: as they are, once their cause is gone, or one mended."""
    if not (reason or key or everything):
        raise click.UsageError("say which images: --reason, --key or --all")
    if mended is not None and key is None:
        raise click.UsageError("--mended is one image: say by --key whose place it takes")
    with _ledgers() as (stores, ledgers):
        images = _images(ledgers, reason, key)
        done: Counter[str] = Counter(
            quarantine.replay(stores.object_store, images, mended.read_bytes() if mended else None)
        )
    if not images:
        click.echo("Nothing to replay.")
        return
    click.echo(f"{done['again']} images put back.")
    for outcome, why in LEFT.items():
        if done[outcome]:
            click.echo(f"{done[outcome]} left, {why}.", err=True)
    if done["again"]:
        click.echo("Next: clearlift run --no-sample, or wait for the sensor of uploads (make ui).")


@contextmanager
def _ledgers() -> Iterator[tuple[Stores, list[Ledger]]]:
    """The stores, and the ledger of each application whose users upload images."""
    stores = Stores(settings.load())
    try:
        yield stores, [Ledger(stores.postgres, app.name, utc_now) for app in APPS if app.media is not None]
    finally:
        stores.close()


def _images(ledgers: list[Ledger], reason: str | None = None, key: str | None = None) -> list[Refused]:
    """Refused images of a reason or a key, or all.

    Raises:
        click.ClickException: a reason or a key was named, and there are none of it.
    """
    found = [image for ledger in ledgers for image in ledger.in_quarantine(reason, key)]
    if not found and (reason or key):
        named = repr(reason) if reason else "that key"
        raise click.ClickException(f"no refused images of {named}; clearlift media quarantine list shows what there is")
    return found
