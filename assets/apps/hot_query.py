"""Statements that are asked often, and the indexes by which they must find their rows. Pure.

What does not belong here: looking at a plan (assets/database/plans.py).
"""

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any, Literal


@dataclass(frozen=True)
class HotQuery:
    """One statement of an app's own database.

    statement: SQL under sql/. reads: what its plan must hold. In D1 these are ends of the steps that EXPLAIN QUERY PLAN
    gives, such as `events USING INDEX events_by_status`, all of them; in Postgres names of indexes, of which the plan
    takes one as soon as the table is large. sorts, whole: it sorts in memory, it reads a table whole, and should (D1
    only). parameters: values to plan a statement of Postgres with, which needs no rows of them.
    """

    statement: str
    store: Literal["d1", "postgres"]
    reads: tuple[str, ...]
    sorts: bool = False
    whole: bool = False
    parameters: Mapping[str, Any] = field(default_factory=dict)

    @property
    def name(self) -> str:
        """The statement without its ending."""
        return self.statement.removesuffix(".sql")
