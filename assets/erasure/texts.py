"""Texts that hold an id among other things: how one is looked for there. Pure.

Only whole ids count, because `user-001` is part of `user-0011`. What does not belong here: other encodings than those
that a web page puts into its address; a search over the bytes of every store looks for them (search).
"""

import json
from collections.abc import Iterable, Sequence
from urllib.parse import quote

from assets.privacy.identity import Identity

SHORTEST = 4
"""Characters. A shorter id is in too many texts that are about something else."""
_AT_ONCE = 200
_NEIGHBOUR = "[A-Za-z0-9_-]"


def needles(identities: Iterable[Identity]) -> list[str]:
    """What to look for: ids and other texts of people and organisations, plain, percent-encoded, and as JSON may write
    them.
    """
    plain = {
        text
        for one in identities
        for text in (*one.organisation, *one.texts, *(id_ for ids in one.ids.values() for id_ in ids))
        if len(text) >= SHORTEST
    }
    encoded = {quote(text, safe=safe) for text in plain for safe in ("", "@+")}
    encoded |= {text.replace("%", "%25") for text in encoded if "%" in text}
    return sorted(plain | encoded | {json.dumps(text)[1:-1] for text in plain})


def patterns(found: Sequence[str]) -> list[str]:
    """Regular expressions, as Postgres and Python both read them, that find any of these as a whole."""
    escaped = ["".join(f"\\{c}" if c.isascii() and not c.isalnum() else c for c in text) for text in found]
    groups = [escaped[at : at + _AT_ONCE] for at in range(0, len(escaped), _AT_ONCE)]
    return [f"(?<!{_NEIGHBOUR})(?:{'|'.join(group)})(?!{_NEIGHBOUR})" for group in groups]
