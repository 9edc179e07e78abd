"""Encryption of fields with AES-256-GCM, bound to the table, column and row of the value, and indexes to find them by.

Layout (Tink's): 0x01, key id (4 bytes), nonce (12), ciphertext and tag. Additional data: table, column, row id and key
id, each after its length, so that a value does not open in another row or column. Each column has its own sub-key
(HKDF-SHA-256). docs/sealing.md gives the same in WebCrypto. What does not belong here: the source of the keys
(key_set.py), what makes two addresses one (addresses.py).
"""

import base64
import binascii
import json
import os
from collections.abc import Iterable, Mapping

from cryptography.exceptions import InvalidTag
from cryptography.hazmat.primitives.ciphers.aead import AESGCM

from resources.keyring.primitives import (
    HEAD_BYTES,
    KEY_BYTES,
    NONCE_BYTES,
    TAG_BYTES,
    VERSION,
    SealError,
    derived,
    key_id_of,
    mac,
    opened_with,
    prefixed,
    sealed_with,
)


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
        self._index_keys: dict[tuple[int, str, str], bytes] = {}

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

    def with_new_key(self) -> "Keyring":
        """These keys and a random one, which seals from now on."""
        return Keyring({**self._keys, self.newest + 1: os.urandom(KEY_BYTES)})

    def without(self, key_id: int) -> "Keyring":
        """These keys but one, which opens nothing any more."""
        return Keyring({i: key for i, key in self._keys.items() if i != key_id})

    def __repr__(self) -> str:
        return f"Keyring(ids={sorted(self._keys)})"

    __str__ = __repr__

    def __reduce__(self) -> str:
        raise TypeError("a keyring cannot be pickled")

    def seal(self, value: bytes, *, table: str, column: str, row: str) -> bytes:
        """Encrypt with the newest key, for this row and column only."""
        key_id = self.newest
        context = _context(table, column, row, key_id)
        return sealed_with(self._cipher(key_id, table, column), key_id, os.urandom(NONCE_BYTES), value, context)

    def open(self, sealed: bytes, *, table: str, column: str, row: str) -> bytes:
        """Decrypt a value that was sealed for this row and column; a SealError for any other."""
        key_id = key_id_of(sealed)
        value = opened_with(self._cipher(key_id, table, column), sealed, _context(table, column, row, key_id))
        if value is None:
            raise _moved(table, column, key_id)
        return value

    def seal_text(self, value: str, *, table: str, column: str, row: str) -> str:
        """`seal` for a TEXT column: UTF-8 in, base64 out."""
        return base64.b64encode(self.seal(value.encode(), table=table, column=column, row=row)).decode()

    def open_text(self, sealed: str, *, table: str, column: str, row: str) -> str:
        """`open` for a TEXT column."""
        return self.open(_unpacked(sealed, table, column), table=table, column=column, row=row).decode()

    def seal_texts(self, values: Iterable[tuple[str, str]], *, table: str, column: str) -> list[str]:
        """`seal_text` of many (row, value) of one column, at more than twice the speed."""
        pairs = list(values)
        key_id = self.newest
        head = VERSION + key_id.to_bytes(4, "big")
        before = prefixed(table.encode()) + prefixed(column.encode())
        after = prefixed(key_id.to_bytes(4, "big"))
        encrypt, packed = self._cipher(key_id, table, column).encrypt, binascii.b2a_base64
        nonces = os.urandom(NONCE_BYTES * len(pairs))
        found, start = [], 0
        for row, value in pairs:
            nonce = nonces[start : start + NONCE_BYTES]
            start += NONCE_BYTES
            name = row.encode()
            context = before + len(name).to_bytes(4, "big") + name + after
            found.append(packed(head + nonce + encrypt(nonce, value.encode(), context), newline=False).decode())
        return found

    def open_texts(self, values: Iterable[tuple[str, str]], *, table: str, column: str) -> list[str]:
        """`open_text` of many (row, sealed) of one column, at more than twice the speed."""
        before = prefixed(table.encode()) + prefixed(column.encode())
        start = HEAD_BYTES + NONCE_BYTES
        found: list[str] = []
        head = after = b""
        key_id = self.newest
        decrypt = self._cipher(key_id, table, column).decrypt
        for row, text in values:
            sealed = _unpacked(text, table, column)
            if sealed[:HEAD_BYTES] != head or len(sealed) < start + TAG_BYTES:
                key_id, head = key_id_of(sealed), sealed[:HEAD_BYTES]
                decrypt, after = self._cipher(key_id, table, column).decrypt, prefixed(head[1:])
            name = row.encode()
            context = before + len(name).to_bytes(4, "big") + name + after
            try:
                found.append(decrypt(sealed[HEAD_BYTES:start], sealed[start:], context).decode())
            except InvalidTag:
                raise _moved(table, column, key_id) from None
        return found

    def index(self, value: str, *, table: str, column: str) -> str:
        """What a sealed value is found by: the newest key's id, a point, and the HMAC of the value in base64."""
        return self._index(self.newest, value, table, column)

    def indexes(self, value: str, *, table: str, column: str) -> list[str]:
        """The indexes of a value by every key, newest first: a row may have any of them while keys are changed."""
        return [self._index(key_id, value, table, column) for key_id in sorted(self._keys, reverse=True)]

    def is_old(self, sealed: bytes) -> bool:
        """Whether a value is sealed with another key than the newest, so that rotation must seal it again."""
        return key_id_of(sealed) != self.newest

    def sub_key(self, key_id: int, info: bytes, name: str) -> bytes:
        """The 32 bytes that HKDF-SHA-256 derives of a key for one purpose (`info`); a SealError names what needs it."""
        if key_id not in self._keys:
            raise SealError(f"{name}: sealed with key {key_id}, which is not in the key set")
        return derived(self._keys[key_id], info)

    def _cipher(self, key_id: int, table: str, column: str) -> AESGCM:
        cipher = self._ciphers.get((key_id, table, column))
        if cipher is None:
            sub_key = self.sub_key(key_id, _purpose(b"clearlift field", table, column), f"{table}.{column}")
            cipher = self._ciphers[key_id, table, column] = AESGCM(sub_key)
        return cipher

    def _index(self, key_id: int, value: str, table: str, column: str) -> str:
        key = self._index_keys.get((key_id, table, column))
        if key is None:
            key = self.sub_key(key_id, _purpose(b"clearlift index", table, column), f"{table}.{column}")
            self._index_keys[key_id, table, column] = key
        return f"{key_id}.{base64.b64encode(mac(key, value.encode())).decode()}"


def _purpose(use: bytes, table: str, column: str) -> bytes:
    return use + prefixed(table.encode()) + prefixed(column.encode())


def _context(table: str, column: str, row: str, key_id: int) -> bytes:
    parts = (table.encode(), column.encode(), row.encode(), key_id.to_bytes(4, "big"))
    return b"".join(map(prefixed, parts))


def _moved(table: str, column: str, key_id: int) -> SealError:
    return SealError(f"{table}.{column}: does not open with key {key_id}; moved or damaged")


def _unpacked(text: str, table: str, column: str) -> bytes:
    try:
        return binascii.a2b_base64(text, strict_mode=True)
    except ValueError:
        raise SealError(f"{table}.{column}: not a sealed value") from None
