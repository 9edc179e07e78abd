"""The families whose values a statement alone cannot make: dashboards that merge sketches.

Ranges are whole UTC days up to and including today. A value does not hold the time when it was made, so that a value
that did not change has the same bytes.
"""

import json
from collections.abc import Iterator
from typing import Any

from assets.cache.wanted import Family, Row, Sources, active_tags
from assets.rollups import sketch
from resources.postgres import stream
from resources.sql_files import read_sql

# Two rows are a value: the range and the period before it. 90 days of a large organisation have 12 MB of sketches.
ROWS_AT_ONCE = 4


def summary(org_tags: str, org_tags_table: str) -> Family:
    """The sums of a range. org_tags: SQL under sql/ that lists the tags of `org_tags_table`."""

    def rows(sources: Sources) -> Iterator[Row]:
        params = {"app": sources.app, "today": sources.today, "tags": active_tags(sources, org_tags)}
        with sources.postgres.connection() as connection:
            for batch in stream(connection, read_sql("cache/summary.sql"), params, ROWS_AT_ONCE):
                for now, before in zip(batch[::2], batch[1::2], strict=True):
                    value = {**_sums(now), "previous": _sums(before) if now["previous_known"] else None}
                    text = json.dumps(value, ensure_ascii=False, separators=(",", ":"), default=float)
                    yield {"org_tag": now["org_tag"], "range": now["range"], "value": text, "tenant": now["org_tag"]}

    return Family(
        "summary",
        "Events, page views, visitors, sessions and the sum of event_value, by organisation and range of days",
        "dashboard:{org_tag}:summary:{range}",
        (("rollups", "daily"), ("d1", org_tags_table)),
        rows,
    )


def _sums(row: Row) -> dict[str, Any]:
    visitors, sessions = sketch.merge(row["visitor_sketches"]), sketch.merge(row["session_sketches"])
    return {
        "from": row["start"].isoformat(),
        "to": row["until"].isoformat(),
        "events": row["events"],
        "page_views": row["page_views"],
        "visitors": sketch.count(visitors),
        "sessions": sketch.count(sessions),
        "event_value_sum": row["value"],
        "exact": sketch.is_exact(visitors) and sketch.is_exact(sessions),
    }
