"""`clearlift keys`: the key set that seals personal columns, credentials and backups, and its envelopes.

What belongs here: making a key set, and its envelopes. What does not: changing its keys (key_changes.py).
"""

import os
from pathlib import Path

import click

from assets.apps.pipelines import PIPELINES
from clearlift_pipelines import settings
from clearlift_pipelines.cli import key_changes
from clearlift_pipelines.cli.noted import noted
from clearlift_pipelines.stores import Stores
from resources import keyring
from resources.declined import DeclinedError

FILE_NAME = "keyring.json"
ELSEWHERE = "name another file, and set CLEARLIFT_KEYRING_FILE to it"


@click.group()
def keys() -> None:
    """The key set that seals personal columns, credentials and backups: new, envelope, open, status, rotate, retire.

    Example: clearlift keys status
    """


@keys.command()
@click.argument("file", required=False, type=click.Path(dir_okay=False, path_type=Path))
def new(file: Path | None) -> None:
    """Make a key set with one new key in FILE (by default keyring.json of the home folder), which only you can read.

    A file that is there is never overwritten.

    Example: clearlift keys new /etc/clearlift/keyring.json
    """
    path = file.expanduser() if file else settings.load().made_home() / FILE_NAME
    try:
        made = keyring.make(path)
    except OSError as error:
        raise DeclinedError(f"{path} cannot be made: {error.strerror}", "name another file") from None
    if not made:
        raise DeclinedError(f"{path} is there already, and what it sealed opens with it alone", "name another file")
    click.echo(f"{path}: one new key. CLEARLIFT_KEYRING_FILE names the file; keep a copy, without it nothing opens.")


PASSPHRASE = click.option(
    "--passphrase-file",
    type=click.Path(exists=True, dir_okay=False, path_type=Path),
    help="File whose first line is the passphrase; without it you are asked.",
)


@keys.command()
@click.argument("file", type=click.Path(dir_okay=False, path_type=Path))
@PASSPHRASE
def envelope(file: Path, passphrase_file: Path | None) -> None:
    """Write all keys to FILE, an envelope that only the passphrase opens.

    Keep it and the passphrase apart from each other, and both away from the stores and their backups: without the keys
    no backup opens.

    Example: clearlift keys envelope /media/usb/keys.json
    """
    from assets.backups import keys as envelopes
    from assets.backups.covered import target_of

    path = file.expanduser()
    with Stores(settings.load()) as stores:
        home = stores.settings.home.resolve()
        if path.resolve().is_relative_to(home):
            raise DeclinedError(
                f"{path} lies beside what the keys open, so that one loss takes both", f"name a file outside of {home}"
            )
        target = target_of(stores)
        noted(stores, "read", PIPELINES.name, "keys", "all", rows=len(stores.keyring.ids))
        try:
            text = keyring.wrap(stores.keyring, _passphrase(passphrase_file, twice=True))
            with os.fdopen(os.open(path, os.O_WRONLY | os.O_CREAT | os.O_EXCL, 0o600), "w") as out:
                out.write(text)
        except keyring.EnvelopeError as error:
            raise DeclinedError(str(error), "choose a longer one") from None
        except OSError as error:
            raise DeclinedError(f"{path} cannot be made: {error.strerror}", "name another file") from None
        envelopes.note(target, stores.keyring, stores.clock())
        click.echo(
            f"{path}: the keys {_listed(stores.keyring)}. Write these fingerprints on it, carry it to another place, "
            "then try `clearlift keys open`"
        )


@keys.command("open")
@click.argument("file", metavar="ENVELOPE", type=click.Path(exists=True, dir_okay=False, path_type=Path))
@click.argument("into", metavar="FILE", type=click.Path(dir_okay=False, path_type=Path))
@PASSPHRASE
def open_(file: Path, into: Path, passphrase_file: Path | None) -> None:
    """Make the key set FILE of an ENVELOPE. A key set that is there is never overwritten.

    One that sealed no backup, as of a first start without the right one, is set aside under another name.

    Example: clearlift keys open keys.json keyring.json
    """
    path = into.expanduser()
    try:
        found = keyring.unwrap(file.read_text(encoding="utf-8"), _passphrase(passphrase_file, twice=False))
        aside = _set_aside(path, found) if path.exists() else None
        written = keyring.write(path, found)
    except (keyring.EnvelopeError, UnicodeDecodeError) as error:
        raise DeclinedError(f"{file}: {error}", "try another passphrase, or another copy of the envelope") from None
    except OSError as error:
        raise DeclinedError(f"{path} cannot be made: {error.strerror}", "name another file") from None
    if not written:
        raise DeclinedError(f"{path} was made meanwhile", "run the same again")
    if aside:
        click.echo(f"the key set that was there sealed no backup; it is {aside} now")
    click.echo(f"{path}: the keys {_listed(found)}. CLEARLIFT_KEYRING_FILE names the file")


def _passphrase(file: Path | None, *, twice: bool) -> str:
    if file is not None:
        return file.read_text(encoding="utf-8").partition("\n")[0]
    asked: str = click.prompt("Passphrase", hide_input=True, confirmation_prompt=twice)
    return asked


def _set_aside(path: Path, wanted: keyring.Keyring) -> Path:
    """Give a key set that opens no backup another name, which it returns.

    Raises:
        DeclinedError: it is what is wanted, or backups were sealed with it.
    """
    from assets.backups.sets import opens_any
    from assets.backups.target import Target

    try:
        there = keyring.load(path)
    except keyring.KeySetError as error:
        raise DeclinedError(f"{path} is there already, and cannot be read: {error}", ELSEWHERE) from None
    if there.exported() == wanted.exported():
        raise DeclinedError(f"{path} is there already, with these keys", "`clearlift backup list`")
    with Stores(settings.load()) as stores:
        if opens_any(Target(stores.backup_store, stores.backup_prefix, there)):
            raise DeclinedError(f"{path} is there already, and backups were sealed with it", ELSEWHERE)
        aside = path.with_name(f"{path.name}.unused-{stores.clock():%Y%m%dT%H%M%SZ}")
    # A link, because a key set is never overwritten.
    os.link(path, aside)
    path.unlink()
    return aside


def _listed(found: keyring.Keyring) -> str:
    return ", ".join(keyring.named(found, key_id) for key_id in sorted(found.ids))


for changing in (key_changes.status, key_changes.rotate, key_changes.retire):
    keys.add_command(changing)
