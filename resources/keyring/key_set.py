"""Key sets as JSON: `{"keys": {"1": "<32 bytes in base64>", "2": "…"}}`. The highest id is the newest, and encrypts.

What belongs here: reading a key set, making the first one, and what a key is told by. What does not: the use of keys
(keyring.py).
"""

import base64
import json
import os
import secrets
from collections.abc import Iterable
from pathlib import Path
from typing import TypeVar

from resources import private
from resources.keyring.keyring import KEY_BYTES, Keyring

K = TypeVar("K")
V = TypeVar("V")


class KeySetError(ValueError):
    """A key set that cannot be used; the message says what is wrong and never shows a key."""


def parse(text: str) -> Keyring:
    """The keyring of a key set's JSON; a KeySetError if it is not valid."""
    try:
        keys = json.loads(text, object_pairs_hook=_once)["keys"]
        pairs = [(int(key_id), base64.b64decode(key, validate=True)) for key_id, key in keys.items()]
    except KeySetError:
        raise
    except (ValueError, TypeError, KeyError, AttributeError, RecursionError):
        raise KeySetError('a key set is {"keys": {"1": "<32 bytes in base64>"}}') from None
    try:
        return Keyring(_once(pairs))
    except ValueError as error:
        raise KeySetError(str(error)) from None


def _once(pairs: Iterable[tuple[K, V]]) -> dict[K, V]:
    """The pairs as a dict; JSON's own reading would take the last of a name and lose the others."""
    found: dict[K, V] = {}
    for name, value in pairs:
        if name in found:
            raise KeySetError("a key set has each name and each id once; one is there twice")
        found[name] = value
    return found


def fingerprint(keyring: Keyring, key_id: int) -> str:
    """What people tell a key by, in 32 hexadecimal digits: HKDF-SHA-256 of it, an HMAC of a constant, so that they say
    nothing of the key. A SealError where the key is not in the set.
    """
    return keyring.sub_key(key_id, b"clearlift fingerprint", "key").hex()[:32]


def load(path: Path) -> Keyring:
    """The keyring of a file that only its owner may read; a KeySetError names the file."""
    try:
        mode = path.stat().st_mode
        text = path.read_text(encoding="utf-8")
    except OSError as error:
        raise KeySetError(f"key set {path}: {error.strerror}") from None
    if mode & 0o077:
        raise KeySetError(f"key set {path}: others may read it; chmod 600")
    try:
        return parse(text)
    except KeySetError as error:
        raise KeySetError(f"key set {path}: {error}") from None


def make(path: Path) -> bool:
    """Make the file with one new key; False, and nothing done, if there is one. A key in use is never overwritten."""
    return write(path, Keyring({1: secrets.token_bytes(KEY_BYTES)}))


def write(path: Path, keyring: Keyring) -> bool:
    """Write a key set to a new file that only its owner may read; False, and nothing done, if there is one."""
    private.make_folder(path.parent)
    draft = path.with_name(f".{path.name}.{secrets.token_hex(8)}")
    try:
        with os.fdopen(os.open(draft, os.O_WRONLY | os.O_CREAT | os.O_EXCL, 0o600), "w") as file:
            file.write(keyring.exported())
            file.flush()
            os.fsync(file.fileno())
        # A link fails if the name is taken, also by another process that makes the file at once.
        os.link(draft, path)
    except FileExistsError:
        return False
    finally:
        draft.unlink(missing_ok=True)
    return True


def load_or_make(path: Path) -> Keyring:
    """The keyring of a file, which is made if it is missing; processes that do so at once get the same key."""
    if not path.exists():
        make(path)
    return load(path)
