"""Sealing of single fields: AES-256-GCM, bound to the place where the value lies.

Layout (Tink's): 0x01, key id (4 bytes), nonce (12), ciphertext and tag. Additional data: table, column, row id and key
id, each with its length before it, so that a value moved to another row or column does not open. Each column has a
sub-key of its own (HKDF-SHA-256). What does not belong here: where keys come from (key_set.py).
"""

import base64
import binascii
import secrets
from collections.abc import Mapping

from cryptography.exceptions import InvalidTag
from cryptography.hazmat.primitives.ciphers.aead import AESGCM
from cryptography.hazmat.primitives.hashes import SHA256
from cryptography.hazmat.primitives.kdf.hkdf import HKDF

KEY_BYTES = 32
NONCE_BYTES = 12
TAG_BYTES = 16
VERSION = b"\x01"
HEAD_BYTES = 1 + 4


class SealError(ValueError):
    """A value that does not open: another key, place or version, or damaged. It tells no part of the value."""


class Keyring:
    """Keys by id; the highest id seals, every one opens. Safe to share among threads; a repr shows ids alone."""

    def __init__(self, keys: Mapping[int, bytes]) -> None:
        if not keys:
            raise ValueError("a key set holds at least one key")
        for key_id, key in keys.items():
            if not 0 < key_id < 2**32:
                raise ValueError(f"key id {key_id} is not between 1 and 2^32 - 1")
            if len(key) != KEY_BYTES:
                raise ValueError(f"key {key_id} has {len(key)} bytes, not {KEY_BYTES}")
        self._keys = dict(keys)
        self._ciphers: dict[tuple[int, str, str], AESGCM] = {}

    @property
    def newest(self) -> int:
        """The id of the key that seals."""
        return max(self._keys)

    def __repr__(self) -> str:
        return f"Keyring(ids={sorted(self._keys)})"

    __str__ = __repr__

    def __reduce__(self) -> str:
        raise TypeError("a keyring is not written anywhere")

    def seal(self, value: bytes, *, table: str, column: str, row: str) -> bytes:
        """Encrypt with the newest key, for this place alone."""
        key_id = self.newest
        nonce = secrets.token_bytes(NONCE_BYTES)
        ciphertext = self._cipher(key_id, table, column).encrypt(nonce, value, _place(table, column, row, key_id))
        return VERSION + key_id.to_bytes(4, "big") + nonce + ciphertext

    def open(self, sealed: bytes, *, table: str, column: str, row: str) -> bytes:
        """Decrypt what was sealed for this place; raises SealError."""
        key_id = key_id_of(sealed)
        if key_id not in self._keys:
            raise SealError(f"{table}.{column}: sealed with key {key_id}, which is not in the key set")
        nonce, ciphertext = sealed[HEAD_BYTES : HEAD_BYTES + NONCE_BYTES], sealed[HEAD_BYTES + NONCE_BYTES :]
        try:
            return self._cipher(key_id, table, column).decrypt(nonce, ciphertext, _place(table, column, row, key_id))
        except InvalidTag:
            raise SealError(f"{table}.{column}: does not open with key {key_id}; moved or damaged") from None

    def seal_text(self, value: str, *, table: str, column: str, row: str) -> str:
        """`seal` for a TEXT column: UTF-8 in, base64 out."""
        return base64.b64encode(self.seal(value.encode(), table=table, column=column, row=row)).decode()

    def open_text(self, sealed: str, *, table: str, column: str, row: str) -> str:
        """`open` for a TEXT column."""
        return self.open(_unpacked(sealed, table, column), table=table, column=column, row=row).decode()

    def is_old(self, sealed: bytes) -> bool:
        """Whether a value is sealed with another key than the newest, and so waits for rotation."""
        return key_id_of(sealed) != self.newest

    def _cipher(self, key_id: int, table: str, column: str) -> AESGCM:
        found = self._ciphers.get((key_id, table, column))
        if found is None:
            info = b"clearlift field" + _prefixed(table.encode()) + _prefixed(column.encode())
            sub_key = HKDF(SHA256(), KEY_BYTES, salt=None, info=info).derive(self._keys[key_id])
            found = self._ciphers[key_id, table, column] = AESGCM(sub_key)
        return found


def key_id_of(sealed: bytes) -> int:
    """The id of the key that a value was sealed with; raises SealError for what is no sealed value."""
    if len(sealed) < HEAD_BYTES + NONCE_BYTES + TAG_BYTES or sealed[:1] != VERSION:
        raise SealError("not a sealed value of this version")
    return int.from_bytes(sealed[1:HEAD_BYTES], "big")


def _place(table: str, column: str, row: str, key_id: int) -> bytes:
    parts = (table.encode(), column.encode(), row.encode(), key_id.to_bytes(4, "big"))
    return b"".join(map(_prefixed, parts))


def _prefixed(part: bytes) -> bytes:
    return len(part).to_bytes(4, "big") + part


def _unpacked(text: str, table: str, column: str) -> bytes:
    try:
        return base64.b64decode(text, validate=True)
    except (ValueError, binascii.Error):
        raise SealError(f"{table}.{column}: not a sealed value") from None
