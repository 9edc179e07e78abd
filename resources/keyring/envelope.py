"""Envelopes: a key set that a passphrase opens, to be kept away from all that its keys open.

JSON: the parameters of scrypt, and the key set under AES-256-GCM with the rest of the envelope as additional data. What
belongs here: the form. What does not: where an envelope is kept, and who types the passphrase.
"""

import base64
import json
import secrets
from typing import Any

from cryptography.exceptions import InvalidTag
from cryptography.hazmat.primitives.ciphers.aead import AESGCM
from cryptography.hazmat.primitives.kdf.scrypt import Scrypt

from resources.keyring.key_set import KeySetError, parse
from resources.keyring.keyring import Keyring
from resources.keyring.primitives import KEY_BYTES, NONCE_BYTES

FORMAT = 1
SHORTEST = 16  # characters of a passphrase: five words of a list, or ten random characters and some more
# 128 MiB and a third of a second for each guess (OWASP's first choice).
_COST = {"n": 2**17, "r": 8, "p": 1}
_MOST = {"n": 2**20, "r": 32, "p": 16}  # of an envelope that comes from elsewhere: 4 GiB would be a trap


class EnvelopeError(ValueError):
    """An envelope that does not open: damaged, of a newer release, or another passphrase. No part of it is shown."""


def wrap(keyring: Keyring, passphrase: str) -> str:
    """The envelope of all keys.

    Raises:
        EnvelopeError: the passphrase is too short to protect them.
    """
    if len(passphrase) < SHORTEST:
        raise EnvelopeError(f"the passphrase has {len(passphrase)} characters, and {SHORTEST} are the fewest")
    head: dict[str, Any] = {
        "format": FORMAT,
        "key_ids": sorted(keyring.ids),
        "scrypt": {**_COST, "salt": _text(secrets.token_bytes(16))},
        "nonce": _text(secrets.token_bytes(NONCE_BYTES)),
    }
    sealed = AESGCM(_key(head, passphrase)).encrypt(_bytes(head["nonce"]), keyring.exported().encode(), _context(head))
    return json.dumps({**head, "key_set": _text(sealed)}, indent=1) + "\n"


def unwrap(envelope: str, passphrase: str) -> Keyring:
    """The keys of an envelope; an EnvelopeError says why there are none."""
    try:
        document = json.loads(envelope)
        version = document["format"]
        if isinstance(version, int) and version > FORMAT:
            raise EnvelopeError(f"the envelope is of a newer release: format {version}, this one reads {FORMAT}")
        head = {name: document[name] for name in ("format", "key_ids", "scrypt", "nonce")}
        key, nonce, sealed = _key(head, passphrase), _bytes(head["nonce"]), _bytes(document["key_set"])
    except EnvelopeError:
        raise
    except (ValueError, TypeError, KeyError, RecursionError):
        raise EnvelopeError("this is no envelope of a key set, or it was cut or changed") from None
    try:
        return parse(AESGCM(key).decrypt(nonce, sealed, _context(head)).decode())
    except (InvalidTag, KeySetError, ValueError):
        raise EnvelopeError("the envelope does not open: another passphrase, or it was changed") from None


def _key(head: dict[str, Any], passphrase: str) -> bytes:
    given = head["scrypt"]
    cost = {name: given[name] for name in _COST}
    if any(type(cost[name]) is not int or not 1 <= cost[name] <= most for name, most in _MOST.items()):
        raise ValueError
    return Scrypt(_bytes(given["salt"]), KEY_BYTES, **cost).derive(passphrase.encode())


def _context(head: dict[str, Any]) -> bytes:
    return json.dumps(head, sort_keys=True).encode()


def _text(data: bytes) -> str:
    return base64.b64encode(data).decode()


def _bytes(text: str) -> bytes:
    return base64.b64decode(text, validate=True)
