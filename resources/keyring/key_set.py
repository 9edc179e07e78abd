"""Key sets as JSON: `{"keys": {"1": "<32 bytes in base64>", "2": "…"}}`. The highest id is the newest, and encrypts.

What belongs here: reading a key set from a file or a command, making the first one, changing a file, and the
fingerprint of a key. What does not: the use of the keys (keyring.py).
"""

import base64
import fcntl
import json
import os
import secrets
import shlex
import subprocess
from collections.abc import Iterable, Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import TypeVar

from resources import private
from resources.keyring.keyring import Keyring
from resources.keyring.primitives import KEY_BYTES

K = TypeVar("K")
V = TypeVar("V")

COMMAND_SECONDS = 30


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


def named(keyring: Keyring, key_id: int) -> str:
    """The id and the fingerprint of a key, for people."""
    return f"{key_id} {fingerprint(keyring, key_id)}"


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


def of_command(command: str) -> Keyring:
    """The keyring that a command writes to its output, such as one that asks a secret store.

    Raises:
        KeySetError: it cannot be started, fails, takes too long, or writes no key set. What it writes is not shown.
    """
    words = words_of(command)
    name = Path(words[0]).name
    try:
        found = subprocess.run(  # noqa: S603  the operator's own command, without a shell
            words, stdin=subprocess.DEVNULL, capture_output=True, timeout=COMMAND_SECONDS, check=False
        )
    except subprocess.TimeoutExpired:
        raise KeySetError(f"{name} gave no key set in {COMMAND_SECONDS} s") from None
    except (OSError, ValueError) as error:
        raise KeySetError(f"{name} cannot be started: {getattr(error, 'strerror', None) or 'no such name'}") from None
    if found.returncode != 0:
        raise KeySetError(f"{name} ended with exit code {found.returncode}; run it by hand to see why")
    try:
        return parse(found.stdout.decode())
    except UnicodeDecodeError:
        raise KeySetError(f"{name} wrote no text") from None
    except KeySetError as error:
        raise KeySetError(f"{name}: {error}") from None


def words_of(command: str) -> list[str]:
    """The words of a command, which no shell reads; a KeySetError if it has none."""
    try:
        words = shlex.split(command)
    except ValueError:
        words = []
    if not words or not words[0]:
        raise KeySetError("this is no command: it is empty, or a quote is not closed")
    return words


def make(path: Path) -> bool:
    """Make the file with one new key; False, and nothing done, if there is one. A key in use is never overwritten."""
    return write(path, Keyring({1: secrets.token_bytes(KEY_BYTES)}))


def write(path: Path, keyring: Keyring) -> bool:
    """Write a key set to a new file that only its owner may read; False, and nothing done, if there is one."""
    private.make_folder(path.parent)
    with _draft(path, keyring) as draft:
        try:
            # A link fails if the name is taken, also by another process that makes the file at once.
            os.link(draft, path)
        except FileExistsError:
            return False
    return True


def replace(path: Path, before: Keyring, after: Keyring) -> None:
    """Put a changed key set in the place of the one that was read; who reads meanwhile gets one or the other.

    Raises:
        KeySetError: the file has other keys by now; nothing was written.
    """
    with path.open("rb") as file:
        fcntl.flock(file, fcntl.LOCK_EX)  # two that change the file at once: the second sees the first one's
        if load(path).exported() != before.exported():
            raise KeySetError(f"key set {path}: somebody else changed it meanwhile")
        with _draft(path, after) as draft:
            draft.replace(path)


@contextmanager
def _draft(path: Path, keyring: Keyring) -> Iterator[Path]:
    """A key set beside its file, whole and on the disk, for its owner alone; gone at the end if it is still there."""
    draft = path.with_name(f".{path.name}.{secrets.token_hex(8)}")
    try:
        with os.fdopen(os.open(draft, os.O_WRONLY | os.O_CREAT | os.O_EXCL, 0o600), "w") as file:
            file.write(keyring.exported())
            file.flush()
            os.fsync(file.fileno())
        yield draft
    finally:
        draft.unlink(missing_ok=True)


def load_or_make(path: Path) -> Keyring:
    """The keyring of a file, which is made if it is missing; processes that do so at once get the same key."""
    if not path.exists():
        make(path)
    return load(path)
