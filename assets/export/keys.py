"""What Workers KV holds of a person: keys that are made of their ids, or of rows of theirs.

What belongs here: which keys are theirs. What does not: who makes them (cache/).
"""

import json
from collections.abc import Iterator
from typing import Any

from assets.apps import App
from assets.cache import keys
from assets.cache.families import families
from assets.export.portion import Portion, Row, portion_name
from assets.privacy.identity import Identity
from assets.rooms import Rooms
from resources.kv import KV
from resources.kv.limits import MAX_KEY_BYTES

PAGE = ":page:"


def of_kv(rooms: Rooms, app: App, identity: Identity) -> Iterator[Portion]:
    """One portion, of the keys of all families."""
    if app.has_kv:
        yield Portion(
            portion_name("kv", "keys"), "What is kept ready to be read fast", _rows(rooms.kv(app), app, identity)
        )


def _rows(kv: KV, app: App, identity: Identity) -> Iterator[Row]:
    for key in sorted({*identity.keys, *_of_ids(app, identity)}):
        found = kv.get_many([key, *(info.name for info in kv.list(f"{key}{PAGE}"))])
        yield from ({"key": name, "value": _value(data)} for name, data in sorted(found.items()))


def _of_ids(app: App, identity: Identity) -> Iterator[str]:
    templates = {family.name: family.key for family in families(app)}
    templates |= {key: key for aside in app.cache_aside for key in aside.keys}
    for name, template in templates.items():
        fields = keys.fields(template)
        for kind, place in app.holding("kv", name).subjects:
            for id_ in identity.ids.get(kind, ()):
                if fields == [place.removeprefix("key.")]:
                    key = keys.filled(template, {fields[0]: id_})
                    if len(key) <= MAX_KEY_BYTES:
                        yield key


def _value(data: bytes) -> Any:
    try:
        return json.loads(data)
    except ValueError:
        return data.decode(errors="replace")
