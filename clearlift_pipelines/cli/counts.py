"""Numbers of things in words."""


def counted(number: int, noun: str, plural: str = "") -> str:
    """`1 line`, `1,200 lines`; `plural` where it is not the noun with an s."""
    return f"{number:,} {noun if number == 1 else plural or noun + 's'}"
