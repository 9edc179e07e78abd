"""The families of Sesh's time series, as data: what a partition of each is made of. Plain data.

The tables themselves are templates in sql/sesh/partitions/, one a family.
"""

from dataclasses import dataclass


@dataclass(frozen=True)
class Family:
    """Rows that are kept in partitions by time.

    name: leads the partitions' names and names the view over them. time: the column that says where a row lies, a UTC
    text with milliseconds. key: what no two rows of a partition share. columns: all of them, in order.
    """

    name: str
    time: str
    key: tuple[str, ...]
    columns: tuple[str, ...]

    @property
    def template(self) -> str:
        """The SQL file that makes a partition: $table, $start, $end."""
        return f"sesh/partitions/{self.name}.sql"


SESSIONS = Family(
    "sessions",
    "timestamp",
    ("id",),
    (
        *("id", "userId", "strainId", "productId", "method", "amount", "unit", "rating", "durationSeconds"),
        *("notes", "details", "timestamp", "createdAt", "updatedAt"),
    ),
)
POINTS = Family("points", "at", ("sessionId", "seq"), ("sessionId", "seq", "userId", "at", "measures"))
METRICS = Family(
    "metrics",
    "windowStart",
    ("windowStart", "userId", "metric"),
    ("windowStart", "userId", "metric", "entries", "total", "least", "most"),
)
FAMILIES = (SESSIONS, POINTS, METRICS)
