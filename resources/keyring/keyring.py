"""Encryption of single fields with AES-256-GCM, bound to the table, column and row of the value.

Layout (Tink's): 0x01, key id (4 bytes), nonce (12), ciphertext and tag. Additional data: table, column, row id and key
id, each after its length, so that a value does not open in another row or column. Each column has its own sub-key
(HKDF-SHA-256). What does not belong here: the source of the keys (key_set.py).
"""

import base64
import binascii
import json
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
    """A value that does not open: it has another key, row, column or version, or is damaged. No part of it is shown."""


class Keyring:
    """Keys by id: the highest id seals, each one opens. Safe to share among threads. The repr shows ids only."""

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

    @property
    def ids(self) -> frozenset[int]:
        """The ids of all keys."""
        return frozenset(self._keys)

    def exported(self) -> str:
        """The key set as JSON, in clear: for its envelope and its file alone."""
        return json.dumps({"keys": {str(i): base64.b64encode(key).decode() for i, key in sorted(self._keys.items())}})

    def __repr__(self) -> str:
        return f"Keyring(ids={sorted(self._keys)})"

    __str__ = __repr__

    def __reduce__(self) -> str:
        raise TypeError("a keyring cannot be pickled")

    def seal(self, value: bytes, *, table: str, column: str, row: str) -> bytes:
        """Encrypt with the newest key, for this row and column only."""
        key_id = self.newest
        nonce = secrets.token_bytes(NONCE_BYTES)
        ciphertext = self._cipher(key_id, table, column).encrypt(nonce, value, _context(table, column, row, key_id))
        return VERSION + key_id.to_bytes(4, "big") + nonce + ciphertext

    def open(self, sealed: bytes, *, table: str, column: str, row: str) -> bytes:
        """Decrypt a value that was sealed for this row and column; a SealError for any other."""
        key_id = key_id_of(sealed)
        nonce, ciphertext = sealed[HEAD_BYTES : HEAD_BYTES + NONCE_BYTES], sealed[HEAD_BYTES + NONCE_BYTES :]
        try:
            return self._cipher(key_id, table, column).decrypt(nonce, ciphertext, _context(table, column, row, key_id))
        except InvalidTag:
            raise SealError(f"{table}.{column}: does not open with key {key_id}; moved or damaged") from None

    def seal_text(self, value: str, *, table: str, column: str, row: str) -> str:
        """`seal` for a TEXT column: UTF-8 in, base64 out."""
        return base64.b64encode(self.seal(value.encode(), table=table, column=column, row=row)).decode()

    def open_text(self, sealed: str, *, table: str, column: str, row: str) -> str:
        """`open` for a TEXT column."""
        return self.open(_unpacked(sealed, table, column), table=table, column=column, row=row).decode()

    def is_old(self, sealed: bytes) -> bool:
        """Whether a value is sealed with another key than the newest, so that rotation must seal it again."""
        return key_id_of(sealed) != self.newest

    def sub_key(self, key_id: int, info: bytes, name: str) -> bytes:
        """The 32 bytes that HKDF-SHA-256 derives of a key for one purpose (`info`); a SealError names what needs it."""
        if key_id not in self._keys:
            raise SealError(f"{name}: sealed with key {key_id}, which is not in the key set")
        return HKDF(SHA256(), KEY_BYTES, salt=None, info=info).derive(self._keys[key_id])

    def _cipher(self, key_id: int, table: str, column: str) -> AESGCM:
        cipher = self._ciphers.get((key_id, table, column))
        if cipher is None:
            info = b"clearlift field" + _prefixed(table.encode()) + _prefixed(column.encode())
            sub_key = self.sub_key(key_id, info, f"{table}.{column}")
            cipher = self._ciphers[key_id, table, column] = AESGCM(sub_key)
        return cipher


def key_id_of(sealed: bytes) -> int:
    """The id of the key that a value was sealed with; a SealError if it is no sealed value."""
    if len(sealed) < HEAD_BYTES + NONCE_BYTES + TAG_BYTES or sealed[:1] != VERSION:
        raise SealError("not a sealed value of this version")
    return int.from_bytes(sealed[1:HEAD_BYTES], "big")


def _context(table: str, column: str, row: str, key_id: int) -> bytes:
    parts = (table.encode(), column.encode(), row.encode(), key_id.to_bytes(4, "big"))
    return b"".join(map(_prefixed, parts))


def _prefixed(part: bytes) -> bytes:
    return len(part).to_bytes(4, "big") + part


def _unpacked(text: str, table: str, column: str) -> bytes:
    try:
        return base64.b64decode(text, validate=True)
    except (ValueError, binascii.Error):
        raise SealError(f"{table}.{column}: not a sealed value") from None
