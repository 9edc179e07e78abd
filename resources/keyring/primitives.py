"""What sealing stands on: AES-256-GCM in the layout of a field, HKDF-SHA-256 and HMAC-SHA-256, with every input given.

Published vectors run through these functions. What does not belong here: the choice of keys and nonces (keyring.py).
"""

import hmac

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


def sealed_with(cipher: AESGCM, key_id: int, nonce: bytes, value: bytes, context: bytes) -> bytes:
    """The layout of a sealed field: 0x01, key id (4 bytes), nonce (12), ciphertext and tag."""
    return VERSION + key_id.to_bytes(4, "big") + nonce + cipher.encrypt(nonce, value, context)


def opened_with(cipher: AESGCM, sealed: bytes, context: bytes) -> bytes | None:
    """The value of a sealed field; None where the key, the context or one bit is another one."""
    nonce, ciphertext = sealed[HEAD_BYTES : HEAD_BYTES + NONCE_BYTES], sealed[HEAD_BYTES + NONCE_BYTES :]
    try:
        return cipher.decrypt(nonce, ciphertext, context)
    except InvalidTag:
        return None


def key_id_of(sealed: bytes) -> int:
    """The id of the key that a value was sealed with; a SealError if it is no sealed value."""
    if len(sealed) < HEAD_BYTES + NONCE_BYTES + TAG_BYTES or sealed[:1] != VERSION:
        raise SealError("not a sealed value of this version")
    return int.from_bytes(sealed[1:HEAD_BYTES], "big")


def derived(key: bytes, info: bytes, size: int = KEY_BYTES, salt: bytes | None = None) -> bytes:
    """HKDF-SHA-256."""
    return HKDF(SHA256(), size, salt=salt, info=info).derive(key)


def mac(key: bytes, message: bytes) -> bytes:
    """HMAC-SHA-256."""
    return hmac.digest(key, message, "sha256")


def prefixed(part: bytes) -> bytes:
    """A part after its length (4 bytes), so that neighbouring parts cannot be confused."""
    return len(part).to_bytes(4, "big") + part
