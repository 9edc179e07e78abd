"""`clearlift media`: shows the state of uploaded images, and which were refused; puts refused ones back.

Keys name users. They are shown only when a person asks for them.
"""

from collections import Counter
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import IO

import click

from assets.apps import APPS
from assets.audit.entry import Act
from assets.media import ledger, naming, quarantine
from assets.media.ledger import ImageLedger, RefusedImage
from clearlift_pipelines import settings
from clearlift_pipelines.cli.new_file import NewFile
from clearlift_pipelines.cli.noted import noted
from clearlift_pipelines.cli.tables import Column, Columns, megabytes, printed
from clearlift_pipelines.stores import Stores
from resources.counts import counted
from resources.declined import DeclinedError
from resources.r2 import ObjectNotFoundError

FILE = click.Path(exists=True, dir_okay=False, path_type=Path)
REASON = click.option("--reason", help="Only images that were refused for this reason.")
LEFT = {
    "no_bytes": "of which no bytes are kept: give a corrected file with --corrected",
    "replaced": "over which another image was uploaded, which the next look judges",
    "gone": "whose upload the application has deleted",
}

STATES = Columns(
    "images",
    "media status",
    {
        "app": "app",
        "state": "state",
        "images": "images",
        "bytes": Column("MB", megabytes),
        "bytes_of_variants": Column("MB of variants", megabytes),
        "newest": "newest",
    },
)
BY_REASON = Columns(
    "reasons",
    "media quarantine list",
    {"app": "app", "images": "images", "bytes": Column("MB", megabytes), "reason": "reason"},
)
REFUSED = Columns(
    "refused",
    "media quarantine list --all",
    {"reason": "reason", "bytes": "bytes", "refused_at": "refused at", "key": "key"},
)


@click.group()
def media() -> None:
    """The state of uploaded images, and those that were refused.

    Example: clearlift media status
    """


@media.command()
@printed
def status() -> None:
    """Images by state: wanted, made, quarantined, gone.

    Example: clearlift media status --json
    """
    table = STATES.table()
    with _ledgers() as (_, ledgers):
        for images in ledgers:
            for row in images.states():
                table.add(
                    app=images.app,
                    state=row["state"],
                    images=row["images"],
                    bytes=row["bytes_in"],
                    bytes_of_variants=row["bytes_out"],
                    newest=row["newest"],
                )
            at = images.listed_at()
            click.echo(f"{images.app}: last listed {at:%Y-%m-%d %H:%M} UTC" if at else f"{images.app}: never listed")
    if table.rows:
        table.show()


@media.group(name="quarantine")
def refused() -> None:
    """List refused images, take one out, or put them back.

    Example: clearlift media quarantine list --all
    """


@refused.command(name="list")
@click.option("--reason", help="The images of this reason, one by one.")
@click.option("--all", "everything", is_flag=True, help="Every refused image, one by one.")
@printed
def list_images(reason: str | None, everything: bool) -> None:
    """Refused images: their number by reason, or one by one.

    Example: clearlift media quarantine list --all
    """
    if reason is None and not everything:
        table = BY_REASON.table()
        with _ledgers() as (_, ledgers):
            for images in ledgers:
                for row in images.by_reason():
                    table.add(app=images.app, images=row["images"], bytes=row["bytes"], reason=row["reason"])
    else:
        table = REFUSED.table()
        with _ledgers() as (stores, ledgers):
            _note(stores, ledgers, "read", reason)
            for image in _images(ledgers, reason):
                table.add(reason=image.reason, bytes=image.bytes, refused_at=image.at, key=image.key)
    table.show("Nothing is refused.")


@refused.command()
@click.argument("key")
@click.argument("file", type=NewFile())
def export(key: str, file: IO[bytes]) -> None:
    """Write the bytes of the refused image KEY to FILE. Open it with care, because it may be made to do harm.

    Example: clearlift media quarantine export KEY image.png
    """
    with _ledgers() as (stores, ledgers):
        _images(ledgers, key=key)
        _note(stores, ledgers, "read", key=key)
        try:
            file.write(stores.object_store.get(naming.quarantined(key)))
        except ObjectNotFoundError:
            raise DeclinedError("no bytes of that image are kept", "ask the user to upload it again") from None


@refused.command()
@REASON
@click.option("--key", help="Only the image of this key.")
@click.option("--corrected", type=FILE, help="An image that replaces the one of --key.")
@click.option("--mended", type=FILE, hidden=True)  # the name of --corrected before
@click.option("--all", "everything", is_flag=True, help="Every refused image.")
def replay(reason: str | None, key: str | None, corrected: Path | None, mended: Path | None, everything: bool) -> None:
    """Put refused images back where they were uploaded: as they are when the cause is gone, or one corrected.

    Example: clearlift media quarantine replay --all
    """
    corrected = corrected or mended
    if not (reason or key or everything):
        raise click.UsageError("say which images: --reason, --key or --all")
    if corrected is not None and key is None:
        raise click.UsageError("--corrected is one image: say by --key which one it replaces")
    with _ledgers() as (stores, ledgers):
        images = _images(ledgers, reason, key)
        data = _checked(images[0], corrected) if corrected is not None and images else None
        _note(stores, ledgers, "changed", reason, key)
        outcomes: Counter[str] = Counter(quarantine.replay(stores.object_store, images, data))
    if not images:
        click.echo("Nothing to replay.")
        return
    click.echo(f"{counted(outcomes['again'], 'image')} put back.")
    for outcome, why in LEFT.items():
        if outcomes[outcome]:
            click.echo(f"{outcomes[outcome]} left, {why}.", err=True)
    if outcomes["again"]:
        click.echo("Next: clearlift run --no-sample, or wait for the sensor of uploads (make ui).")


@contextmanager
def _ledgers() -> Iterator[tuple[Stores, list[ImageLedger]]]:
    """The stores, and the ledger of each app whose users upload images."""
    with Stores(settings.load()) as stores:
        yield stores, [ledger.of(stores, app) for app in APPS if app.media is not None]


def _checked(image: RefusedImage, corrected: Path) -> bytes:
    """The bytes of a correction.

    Raises:
        DeclinedError: it would be refused too.
    """
    from assets.media.containers import ImageRefusedError
    from assets.media.correction import judge

    (uploads,) = (app.media for app in APPS if app.media is not None and image.key.startswith(f"{app.media.root}/"))
    data = corrected.read_bytes()
    try:
        judge(uploads, image.key, data)
    except ImageRefusedError as refused_again:
        reason = refused_again.reason.value
        raise DeclinedError(f"{corrected} would be refused too ({reason})", "give a whole image") from None
    return data


def _note(
    stores: Stores, ledgers: list[ImageLedger], act: Act, reason: str | None = None, key: str | None = None
) -> None:
    for images in ledgers:
        if found := images.in_quarantine(reason, key):
            noted(stores, act, images.app, "r2", "refused images", rows=len(found))


def _images(ledgers: list[ImageLedger], reason: str | None = None, key: str | None = None) -> list[RefusedImage]:
    """Refused images of a reason or a key, or all.

    Raises:
        DeclinedError: no image has the reason or the key.
    """
    refused_images = [image for images in ledgers for image in images.in_quarantine(reason, key)]
    if not refused_images and (reason or key):
        named = repr(reason) if reason else "that key"
        raise DeclinedError(f"no refused images of {named}", "`clearlift media quarantine list` shows what there is")
    return refused_images
