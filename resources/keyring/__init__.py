"""The keyring: encryption of single fields, and of streams of bytes, with a set of keys.

What belongs here: key sets, encryption ('sealing') and decryption ('opening'). What does not: which fields
are secret, and the stores that have them.
"""

from resources.keyring.key_set import KeySetError, load, load_or_make, make, parse
from resources.keyring.keyring import Keyring, SealError

__all__ = ["KeySetError", "Keyring", "SealError", "load", "load_or_make", "make", "parse"]
