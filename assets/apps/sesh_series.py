"""The time series of Sesh, and what is counted from them. Data only; the SQL lies in sql/sesh/."""

from assets.apps.model import MetricSeries, Series

SESSIONS = Series(
    "sessions",
    "timestamp",
    ("id",),
    (
        *("id", "userId", "strainId", "productId", "method", "amount", "unit", "rating", "durationSeconds"),
        *("notes", "details", "timestamp", "createdAt", "updatedAt"),
    ),
    "sesh/partitions/sessions.sql",
    "Sessions that people record. The application writes each one to the partition of its time.",
)
POINTS = Series(
    "points",
    "at",
    ("sessionId", "seq"),
    ("sessionId", "seq", "userId", "at", "measures"),
    "sesh/partitions/points.sql",
)
METRICS = Series(
    "metrics",
    "windowStart",
    ("windowStart", "userId", "metric"),
    ("windowStart", "userId", "metric", "entries", "total", "least", "most"),
    "sesh/partitions/metrics.sql",
)
SERIES = (SESSIONS, POINTS, METRICS)
METRIC_SERIES = MetricSeries(METRICS, (SESSIONS, POINTS), "sesh/metrics/measured.sql")
