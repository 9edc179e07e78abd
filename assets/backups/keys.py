"""Envelopes of the key set: which keys are in one that a person keeps elsewhere.

An envelope never lies in the target, because a backup opens with the keys that it would hold. Only its note lies there:
which keys it has, by fingerprints that tell nothing of them. What does not belong here: the form of an envelope
(resources/keyring), and the commands (clearlift_pipelines/cli/keys.py).
"""

import json
import secrets
from collections.abc import Iterator
from datetime import UTC, datetime

from assets.backups.target import StoreName, Target
from resources.keyring import Keyring, SealError, fingerprint

STORE = StoreName("pipelines", "keys")
NOTES = "envelopes"


def note(target: Target, keyring: Keyring, at: datetime) -> None:
    """Note that an envelope of all keys was made."""
    name = f"{at.astimezone(UTC):%Y%m%dT%H%M%SZ}-{secrets.token_hex(6)}"
    target.put_sealed(STORE, NOTES, name, json.dumps(_fingerprints(keyring)).encode())


def kept(target: Target, keyring: Keyring) -> dict[int, datetime | None]:
    """The keys by id, each with the time of the newest envelope that has it; None where there is none."""
    own = _fingerprints(keyring)
    found: dict[int, datetime | None] = dict.fromkeys(sorted(keyring.ids))
    for at, noted in _notes(target):
        found.update({key_id: at for key_id in found if noted.get(str(key_id)) == own[str(key_id)]})
    return found


def _notes(target: Target) -> Iterator[tuple[datetime, dict[str, str]]]:
    """The notes that open, oldest first; others are of keys that are gone."""
    for name in sorted(target.names(STORE, NOTES)):
        try:
            noted = json.loads(target.get_sealed(STORE, NOTES, name))
        except SealError:
            continue
        yield datetime.strptime(name.partition("-")[0], "%Y%m%dT%H%M%SZ").replace(tzinfo=UTC), noted


def _fingerprints(keyring: Keyring) -> dict[str, str]:
    return {str(key_id): fingerprint(keyring, key_id) for key_id in sorted(keyring.ids)}
