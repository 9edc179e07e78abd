"""The page of how the pipelines stand: its sections, in order, each read by itself.

A section that cannot be read says so, and the others are shown. What does not belong here: what a section says.
"""

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import Any, Protocol

from assets.page import cached, cost, intakes, lag, lines, organisations, policies, recovery, runs, sizes, wrong
from assets.page.blocks import Link, Note, Page, Section, Standing
from assets.page.source import Source
from resources.postgres import PostgresUnreachableError
from resources.redaction import redact

TITLE = "ClearLift Pipelines"
LONGEST = 300


class _Module(Protocol):
    """A module of this folder that makes a section of what it reads."""

    NAME: str
    TITLE: str

    def read(self, source: Source, /) -> Any: ...

    def section(self, records: Any, /) -> Section: ...


@dataclass(frozen=True)
class _Part:
    name: str
    title: str
    made: Callable[[Source], Section]


def _part(module: _Module) -> _Part:
    return _Part(module.NAME, module.TITLE, lambda source: module.section(module.read(source)))


PARTS = (
    *map(_part, (wrong, lag, lines, intakes, organisations, cached, sizes, runs, cost, recovery)),
    _Part(policies.NAME, policies.TITLE, lambda source: policies.section(source.apps)),
)


def made(source: Source, links: Sequence[tuple[str, Sequence[Link]]] = ()) -> Page:
    """The page. links: ways to other pages, where it is served beside them."""
    unreachable = ""
    sections: list[Section] = []
    for part in PARTS:
        # Each of the others would wait as long for the same database.
        if unreachable and part.name != policies.NAME:
            sections.append(_unread(part, unreachable))
            continue
        try:
            sections.append(part.made(source))
        except PostgresUnreachableError as error:
            unreachable = str(error)
            sections.append(_unread(part, unreachable))
        except Exception as error:  # noqa: BLE001 (what cannot be read is said in its place)
            sections.append(_unread(part, str(error) or type(error).__name__))
    standing = sections[0].standing
    said = "The worst of what is wrong is beside the title."
    return Page(TITLE, said, source.now, sections, standing, links)


def _unread(part: _Part, why: str) -> Section:
    said = " ".join(redact(why).split())[:LONGEST]
    note = Note(f"No data, because it could not be read: {said}", Standing.UNKNOWN)
    return Section(part.name, part.title, "Next: clearlift doctor", [note], Standing.UNKNOWN)
