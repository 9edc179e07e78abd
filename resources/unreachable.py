"""The error of a store or service that nobody answers for, with the setting that says where it is. Pure.

What does not belong here: which errors of a driver mean it, which each room knows.
"""

from resources.declined import DeclinedError


def where_to_look(place: str, setting: str | None) -> str:
    """The next step where `place` does not answer; setting: the variable that names the place, if one does."""
    return f"see that {place} can be reached from here" + (f", or correct {setting}" if setting else "")


class UnreachableError(DeclinedError, ConnectionError):
    """Nobody answers there; the reason names place and cause. The same may go well later."""

    retryable = True
