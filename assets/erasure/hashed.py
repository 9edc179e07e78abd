"""What our Postgres holds of people as a hash of organisation and id, as subjects of tombstones.

Such a row comes back with an old backup, and from the hash nothing leads to the id of a tombstone. What does not belong
here: the ids themselves (privacy/tombstones.py).
"""

from collections.abc import Collection

from assets.apps import App
from assets.privacy.identity import Identity
from assets.privacy.tombstones import HASH
from assets.search.hashes import of_visitor


def subjects_of(app: App, identity: Identity, tenants: Collection[str]) -> list[tuple[str, str]]:
    """The subjects (kind, text of the column) of a person. tenants: the tags of all organisations of the app."""
    within = frozenset(tenants) & identity.within if identity.within else frozenset(tenants)
    kinds = {kind for entry in app.holdings if entry.store == "postgres" for kind, _ in entry.hashed}
    ids = frozenset[str]().union(*(of_kind for kind, of_kind in identity.ids.items() if kind in kinds))
    return sorted((HASH, f"\\x{of_visitor(id_, tenant).hex()}") for id_ in ids for tenant in within)
