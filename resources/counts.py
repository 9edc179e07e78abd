"""Numbers of things, and lists of them, in words, as every floor says them. Pure."""

from collections.abc import Sequence


def counted(number: int, noun: str, plural: str = "") -> str:
    """`1 line`, `1,200 lines`; `plural` where it is not the noun with an s, as with a verb: `1 line waits`."""
    return f"{number:,} {noun if number == 1 else plural or noun + 's'}"


def listed(things: Sequence[str], most: int, joined: str = ", ") -> str:
    """The first things, and how many more there are: `a, b and 3 more`."""
    more = f" and {len(things) - most} more" if len(things) > most else ""
    return f"{joined.join(things[:most])}{more}"
