"""The page of how the pipelines stand: its sections, in order, each read by itself.

A section that cannot be read says so, and the others are shown. What does not belong here: what a section says.
"""

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import TypeVar

from assets.page import cached, cost, intakes, lag, lines, organisations, policies, recovery, runs, sizes, wrong
from assets.page.blocks import Link, Note, Page, Section, Standing
from assets.page.source import Source
from resources.postgres import PostgresUnreachableError
from resources.redaction import redact

TITLE = "ClearLift Pipelines"
LONGEST = 300
Records = TypeVar("Records")


@dataclass(frozen=True)
class _Part:
    name: str
    title: str
    made: Callable[[Source], Section]


def _part(name: str, title: str, read: Callable[[Source], Records], section: Callable[[Records], Section]) -> _Part:
    return _Part(name, title, lambda source: section(read(source)))


PARTS = (
    _part(wrong.NAME, wrong.TITLE, wrong.read, wrong.section),
    _part(lag.NAME, lag.TITLE, lag.read, lag.section),
    _part(lines.NAME, lines.TITLE, lines.read, lines.section),
    _part(intakes.NAME, intakes.TITLE, intakes.read, intakes.section),
    _part(organisations.NAME, organisations.TITLE, organisations.read, organisations.section),
    _part(cached.NAME, cached.TITLE, cached.read, cached.section),
    _part(sizes.NAME, sizes.TITLE, sizes.read, sizes.section),
    _part(runs.NAME, runs.TITLE, runs.read, runs.section),
    _part(cost.NAME, cost.TITLE, cost.read, cost.section),
    _part(recovery.NAME, recovery.TITLE, recovery.read, recovery.section),
    _part(policies.NAME, policies.TITLE, lambda source: source.apps, policies.section),
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
