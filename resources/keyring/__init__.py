"""The keyring: encryption of single fields, and of streams of bytes, with a set of keys; envelopes of such a set.

What belongs here: key sets, encryption ('sealing') and decryption ('opening'). What does not: which fields
are secret, and the stores that have them.
"""

from resources.keyring.envelope import EnvelopeError, unwrap, wrap
from resources.keyring.key_set import KeySetError, fingerprint, load, load_or_make, make, parse, write
from resources.keyring.keyring import KEY_BYTES, Keyring, SealError

__all__ = [
    "KEY_BYTES",
    "EnvelopeError",
    "KeySetError",
    "Keyring",
    "SealError",
    "fingerprint",
    "load",
    "load_or_make",
    "make",
    "parse",
    "unwrap",
    "wrap",
    "write",
]
