"""The keyring: encryption of fields and of streams of bytes with a set of keys; indexes of fields; envelopes of a set.

What belongs here: key sets, encryption ('sealing') and decryption ('opening'). What does not: which fields
are secret, and the stores that have them.
"""

from resources.keyring.envelope import EnvelopeError, unwrap, wrap
from resources.keyring.key_set import (
    KeySetError,
    fingerprint,
    load,
    load_or_make,
    make,
    named,
    of_command,
    parse,
    replace,
    words_of,
    write,
)  # fmt: skip
from resources.keyring.keyring import Keyring
from resources.keyring.primitives import KEY_BYTES, SealError

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
    "named",
    "of_command",
    "parse",
    "replace",
    "unwrap",
    "words_of",
    "wrap",
    "write",
]
