"""`clearlift keys status`, `rotate` and `retire`: which keys are in use, a new one for all, the end of an old one.

Sealing again is done by assets/sealing; here are the words, and the place of the key set.
"""

from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from pathlib import Path
from typing import TYPE_CHECKING

import click

from assets.apps.pipelines import PIPELINES
from clearlift_pipelines import settings
from clearlift_pipelines.cli.noted import noted
from clearlift_pipelines.cli.tables import JSON_ONLY, Columns, printed
from clearlift_pipelines.stores import Stores
from clearlift_pipelines.variables import variable_of
from resources import keyring
from resources.counts import counted
from resources.declined import DeclinedError
from resources.keyring import Keyring
from resources.migrations import MigrationError, require

if TYPE_CHECKING:
    from assets.sealing.references import References

LOCK = "sealing.keys"
ENVELOPE = "`clearlift keys envelope FILE`"
RESTART = "Restart what runs for long (`clearlift ui`, code servers): they have the key set of their start."

KEYS = Columns(
    "keys",
    "keys status",
    dict.fromkeys(("key", "fingerprint", "in_envelope_at", "known_since", "refers"), JSON_ONLY),
)


@click.command()
@printed
def status() -> None:
    """Say of each key since when it is known, what refers to it, and when it was last put into an envelope.

    Exit code 1 where a key never was in one.

    \b
    Example: clearlift keys status
    Example: clearlift keys status --json
    """
    from assets.backups import keys as envelopes
    from assets.backups.covered import target_of

    with Stores(settings.load(), makes_keys=False) as stores:
        found = envelopes.kept(target_of(stores), stores.keyring)
        references = _counted(stores)
        table = KEYS.table()
        for key_id, at in found.items():
            known = references.keys.get(key_id) if references else None
            table.add(
                key=key_id,
                fingerprint=keyring.fingerprint(stores.keyring, key_id),
                in_envelope_at=at,
                known_since=known.first_seen_at if known else None,
                refers=references.of(key_id) if references else None,
            )
            kept = f"in an envelope of {at:%Y-%m-%d %H:%M} UTC" if at else "in no envelope"
            click.echo(
                f"key {keyring.named(stores.keyring, key_id)}: {kept}{_use(references, key_id) if references else ''}"
            )
        if table.is_json:
            table.show()
        if references is None:
            click.echo("what refers to them is not counted, because a store is not set up: `clearlift migrate up`")
        elif foreign := _listed(references.live.get(None, {})):
            click.echo(f"sealed in another layout than ours: {foreign}")
    if None in found.values():
        raise DeclinedError("a key is in no envelope: with this machine all backups would be lost", ENVELOPE)


@click.command()
def rotate() -> None:
    """Make a new key and seal everything again with it: databases of apps and ours. Backups go by their rotation.

    Where values are sealed with an older key still, as after a kill, this goes on with them and makes no further key.

    Example: clearlift keys rotate
    """
    from assets.sealing import ledger, references
    from assets.sealing.change_keys import change_key

    with Stores(settings.load()) as stores, _alone(stores):
        ring = stores.keyring
        if not any(_old(references.count(stores, ring), ring)):
            ring = _with_new_key(stores)
            click.echo(f"key {ring.newest} is new")
        sealed = unopened = 0
        for place in references.places(stores):
            for field in place.fields:
                progress = stores.progress(f"{place.name} {field}")
                done = change_key(
                    place.store, field, ring, plain_hashes=stores.settings.plain_email_hashes, progress=progress
                )
                click.echo(f"{place.name} {field}: {done.sealed} sealed again")
                sealed, unopened = sealed + done.sealed, unopened + done.unopened
        ledger.count_seals(stores.postgres, ring.newest, sealed, stores.clock())
        noted(stores, "changed", PIPELINES.name, "keys", f"rotated to key {ring.newest}", rows=sealed)
        click.echo(f"{sealed} values are sealed with key {ring.newest} now. {RESTART}")
        left = references.count(stores, ring)
        for key_id in sorted(ring.ids):
            click.echo(f"key {key_id}{_use(left, key_id)}")
    if unopened:
        raise DeclinedError(
            f"{counted(unopened, 'value')} of no key that is here, or damaged, left as it was",
            "bring back the key set that sealed them, or have the application write them again",
        )


