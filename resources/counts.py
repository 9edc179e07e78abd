"""Numbers of things in words, as every floor says them. Pure."""


def counted(number: int, noun: str, plural: str = "") -> str:
    """`1 line`, `1,200 lines`; `plural` where it is not the noun with an s, as with a verb: `1 line waits`."""
    return f"{number:,} {noun if number == 1 else plural or noun + 's'}"
