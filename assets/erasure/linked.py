"""Which ids are of one person, by the rows that name several. Pure.

The rule: a row whose ids are all of one person leads from a user, a member or a lead to the other ids in it. An id that
some row shows together with somebody else's is shared, as by a browser that two people use, and is not taken. An
anonymous id leads nowhere. What does not belong here: reading rows.
"""

from collections.abc import Callable, Collection, Iterable, Mapping

from assets.apps.personal import Person

Ids = dict[Person, set[str]]
Row = tuple[tuple[Person, str], ...]
"""The ids of a row, without those that it lacks."""
Rows = Callable[[Mapping[Person, Collection[str]]], Iterable[Row]]
"""The rows of one person each that name any of these ids."""

ANONYMOUS: Person = "visitor"


def grown(start: Mapping[Person, Collection[str]], rows: Rows) -> tuple[Ids, int]:
    """All ids of the person whose ids are at the start, and how many were left out because they are shared."""
    ids: Ids = {kind: set(of_kind) for kind, of_kind in start.items() if of_kind}
    shared: set[tuple[Person, str]] = set()
    while found := _next(ids, shared, rows, anonymous=False):
        _take(ids, found)
    _take(ids, _next(ids, shared, rows, anonymous=True))
    return ids, len(shared)


def _next(ids: Ids, shared: set[tuple[Person, str]], rows: Rows, *, anonymous: bool) -> set[tuple[Person, str]]:
    """Ids that stand beside known ones and are nobody else's."""
    leading = {kind: of_kind for kind, of_kind in ids.items() if kind != ANONYMOUS}
    if not leading:
        return set()
    known = {(kind, id_) for kind, of_kind in ids.items() for id_ in of_kind}
    beside = {
        pair
        for row in rows(leading)
        for pair in row
        if pair not in known and pair not in shared and (pair[0] == ANONYMOUS) == anonymous
    }
    if not beside:
        return set()
    ours = known | beside
    wanted: Ids = {}
    _take(wanted, beside)
    foreign = {
        pair
        for row in rows(wanted)
        for pair in row
        if pair in beside and any(other not in ours and other[0] != ANONYMOUS for other in row)
    }
    shared |= foreign
    return beside - foreign


def _take(ids: Ids, found: Iterable[tuple[Person, str]]) -> None:
    for kind, id_ in found:
        ids.setdefault(kind, set()).add(id_)
