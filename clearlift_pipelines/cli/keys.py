"""`clearlift keys`: the key set that seals credentials."""

from pathlib import Path

import click

from clearlift_pipelines import settings
from clearlift_pipelines.project import folder
from resources import keyring
from resources.declined import DeclinedError

FILE_NAME = "keyring.json"


@click.group()
def keys() -> None:
    """The key set that seals credentials: new."""


@keys.command()
@click.argument("file", required=False, type=click.Path(dir_okay=False, path_type=Path))
def new(file: Path | None) -> None:
    """Make a key set with one new key in FILE (by default keyring.json of the home folder), which only you can read.

    A file that is there is never overwritten. Example: clearlift keys new /etc/clearlift/keyring.json
    """
    path = folder() / file.expanduser() if file else settings.load().made_home() / FILE_NAME
    try:
        made = keyring.make(path)
    except OSError as error:
        raise DeclinedError(f"{path} cannot be made: {error.strerror}", "name another file") from None
    if not made:
        raise DeclinedError(f"{path} is there already, and what it sealed opens with it alone", "name another file")
    click.echo(f"{path}: one new key. CLEARLIFT_KEYRING_FILE names the file; keep a copy, without it nothing opens.")
