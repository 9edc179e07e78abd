"""The keyring: keys that encrypt single fields, and what they seal.

What belongs here: key sets, sealing and opening of a field's value. What does not: which fields are secret, and the
stores that they lie in.
"""

from resources.keyring.key_set import KeySetError, load, load_or_make, parse
from resources.keyring.keyring import Keyring, SealError

__all__ = ["KeySetError", "Keyring", "SealError", "load", "load_or_make", "parse"]
