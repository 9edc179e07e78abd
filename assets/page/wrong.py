"""The section of findings: what is wrong, since when, and the command that ends it. It is the first of the page."""

from collections import Counter
from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta

from assets.finding import NOTHING_RAN, NOTHING_WRONG, Severity
from assets.health.ledger import Ledger, OpenFinding
from assets.page import figures
from assets.page.blocks import Block, Cell, Column, Figure, Figures, Note, Row, Section, Standing, Table
from assets.page.source import Source
from resources.counts import counted

# The sensor looks every 5 minutes: two of its looks were missed.
LATE = timedelta(minutes=15)
NAME, TITLE = "findings", "What is wrong"
STANDINGS = {Severity.CRITICAL: Standing.CRITICAL, Severity.WARNING: Standing.WARNING}


@dataclass(frozen=True)
class Ended:
    """A finding that ended."""

    what: str
    severity: Severity
    since: datetime
    ended: datetime


@dataclass(frozen=True)
class Wrong:
    """What is open at `now`, when anything was looked at last (None: never) by how many checks, and what ended.

    ran: whether anything ever ran.
    """

    now: datetime
    looked: datetime | None
    checks: int
    found: Sequence[OpenFinding]
    ended: Sequence[Ended]
    ran: bool

    @property
    def is_known(self) -> bool:
        """Whether somebody has looked lately."""
        return self.looked is not None and self.now - self.looked <= LATE

    @property
    def standing(self) -> Standing:
        severities = {one.finding.severity for one in self.found}
        if severities:
            return STANDINGS[Severity.CRITICAL if Severity.CRITICAL in severities else Severity.WARNING]
        return Standing.GOOD if self.is_known and self.ran else Standing.UNKNOWN


def read(source: Source) -> Wrong:
    """What the ledger of findings says."""
    ledger = Ledger(source.rooms.postgres)
    looked = ledger.looked()
    ended = [
        Ended(f"{row['app']}/{row['name']}: {row['subject']}", Severity(row["severity"]), row["since"], row["ended"])
        for row in source.fetch("ended_findings", since=source.now - timedelta(days=7))
    ]
    return Wrong(source.now, max(looked.values(), default=None), len(looked), ledger.open(), ended, source.ran())


def section(wrong: Wrong) -> Section:
    """How it is shown."""
    counts = Counter(one.finding.severity for one in wrong.found)
    looked = Standing.PLAIN if wrong.is_known else Standing.UNKNOWN
    blocks: list[Block] = [
        Figures(
            [
                *(
                    Figure(severity, counted(counts[severity], "finding"), standing=_of(severity, counts[severity]))
                    for severity in reversed(Severity)
                ),
                Figure("last look", figures.moment(wrong.looked), f"{counted(wrong.checks, 'check')}", looked),
            ]
        ),
        *_notes(wrong),
    ]
    if wrong.found:
        columns = [Column(title) for title in ("severity", "what", "why", "since", "next")]
        rows = [_open(one) for one in wrong.found]
        blocks.append(Table("One row a finding, the worst and oldest first", columns, rows, stacked=True))
    if wrong.ended:
        columns = [Column("severity"), Column("what"), Column("since"), Column("ended"), Column("after", number=True)]
        ended = [_ended(one) for one in wrong.ended]
        blocks.append(Table("Findings that ended in the last 7 days", columns, ended, folded=True))
    return Section(NAME, TITLE, "Each finding names the one command that ends it.", blocks, wrong.standing)


def _open(one: OpenFinding) -> Row:
    found = one.finding
    severity, next_step = Cell(found.severity, STANDINGS[found.severity]), Cell(found.command, code=True)
    return [severity, one.what, found.message, figures.moment(one.since), next_step]


def _ended(one: Ended) -> Row:
    took = figures.duration(one.ended - one.since)
    return [one.severity, one.what, figures.moment(one.since), figures.moment(one.ended), took]


def _of(severity: Severity, number: int) -> Standing:
    return STANDINGS[severity] if number else Standing.PLAIN


def _notes(wrong: Wrong) -> list[Note]:
    if wrong.looked is None:
        return [Note("Nobody has looked yet, so that nothing is known. Next: clearlift status", Standing.UNKNOWN)]
    if not wrong.is_known:
        said = (
            f"Nobody has looked since {figures.moment(wrong.looked)}, so that this may be over. Next: clearlift status"
        )
        return [Note(said, Standing.UNKNOWN)]
    if wrong.found:
        return []
    return [Note(NOTHING_WRONG, Standing.GOOD) if wrong.ran else Note(NOTHING_RAN, Standing.UNKNOWN)]
