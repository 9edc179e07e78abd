"""Key sets as JSON: `{"keys": {"1": "<32 bytes in base64>", "2": "…"}}`. The highest id is the newest, and encrypts.

What belongs here: reading a key set, and making the first one. What does not: the use of the keys (keyring.py).
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
    """A key set that cannot be used; the message says what is wrong and never shows a key."""


def parse(text: str) -> Keyring:
    """The keyring of a key set's JSON; a KeySetError if it is not valid."""
    try:
        keys = json.loads(text)["keys"]
        by_id = {int(key_id): base64.b64decode(key, validate=True) for key_id, key in keys.items()}
    except (ValueError, TypeError, KeyError, AttributeError, binascii.Error):
        raise KeySetError('a key set is {"keys": {"1": "<32 bytes in base64>"}}') from None
    try:
        return Keyring(by_id)
    except ValueError as error:
        raise KeySetError(str(error)) from None


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


def load_or_make(path: Path) -> Keyring:
    """The keyring of a file. A missing file is made with one new key; processes that do so at once get the same key."""
    if not path.exists():
        path.parent.mkdir(parents=True, exist_ok=True)
        draft = path.with_name(f".{path.name}.{secrets.token_hex(8)}")
        key = base64.b64encode(secrets.token_bytes(KEY_BYTES)).decode()
        try:
            with os.fdopen(os.open(draft, os.O_WRONLY | os.O_CREAT | os.O_EXCL, 0o600), "w") as file:
                json.dump({"keys": {"1": key}}, file)
                file.flush()
                os.fsync(file.fileno())
            # A link fails if the name is taken, so a key in use is never overwritten.
            with suppress(FileExistsError):
                os.link(draft, path)
        finally:
            draft.unlink(missing_ok=True)
    return load(path)
