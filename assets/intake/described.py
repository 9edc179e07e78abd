"""How a run shows the landed objects that it took, each with the command that lists its refused lines. Pure.

What does not belong here: taking them, and counting their lines.
"""

from collections.abc import Callable, Iterable
from typing import Protocol, TypeVar

SHOWN = 20


class Taken(Protocol):
    """An object of which every line was counted."""

    @property
    def sha256(self) -> str: ...
    @property
    def received(self) -> int: ...
    @property
    def stored(self) -> int: ...
    @property
    def doubled(self) -> int: ...
    @property
    def quarantined(self) -> int: ...


T = TypeVar("T", bound=Taken)


def taken(objects: Iterable[T], name: Callable[[T], str]) -> list[dict[str, str]]:
    """Some objects of a run as rows of a table, those with refused lines first. name: what an object is called there,
    which says nothing of a person.
    """
    ordered = sorted(objects, key=lambda one: (-one.quarantined, name(one)))
    return [
        {
            "batch": name(one),
            "lines": f"{one.received}: {one.stored} stored, {one.doubled} doubled, {one.quarantined} refused",
            "refused lines": f"clearlift quarantine list --batch {one.sha256[:16]}" if one.quarantined else "",
        }
        for one in ordered[:SHOWN]
    ]
