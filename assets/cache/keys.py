"""Keys made from templates. Pure.

The value of a field is percent-encoded as JavaScript's encodeURIComponent does it. So an application makes the same key
from the same row, and no value can make a key of another template or tenant.
"""

import re
from collections.abc import Callable, Mapping
from typing import Any
from urllib.parse import quote

FIELD = re.compile(r"\{(\w+)\}")
# Characters that encodeURIComponent keeps and quote would encode.
UNRESERVED = "!*'()"


def fields(template: str) -> list[str]:
    """The names of a template's fields, in order."""
    return FIELD.findall(template)


def filled(template: str, row: Mapping[str, Any]) -> str:
    """The key of a row; raises KeyError if the row lacks a field."""
    return FIELD.sub(lambda field: quote(str(row[field[1]]), safe=UNRESERVED), template)


def pattern(template: str) -> re.Pattern[str]:
    """The pattern of a template's keys and of the keys of their pages."""
    parts = FIELD.split(template)
    texts = [re.escape(part) if number % 2 == 0 else "[^:]*" for number, part in enumerate(parts)]
    return re.compile("".join(texts) + r"(?::page:\d+)?")


def classifier(templates: Mapping[str, str]) -> Callable[[str], str]:
    """A function from a key to the name of its template; an empty name if there is none."""
    patterns = [(name, pattern(template)) for name, template in templates.items()]

    def name_of(key: str) -> str:
        return next((name for name, compiled in patterns if compiled.fullmatch(key)), "")

    return name_of


def overlap(one: str, other: str) -> bool:
    """Whether two templates can make the same key."""
    ours, theirs = one.split(":"), other.split(":")
    return len(ours) == len(theirs) and all(
        a == b or FIELD.search(a) is not None or FIELD.search(b) is not None for a, b in zip(ours, theirs, strict=True)
    )
