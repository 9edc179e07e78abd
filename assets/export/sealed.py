"""A person's rows with their sealed values opened.

What belongs here: what is shown where a value does not open. What does not: opening (sealing/opening.py).
"""

from assets.apps.personal import Holding
from assets.export.portion import Row
from assets.sealing import opening
from resources.keyring import Keyring, SealError

SEALED = "[sealed]"


def opened(entry: Holding, row: Row, keyring: Keyring) -> Row:
    """The row as it was before it was sealed. What the keys here do not open says only that it is sealed."""
    try:
        return opening.opened(entry, row, keyring)
    except SealError:
        kept = {rule.into for rule in entry.sealed}
        return {name: SEALED if name in kept and value is not None else value for name, value in row.items()}
