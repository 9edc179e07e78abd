"""What makes a line a point."""

import json
from datetime import UTC, datetime

import pytest
from hypothesis import given
from hypothesis import strategies as st

from assets.points.point import Point, PointReason, sift
from tests.assets.points.flushes import line


def judged(raw: bytes) -> tuple[str, str]:
    points, (refusal,) = sift([raw])
    assert points == []
    assert (refusal.line, refusal.raw) == (1, raw)
    return refusal.reason, refusal.field


@pytest.mark.parametrize(
    ("raw", "reason", "field"),
    [
        (b"nonsense", PointReason.NOT_JSON, ""),
        (b"\xff", PointReason.NOT_JSON, ""),
        (b'"text"', PointReason.WRONG_VALUE, ""),
        (line(userId=...), PointReason.MISSING_FIELD, "userId"),
        (line(values=...), PointReason.MISSING_FIELD, "values"),
        (line(userId=""), PointReason.WRONG_VALUE, "userId"),
        (line(userId=7), PointReason.WRONG_VALUE, "userId"),
        (line("s" * 201), PointReason.WRONG_VALUE, "sessionId"),
        (line("a\0b"), PointReason.WRONG_VALUE, "sessionId"),
        (line("s1", 0), PointReason.WRONG_VALUE, "seq"),
        (line("s1", 1.5), PointReason.WRONG_VALUE, "seq"),
        (line("s1", 2**31), PointReason.WRONG_VALUE, "seq"),
        (line(at="yesterday"), PointReason.WRONG_VALUE, "at"),
        (line(at="2026-11-21T10:00:00"), PointReason.WRONG_VALUE, "at"),
        (line(at="0001-01-01T00:00:00+14:00"), PointReason.WRONG_VALUE, "at"),
        (line(values={}), PointReason.WRONG_VALUE, "values"),
        (line(values={"a": "high"}), PointReason.WRONG_VALUE, "values"),
        (line(values={"a": True}), PointReason.WRONG_VALUE, "values"),
        (line(values={"a": 1e7}), PointReason.WRONG_VALUE, "values"),
        (line(values={"a.b": 1}), PointReason.WRONG_VALUE, "values"),
        (line(values={f"v{n}": 1 for n in range(41)}), PointReason.WRONG_VALUE, "values"),
        (line(values={"a": 1}, notes="x" * 70_000), PointReason.OVER_LONG, ""),
    ],
)
def test_a_line_that_is_none_is_refused_with_its_field(raw: bytes, reason: PointReason, field: str) -> None:
    assert judged(raw) == (reason, field)


def test_a_point_is_in_utc_to_the_millisecond_with_its_values_to_a_millionth() -> None:
    ((point,), refusals) = sift([b"", line(at="2026-11-21T12:00:00.0019+02:00", values={"b": 2.0, "a": 36.60000049})])
    assert isinstance(point, Point)
    assert refusals == []
    assert (point.at, point.stored_at) == (
        datetime(2026, 11, 21, 10, 0, 0, 1900, tzinfo=UTC), "2026-11-21T10:00:00.001Z",
    )  # fmt: skip
    assert point.measures == '{"a":36.6,"b":2}'
    assert point.line == 2
    assert "190" not in repr(sift([line(values={"a": 190})]))


@given(st.lists(st.one_of(st.binary(max_size=40), st.builds(line, st.text(max_size=5), st.integers(-1, 3)))))
def test_every_line_is_a_point_or_refused_and_nothing_raises(lines: list[bytes]) -> None:
    points, refusals = sift(lines)
    numbers = [*(p.line for p in points), *(r.line for r in refusals)]
    assert sorted(numbers) == [n for n, raw in enumerate(lines, 1) if raw.strip()]
    assert all(json.loads(point.measures) for point in points)
