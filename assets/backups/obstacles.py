"""What stands in the way of single rows that shall be put beside what a live store has now, as data and as a refusal.
Pure.

It names tables, keys and numbers of rows, never a value of a row. What does not belong here: finding it
(d1_obstacles.py, resources/postgres/beside.py).
"""

from collections.abc import Sequence
from dataclasses import dataclass

from resources.counts import counted, listed
from resources.declined import DeclinedError

SHOWN = 5  # obstacles of an error


@dataclass(frozen=True)
class Obstacle:
    """Rows of a set that a live table does not take: they refer to rows that `parent` does not have, or, where there is
    no parent, other rows have their values of a unique key. key: its name, or its columns.
    """

    table: str
    key: str
    rows: int
    parent: str = ""

    def __str__(self) -> str:
        of = self.table
        if self.parent:
            rows = counted(self.rows, f"row of {of} refers", f"rows of {of} refer")
            return f"{rows} by {self.key} to what is not in {self.parent}"
        rows = counted(self.rows, f"row of {of} has", f"rows of {of} have")
        return f"{rows} a value of the unique key {self.key} that another row has now"


class InTheWayError(DeclinedError):
    """The live store does not take these rows beside those that it has. Nothing was written."""

    def __init__(self, store: str, obstacles: Sequence[Obstacle], *, of_owners: bool) -> None:
        parents = sorted({one.parent for one in obstacles if one.parent})
        steps = []
        if parents:
            again = "first restore that table without --organisation" if of_owners else "restore that table with it"
            steps.append(f"{again}: {' '.join(f'--table {name}' for name in parents)}")
        if any(not one.parent for one in obstacles):
            steps.append("give the rows that are there now another value of the unique key")
        steps.append("restore into a new place with --into, and take the rows from there")
        said = listed([str(one) for one in obstacles], SHOWN, "; ")
        super().__init__(f"the live {store} does not take these rows: {said}", "; or ".join(steps))
