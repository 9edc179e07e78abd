"""People who are searched for in tests. No fixtures here."""

from assets.apps.personal import Person
from assets.privacy.identity import Identity


def person(*ids: str, kind: Person = "user", texts: tuple[str, ...] = (), request: str = "request-1") -> Identity:
    """An identity with these ids."""
    return Identity(request, "sesh", {kind: frozenset(ids)}, texts=frozenset(texts))
