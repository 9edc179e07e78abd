"""Texts that may name a person who was erased: paths, keys of objects, names of campaigns. Pure.

Of an erased person nothing is known but hashes, so that each part of a text which may be an id is asked for. What does
not belong here: who was erased (tombstones.py), lines with fields (erased_lines.py).
"""

import re
from collections.abc import Iterator
from urllib.parse import unquote

from assets.apps.personal import ORGANISATION
from assets.privacy.tombstones import WITHIN, Tombstones

SHORTEST = 4
"""Characters. A shorter id is in too many texts that are about something else."""
_PARTS = (re.compile(r"[\w-]+"), re.compile(r"[\w.@+:~-]+"), re.compile(r"[^\s\"'/?&=#,;(){}\[\]]+"))


def name_erased(text: str, erased: Tombstones, organisation: str | None = None) -> bool:
    """Whether a text names an erased person, as it is or percent-encoded. organisation: whose the text is.

    An id within a text is found where it has no spaces, slashes or quotes, or has them percent-encoded.
    """
    kinds = sorted({kind.removesuffix(WITHIN) for kind in erased.hashes} - {ORGANISATION})
    return any(erased.holds(kind, part, organisation) for part in dict.fromkeys(_parts(text)) for kind in kinds)


def _parts(text: str) -> Iterator[str]:
    for form in dict.fromkeys((text, unquote(text))):
        yield form
        for pattern in _PARTS:
            for part in pattern.findall(form):
                yield from (text for text in (part, unquote(part)) if len(text) >= SHORTEST)
