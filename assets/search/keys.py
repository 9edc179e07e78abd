"""The search through Workers KV: names, metadata and values of all keys, and the file where it is ours.

What belongs here: reading the namespace. What does not: which keys there should be (cache/).
"""

import json
from collections.abc import Iterable
from itertools import islice

from assets.search.files import search_file
from assets.search.look import Look
from resources.kv import EmbeddedKV
from resources.kv.protocol import KeyInfo

PLACE = "kv"
TOGETHER = 100


def search_keys(look: Look) -> None:
    """Every key of the app's namespace."""
    kv = look.rooms.kv(look.app)
    listed = iter(kv.list())
    while infos := list(islice(listed, TOGETHER)):
        values = kv.get_many(info.name for info in infos)
        together = b"\0".join(_line(info, values) for info in infos)
        look.read[PLACE] += len(together)
        # Most name nobody, and are not looked at one by one.
        if look.needles.are_in(together):
            _one_by_one(look, infos, values)
    if isinstance(kv, EmbeddedKV):
        search_file(look, PLACE, kv.path)


def _one_by_one(look: Look, infos: Iterable[KeyInfo], values: dict[str, bytes]) -> None:
    for info in infos:
        with look.text(PLACE, info.name) as feed:
            feed(_line(info, values))


def _line(info: KeyInfo, values: dict[str, bytes]) -> bytes:
    metadata = b"" if info.metadata is None else json.dumps(info.metadata).encode()
    return b"\0".join((info.name.encode(), metadata, values.get(info.name, b"")))
