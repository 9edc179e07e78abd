"""Whether an event may be used for marketing, by what its visitor and user chose before. Pure.

The rule. An event is refused by its own flag (`consent_marketing` is false) or its own signal (`gpc` in `event_data`).
It is refused by the newest choice of its visitor, or of its user, in the list or by a signal, up to its moment. An
event without a flag is refused by the newest flag of its visitor. What is earlier than a choice stays as it was.
"""

from bisect import bisect_right
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Literal, NamedTuple

Source = Literal["flag", "signal", "list"]
SIGNAL = "gpc"
"""The field of `event_data` by which the tracker says that the browser sent `Sec-GPC: 1`: true or 1."""


class Subject(NamedTuple):
    """A visitor or user of an organisation, by the hash of both."""

    org_tag: str
    kind: Literal["visitor", "user"]
    hash: bytes


@dataclass(frozen=True)
class Choice:
    """A choice of a subject at a moment."""

    subject: Subject
    at: datetime
    source: Source
    refuses: bool


class Choices:
    """The choices of some subjects, to be asked about events."""

    def __init__(self, choices: Iterable[Choice]) -> None:
        self._found: dict[tuple[Subject, bool], list[tuple[datetime, bool]]] = {}
        for choice in choices:
            own = self._found.setdefault((choice.subject, choice.source == "flag"), [])
            own.append((choice.at, choice.refuses))
        for own in self._found.values():
            own.sort()

    def opted_out(self, subject: Subject, at: datetime) -> bool:
        """Whether the newest choice up to a moment, in the list or by a signal, refuses."""
        return self._newest(subject, at, is_flag=False)

    def refused(self, visitor: Subject, user: Subject | None, at: datetime, flag: bool | None, signal: bool) -> bool:
        """Whether an event is refused."""
        if flag is False or signal:
            return True
        if any(self.opted_out(subject, at) for subject in (visitor, user) if subject is not None):
            return True
        return flag is None and self._newest(visitor, at, is_flag=True)

    def _newest(self, subject: Subject, at: datetime, *, is_flag: bool) -> bool:
        own = self._found.get((subject, is_flag), ())
        place = bisect_right(own, (at, True))
        return own[place - 1][1] if place else False


def flag_choices(visitor: Subject, flags: Sequence[tuple[datetime, bool]]) -> list[Choice]:
    """The first flag of a visitor's events and each one that differs from the one before it.

    flags: moments, and whether marketing was allowed. Of two at one moment the refusal counts.
    """
    at_once: dict[datetime, bool] = {}
    for at, allowed in sorted(flags):
        at_once[at] = at_once.get(at, True) and allowed
    found: list[Choice] = []
    for at, allowed in at_once.items():
        if not found or found[-1].refuses == allowed:
            found.append(Choice(visitor, at, "flag", refuses=not allowed))
    return found
