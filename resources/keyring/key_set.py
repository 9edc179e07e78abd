"""Key sets as JSON: `{"keys": {"1": "<32 bytes in base64>", "2": "…"}}`. The highest id is the newest, and encrypts.

What belongs here: reading a key set and making the first one. What does not: what keys do (keyring.py).
"""

import base64
import binascii
import json
import os
import secrets
from contextlib import suppress
from pathlib import Path

from resources.keyring.keyring import KEY_BYTES, Keyring


class KeySetError(ValueError):
    """A key set that cannot be used; the text names what is wrong and never a key."""


def parse(text: str) -> Keyring:
    """The keyring of a key set's JSON; raises KeySetError."""
    try:
        keys = json.loads(text)["keys"]
        found = {int(key_id): base64.b64decode(key, validate=True) for key_id, key in keys.items()}
    except (ValueError, TypeError, KeyError, AttributeError, binascii.Error):
        raise KeySetError('a key set is {"keys": {"1": "<32 bytes in base64>"}}') from None
    try:
        return Keyring(found)
    except ValueError as error:
        raise KeySetError(str(error)) from None


def load(path: Path) -> Keyring:
    """The keyring of a file that nobody else may read; raises KeySetError that names the file."""
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


def load_or_make(path: Path) -> Keyring:
    """The keyring of a file, which is made with one new key where it is missing. Two that make it at once share one."""
    if not path.exists():
        path.parent.mkdir(parents=True, exist_ok=True)
        mine = path.with_name(f".{path.name}.{secrets.token_hex(8)}")
        key = base64.b64encode(secrets.token_bytes(KEY_BYTES)).decode()
        try:
            with os.fdopen(os.open(mine, os.O_WRONLY | os.O_CREAT | os.O_EXCL, 0o600), "w") as file:
                json.dump({"keys": {"1": key}}, file)
                file.flush()
                os.fsync(file.fileno())
            # A link fails where the name is taken: a key that has encrypted something is never overwritten.
            with suppress(FileExistsError):
                os.link(mine, path)
        finally:
            mine.unlink(missing_ok=True)
    return load(path)