@click.command()
@click.argument("key_id", type=click.IntRange(min=1))
def retire(key_id: int) -> None:
    """Take a key out of the key set, once nothing refers to it: no value in a database, and no backup.

    Example: clearlift keys retire 1
    """
    from assets.sealing import ledger, references

    with Stores(settings.load(), makes_keys=False) as stores, _alone(stores):
        ring = stores.keyring
        if key_id not in ring.ids:
            raise DeclinedError(
                f"there is no key {key_id}, but {', '.join(map(str, sorted(ring.ids)))}", "name another"
            )
        if key_id == ring.newest:
            raise DeclinedError(
                f"key {key_id} is the newest, which seals", "`clearlift keys rotate` makes another first"
            )
        if found := references.count(stores, ring).of(key_id):
            raise DeclinedError(
                f"key {key_id} is needed: {_listed(found)}",
                "`clearlift keys rotate` seals values again; backups go by their rotation (CLEARLIFT_BACKUP_DAYS, "
                "CLEARLIFT_BACKUP_WEEKS, CLEARLIFT_BACKUP_MONTHS)",
            )
        file = _file(stores)
        if file is None:
            click.echo(f"nothing refers to key {key_id}: take it out of {_source(stores)}")
            return
        _replace(file, ring, ring.without(key_id))
        ledger.retire(stores.postgres, key_id, stores.clock())
        noted(stores, "changed", PIPELINES.name, "keys", f"key {key_id} retired")
        click.echo(f"{file}: key {key_id} is gone. {RESTART}")


@contextmanager
def _alone(stores: Stores) -> Iterator[None]:
    """Embedded stores are brought to date, real ones must be; nobody else changes keys meanwhile."""
    stores.prepare()
    with stores.postgres.lock(LOCK):
        yield


def _counted(stores: Stores) -> "References | None":
    """What refers to each key; None where a store is not set up."""
    from assets.sealing import references

    try:
        for _, applied, folder in stores.migrated():
            require(applied, folder)
    except MigrationError:
        return None
    return references.count(stores, stores.keyring)


def _old(found: "References", ring: Keyring) -> Iterator[str]:
    """The databases with values of keys that are older than the newest, and here."""
    for key_id in ring.ids - {ring.newest}:
        yield from (place for place, n in found.live.get(key_id, {}).items() if n)


def _with_new_key(stores: Stores) -> Keyring:
    file = _file(stores)
    ring = stores.keyring
    if file is None:
        raise DeclinedError(
            f"everything is sealed with key {ring.newest}, and only you can change the key set in {_source(stores)}",
            f'add "{ring.newest + 1}" to its keys, as `openssl rand -base64 32` prints one, then run this again',
        )
    after = ring.with_new_key()
    _replace(file, ring, after)
    return after


def _replace(file: Path, before: Keyring, after: Keyring) -> None:
    try:
        keyring.replace(file, before, after)
    except keyring.KeySetError as error:
        raise DeclinedError(str(error), "run the same again") from None
    except OSError as error:
        raise DeclinedError(
            f"{file} cannot be changed: {error.strerror}", "make its folder writable, then try again"
        ) from None


def _file(stores: Stores) -> Path | None:
    """The file of the key set; None where it comes from a variable or a command."""
    chosen = stores.settings
    if chosen.keyring is not None or chosen.keyring_command is not None:
        return None
    return chosen.keyring_file or chosen.home / "keyring.json"


def _source(stores: Stores) -> str:
    return variable_of("keyring" if stores.settings.keyring is not None else "keyring_command")


def _use(found: "References", key_id: int) -> str:
    known = found.keys.get(key_id)
    since = f"; known since {known.first_seen_at:%Y-%m-%d}" if known else ""
    return f"; {_listed(found.of(key_id)) or 'nothing refers to it'}{since}"


def _listed(found: Mapping[str, int]) -> str:
    return ", ".join(f"{place} {n:,}" for place, n in found.items() if n)
