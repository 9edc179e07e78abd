"""What is said of a damaged object of an archive. Pure.

What does not belong here: finding damage (parts.py, sealed.py), and repairing it.
"""

from assets.archive.commands import repairs
from resources.declined import DeclinedError


class DamagedError(DeclinedError):
    """An object is not what was sealed. key: the object; wrong: what is wrong with it."""

    def __init__(self, key: str, wrong: str, next_step: str = "") -> None:
        # A copy that somebody gave lies at no place of the archive.
        super().__init__(f"{key}: {wrong}", next_step or repairs([key]) or "take it out of the copies")
        self.key, self.wrong = key, wrong
