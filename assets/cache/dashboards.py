"""The families whose values a statement alone cannot make: dashboards that merge sketches.

Ranges are whole UTC days up to and including today. A value does not hold the time when it was made, so that a value
that did not change has the same bytes.
"""

import json
from collections.abc import Iterator

from assets.cache.wanted import Family, Row, Sources
from assets.rollups import sketch
from resources.postgres import stream
from resources.sql_files import read_sql

# 90 days of a large organisation have 12 MB of sketches.
ROWS_AT_ONCE = 4


def _summaries(sources: Sources) -> Iterator[Row]:
    with sources.postgres.connection() as connection:
        statement, params = read_sql("cache/summary.sql"), {"app": sources.app, "today": sources.today}
        for rows in stream(connection, statement, params, ROWS_AT_ONCE):
            for row in rows:
                visitors = sketch.merge(row["visitor_sketches"])
                sessions = sketch.merge(row["session_sketches"])
                value = {
                    "from": row["start"].isoformat(),
                    "to": sources.today.isoformat(),
                    "events": row["events"],
                    "page_views": row["page_views"],
                    "visitors": sketch.count(visitors),
                    "sessions": sketch.count(sessions),
                    "value": row["value"],
                    "exact": sketch.is_exact(visitors) and sketch.is_exact(sessions),
                }
                text = json.dumps(value, ensure_ascii=False, separators=(",", ":"), default=float)
                yield {"org_tag": row["org_tag"], "range": row["range"], "value": text, "tenant": row["org_tag"]}


SUMMARY = Family(
    "summary",
    "Events, page views, visitors, sessions and value, by organisation and range of days",
    "dashboard:{org_tag}:summary:{range}",
    (("rollups", "daily"),),
    _summaries,
)
