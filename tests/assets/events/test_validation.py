"""The verdict on each line: a table of what is refused and why, and that no line of any bytes upsets it."""

import json
from datetime import UTC, date, datetime, timedelta
from typing import Any
from unittest.mock import patch

import msgspec
import polars as pl
import pytest
from hypothesis import example, given
from hypothesis import strategies as st

from assets.events import validation
from assets.events.record import FIELDS, NAMES, STRUCT_NAMES, FieldKind
from assets.events.second_reading import DROPPED, LONGEST_LINE, NO_NAME
from assets.events.validation import Admission, EventReason, Sifted, sift
from assets.intake import refusal
from assets.intake.refusal import Refusal, TooManyRefusedError
from tests.assets.event_pipeline import EARLIEST, NOW, event, line
from tests.examples import examples

ADMISSION = Admission({"a3f7c2": True, "e5f604": False}, EARLIEST, NOW)
ANY_TEXT = st.text(st.characters(exclude_categories=["Cs"]), max_size=20)
JSON = st.recursive(
    st.none() | st.booleans() | st.integers() | st.floats(allow_nan=False, allow_infinity=False) | ANY_TEXT,
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(ANY_TEXT, inner, max_size=3),
    max_leaves=6,
)


def judged(*lines: bytes) -> Sifted:
    return sift(b"\n".join(lines), ADMISSION)


def ids(found: Sifted) -> list[str]:
    return found.frame()["event_id"].to_list()


def iso(at: datetime) -> str:
    return at.isoformat()


REFUSED: list[tuple[bytes, EventReason, str]] = [
    (b"nonsense", EventReason.NOT_JSON, ""),
    (line()[:-20], EventReason.NOT_JSON, ""),
    (line() + b"}", EventReason.NOT_JSON, ""),
    (b"\xef\xbb\xbf" + line(), EventReason.NOT_JSON, ""),
    (b"\xff\xfe\x00", EventReason.NOT_JSON, ""),
    (line().replace(b"Safari", b"Saf\xff"), EventReason.NOT_JSON, ""),
    (line().replace(b"Safari", rb"\ud800"), EventReason.NOT_JSON, ""),
    (b'{"a":' * 5000, EventReason.NOT_JSON, ""),
    (b"[]", EventReason.WRONG_TYPE, ""),
    (b"null", EventReason.WRONG_TYPE, ""),
    (b'"text"', EventReason.WRONG_TYPE, ""),
    (b"{}", EventReason.MISSING_FIELD, "org_tag"),
    *((line(**{f.name: ...}), EventReason.MISSING_FIELD, f.name) for f in FIELDS if f.required),
    *((line(**{f.name: None}), EventReason.WRONG_TYPE, f.name) for f in FIELDS if f.required),
    *((line(**{f.name: {"a": 1}}), EventReason.WRONG_TYPE, f.name) for f in FIELDS),
    *(
        (line(**{f.name: 7}), EventReason.WRONG_TYPE, f.name)
        for f in FIELDS
        if f.kind in (FieldKind.STRING, FieldKind.BOOLEAN)
    ),
    *((line(**{f.name: "7"}), EventReason.WRONG_TYPE, f.name) for f in FIELDS if f.kind is not FieldKind.STRING),
    *((line(**{f.name: 1.5}), EventReason.WRONG_TYPE, f.name) for f in FIELDS if f.kind is FieldKind.INTEGER),
    *((line(**{f.name: 2.0**54}), EventReason.WRONG_TYPE, f.name) for f in FIELDS if f.kind is FieldKind.INTEGER),
    *((line(**{f.name: 2**63}), EventReason.WRONG_TYPE, f.name) for f in FIELDS if f.kind is FieldKind.INTEGER),
    *(
        (line(**{f.name: "x" * (f.longest + 1)}), EventReason.OVER_LONG, f.name)
        for f in FIELDS
        if f.kind is FieldKind.STRING
    ),
    *(
        (line(**{f.name: ""}), EventReason.BLANK_KEY, f.name)
        for f in FIELDS
        if f.kind is FieldKind.STRING and f.shortest
    ),
    *((line(**{f.name: "a\0b"}), EventReason.NUL_CHARACTER, f.name) for f in FIELDS if f.kind is FieldKind.STRING),
    (line(event_data="x" * LONGEST_LINE), EventReason.OVER_LONG, ""),
    (line(event_data="x" * LONGEST_LINE, extra=1), EventReason.OVER_LONG, ""),
    (b"x" * (LONGEST_LINE + 1), EventReason.OVER_LONG, ""),
    (line(event_data="x" * 65_537, extra=1), EventReason.OVER_LONG, "event_data"),
    (line(extra=1, session_id=...), EventReason.MISSING_FIELD, "session_id"),
    (line(extra=1, event_data=5), EventReason.WRONG_TYPE, "event_data"),
    (line(timestamp="2025-02-30T00:00:00Z"), EventReason.WRONG_TYPE, "timestamp"),
    (line(timestamp="2025-10-10T10:00:00"), EventReason.WRONG_TYPE, "timestamp"),
    (line(timestamp="2025-10-10T25:00:00Z"), EventReason.WRONG_TYPE, "timestamp"),
    (line(timestamp="2025-10-10T22:59:60Z"), EventReason.WRONG_TYPE, "timestamp"),
    (line(timestamp="2025-10-10T23:59:61Z"), EventReason.WRONG_TYPE, "timestamp"),
    (line(timestamp="2025-02-30T23:59:60Z"), EventReason.WRONG_TYPE, "timestamp"),
    (line(timestamp="nonsense:59:60Z"), EventReason.WRONG_TYPE, "timestamp"),
    (line(new=7).replace(b'"new":7', b'"new":1e400'), EventReason.WRONG_TYPE, "new"),
    (line(new=7).replace(b'"new":7', b'"new":{"deep":[-1e400]}'), EventReason.WRONG_TYPE, "new"),
    (line(**{"a@b.example": 7}).replace(b'":7', b'":1e400'), EventReason.WRONG_TYPE, NO_NAME),
    (
        line(new=1, event_value=7).replace(b'"event_value":7', b'"event_value":1e400'),
        EventReason.WRONG_TYPE,
        "event_value",
    ),
    (line(timestamp=1760000000), EventReason.WRONG_TYPE, "timestamp"),
    (line(timestamp=iso(NOW + timedelta(hours=24))), EventReason.TOO_FAR_AHEAD, "timestamp"),
    (line(timestamp="9999-12-31T23:59:59-23:59"), EventReason.TOO_FAR_AHEAD, "timestamp"),
    (line(timestamp=iso(EARLIEST - timedelta(microseconds=1))), EventReason.TOO_OLD, "timestamp"),
    (line(timestamp="0001-01-01T00:00:00+23:59"), EventReason.TOO_OLD, "timestamp"),
    (line(timestamp="2025-10-01T01:00:00+02:00"), EventReason.TOO_OLD, "timestamp"),
    (line(org_tag="zzzzzz"), EventReason.UNKNOWN_ORG, "org_tag"),
    (line(org_tag="A3F7C2"), EventReason.UNKNOWN_ORG, "org_tag"),
    (line(org_tag="e5f604"), EventReason.INACTIVE_ORG, "org_tag"),
    (line(org_tag="zzzzzz", consent_analytics=False), EventReason.UNKNOWN_ORG, "org_tag"),
    (line(timestamp=iso(NOW + timedelta(days=9)), consent_analytics=False), EventReason.TOO_FAR_AHEAD, "timestamp"),
]


@pytest.mark.parametrize(("raw", "reason", "field"), REFUSED, ids=[f"{r.value}-{f}" for _, r, f in REFUSED])
def test_a_line_is_refused_for_its_reason(raw: bytes, reason: EventReason, field: str) -> None:
    found = judged(line(1), raw, line(2))

    assert found.refusals == [Refusal(2, reason, field, raw)]
    assert ids(found) == ["event-1", "event-2"]
    assert found.received == 3


def test_every_reason_for_a_line_is_tried() -> None:
    assert {reason for _, reason, _ in REFUSED} == set(EventReason) - {
        EventReason.UNREADABLE_BATCH,
        EventReason.DAMAGED_PARTITION,
        EventReason.ERASED_PERSON,
    }


ADMITTED: list[dict[str, Any]] = [
    {},
    {f.name: None for f in FIELDS if not f.required},
    {f.name: ... for f in FIELDS if not f.required},
    *({f.name: "x" * f.longest} for f in FIELDS if f.kind is FieldKind.STRING and f.name != "org_tag"),
    *({f.name: "ü" * f.longest} for f in FIELDS if f.kind is FieldKind.STRING and f.name != "org_tag"),
    {f.name: 3 for f in FIELDS if f.kind is FieldKind.NUMBER},
    {f.name: -(2**63) for f in FIELDS if f.kind is FieldKind.INTEGER},
    {"timestamp": iso(EARLIEST)},
    {"timestamp": iso(NOW + timedelta(hours=24, microseconds=-1))},
    {"timestamp": "2025-10-10T23:30:00-05:00"},
    {"page_title": ""},
    {"page_title": "say \\u0000"},
]


@pytest.mark.parametrize("fields", ADMITTED, ids=lambda fields: ",".join(list(fields)[:2]))
def test_a_line_at_the_limit_is_an_event(fields: dict[str, Any]) -> None:
    found = judged(line(1, **fields))

    assert found.refusals == []
    expected: dict[str, Any] = {name: event(1, **fields).get(name) for name in NAMES}
    expected["timestamp"] = datetime.fromisoformat(expected["timestamp"]).astimezone(UTC)
    assert found.frame().row(0, named=True) == expected


def test_blank_lines_are_no_lines_and_keep_their_numbers() -> None:
    found = sift(b"\n  \n\r\n\x0b\n" + line() + b"\r\nbad\n", ADMISSION, first=100)

    assert (found.lines, found.received, ids(found), found.refusals[0].line) == (6, 2, ["event-0"], 105)


def test_events_without_consent_are_counted_by_hour_and_kept_nowhere() -> None:
    found = judged(
        line(timestamp="2025-10-10T23:30:00Z", consent_analytics=False),
        line(timestamp="2025-10-11T01:59:00+02:00", consent_analytics=False),
        line(timestamp="2025-10-11T00:00:00Z", consent_analytics=False, event_type="click"),
    )

    assert (found.received, ids(found), found.refusals) == (3, [], [])
    assert dict(found.without_consent) == {
        ("a3f7c2", datetime(2025, 10, 10, 23, tzinfo=UTC), "page_view"): 2,
        ("a3f7c2", datetime(2025, 10, 11, 0, tzinfo=UTC), "click"): 1,
    }


@pytest.mark.parametrize(
    ("data", "kept"),
    [
        (..., {}),
        (None, {}),
        ('{"items": 2}', {"items": 2}),
        ("no json", {"event_data": "no json"}),
        ("[1]", {"event_data": [1]}),
        ("", {"event_data": ""}),
        ('{"unknown_fields": {"mine": 1}}', {"event_data": {"unknown_fields": {"mine": 1}}}),
        ('{"unknown_fields": 5, "a": 2}', {"event_data": {"unknown_fields": 5, "a": 2}}),
    ],
)
def test_unknown_fields_are_kept_inside_event_data_and_counted(data: Any, kept: dict[str, Any]) -> None:
    unknown = {"new_field": [1, {"ü": None}], "other": "x"}
    found = judged(line(1, event_data=data, **unknown), line(2, other=2))

    assert [json.loads(data) for data in found.frame()["event_data"]] == [
        {**kept, "unknown_fields": unknown},
        {"unknown_fields": {"other": 2}},
    ]
    assert dict(found.unknown_fields) == {"new_field": 1, "other": 2}
    assert found.refusals == []


@pytest.mark.parametrize("length", [70_000, LONGEST_LINE])
@pytest.mark.parametrize("data", [None, '{"items": 2}', "x" * 65_536])
def test_unknown_fields_without_room_are_dropped_and_counted_and_the_event_stays(length: int, data: str | None) -> None:
    found = judged(line(1, event_data=data, extra="x" * length, other=1), line(2, other=1))

    assert found.refusals == []
    assert found.frame()["event_data"].to_list() == [data, '{"unknown_fields": {"other": 1}}']
    assert dict(found.unknown_fields) == {"extra": 1, "other": 2, DROPPED: 1}


def test_a_whole_number_with_a_decimal_point_is_taken() -> None:
    raw = line(1, viewport_width=7, screen_width=8).replace(b":7,", b":1024.0,").replace(b":8}", b":1e3}")
    found = judged(raw, line(2, viewport_height=-5.0, new=1))

    assert found.refusals == []
    assert found.frame()["viewport_width"].to_list() == [1024, 390]
    assert found.frame()["screen_width"].to_list() == [1000, None]
    assert found.frame()["viewport_height"].to_list() == [844, -5]


def test_a_number_with_a_decimal_point_that_may_be_another_one_is_refused() -> None:
    # 2^53 + 1, which a float cannot hold: it would be stored as 2^53.
    raw = line(1, viewport_width=7).replace(b":7,", b":9007199254740993.0,")

    assert [(r.reason, r.field) for r in judged(raw).refusals] == [(EventReason.WRONG_TYPE, "viewport_width")]


@pytest.mark.parametrize(
    "text",
    ["2025-10-10T23:59:60Z", "2025-10-10T23:59:60.7Z", "2025-10-11T01:59:60+02:00", "2025-10-10t18:29:60-05:30"],
)
def test_a_leap_second_is_the_end_of_its_minute(text: str) -> None:
    found = judged(line(1, timestamp=text))

    assert found.refusals == []
    assert found.frame()["timestamp"].to_list() == [datetime(2025, 10, 10, 23, 59, 59, 999_999, tzinfo=UTC)]


def test_blank_lines_by_the_million_are_passed_over() -> None:
    text = b"\n" * 3_000_000 + line(1) + b"\n" * 2_000_000 + b"bad"

    found = sift(text, ADMISSION)

    assert (found.lines, found.received, ids(found)) == (5_000_001, 2, ["event-1"])
    assert [refused.line for refused in found.refusals] == [5_000_001]


def test_more_refused_lines_than_fit_are_not_kept_one_by_one(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(refusal, "MOST_REFUSED", 3)

    assert len(judged(*[b"x"] * 3).refusals) == 3
    with pytest.raises(TooManyRefusedError, match="more than"):
        judged(*[b"x"] * 4)


def test_events_of_a_damaged_partition_are_refused_and_others_are_not() -> None:
    admission = Admission(ADMISSION.orgs, EARLIEST, NOW, frozenset({("a3f7c2", date(2025, 10, 10))}))
    lines = [line(n, timestamp=f"2025-10-{day}Z") for n, day in ((1, "10T23:59:59"), (2, "11T00:00:00"))]
    found = sift(b"\n".join([*lines, line(3, timestamp="2025-10-10T01:00:00Z", consent_analytics=False)]), admission)

    assert found.refusals == [Refusal(1, EventReason.DAMAGED_PARTITION, "", lines[0])]
    assert (ids(found), found.without_consent.total()) == (["event-2"], 1)


def balanced(found: Sifted) -> bool:
    return found.received == len(ids(found)) + len(found.refusals) + found.without_consent.total()


def storable(found: Sifted) -> None:
    """What Postgres takes as text, and the lake as columns."""
    texts = [*found.unknown_fields, *(r.field for r in found.refusals), *(kind for *_, kind in found.without_consent)]
    for text in texts:
        assert "\0" not in text
        text.encode()
    assert found.frame().to_dict(as_series=False) == dict(zip(STRUCT_NAMES, found.columns, strict=True))


@examples(120, 2000, shrunk=True)
@given(st.lists(st.binary(max_size=60) | JSON.map(lambda v: json.dumps(v).encode()), max_size=4))
@example([b'{"a":' * 100_000])
@example([b"1" * 100_000])
@example([b"1e999"])
def test_any_bytes_are_judged(lines: list[bytes]) -> None:
    found = judged(*lines)

    assert found.received == sum(1 for raw in b"\n".join(lines).split(b"\n") if raw.strip())
    assert balanced(found)
    storable(found)


@examples(150, 2000, shrunk=True)
@given(fields=st.dictionaries(st.sampled_from(NAMES) | ANY_TEXT, JSON | ANY_TEXT, max_size=5))
@example({"bad\0name": 1})
@example({"deep": json.loads("[" * 300 + "]" * 300)})
@example({"consent_analytics": False, "event_type": "a\0b"})
@example({"org_tag": "a3f7c2`; drop", "x` - at `$.y": 1})
def test_any_fields_are_judged(fields: dict[str, Any]) -> None:
    raw = msgspec.json.encode({**event(), **fields})

    found = judged(raw)

    assert found.received == 1
    assert balanced(found)
    storable(found)
    for refused in found.refusals:
        assert refused.raw == raw
        assert refused.field in {"", *NAMES}
    for kept in found.frame()["event_data"]:
        unknown = {name: value for name, value in fields.items() if name not in NAMES}
        assert not unknown or json.loads(kept)["unknown_fields"] == unknown


LINES: st.SearchStrategy[bytes] = st.one_of(
    st.integers(0, 99).map(line),
    st.sampled_from(
        [
            line(100) + b"\r",
            b" \t" + line(101) + b" ",
            line(102, consent_analytics=False),
            line(103, event_data='{"a": "b"}'),
            line(104, page_title="say \\u0000"),
            line(105, new=1),
            line(106) + line(107),
            msgspec.json.format(line(108)),
            line(109).replace(b":", b":\n\n", 1),
            b'["' + line(110),
            b"",
            b" \x0b",
            b"\r",
            *(raw for raw, _, _ in REFUSED if len(raw) < LONGEST_LINE),
        ]
    ),
)


@examples(100, 1000, shrunk=True)
@given(lines=st.lists(LINES, max_size=8), size=st.sampled_from([1, 900, 2_000, 32_768]))
@example([line(1), line(2), line(3), b""], 1_000)
@example([b"x" * LONGEST_LINE, b"y" * (LONGEST_LINE + 1), line(1)], 32_768)
@example([line(1) + line(2), line(3).replace(b":", b":\n", 1)], 32_768)
def test_a_block_at_once_is_judged_as_its_lines_are(lines: list[bytes], size: int) -> None:
    text = b"\n".join(lines)
    with patch.object(validation, "BLOCK_BYTES", size):
        found = sift(text, ADMISSION, first=7)
    with patch.object(validation, "_at_once", return_value=None):
        expected = sift(text, ADMISSION, first=7)

    assert found == expected
    assert found.lines == len(text.removesuffix(b"\n").split(b"\n")) if text else found.lines == 0


def test_a_block_without_fault_takes_no_second_look() -> None:
    lines = [line(1), line(2, event_data='{"a": "b"}'), line(3, consent_analytics=False), b""]
    with patch.object(validation, "_line_by_line") as second:
        assert ids(judged(*lines)) == ["event-1", "event-2"]
    second.assert_not_called()


@pytest.mark.parametrize(
    "raw", [b'{"x": 1' + b"0" * 5000 + b"}", b'{"x": 1e400}', b'{"x": -1' + b"0" * 400 + b"}", b'{"x": NaN}']
)
def test_numbers_that_nothing_can_hold_are_judged(raw: bytes) -> None:
    assert judged(raw).received == len(judged(raw).refusals) == 1


def test_an_unknown_number_of_any_size_is_judged() -> None:
    big = line()[:-1] + b',"new": 1' + b"0" * 400 + b"}"

    assert balanced(judged(big))


def test_a_frame_has_the_records_columns_in_order() -> None:
    found = judged(line(1), line(2, timestamp="2025-10-11T00:30:00+02:00")).frame()

    assert found.columns == list(NAMES)
    assert found["timestamp"].dtype == pl.Datetime("us", "UTC")
    assert found["timestamp"][1] == datetime(2025, 10, 10, 22, 30, tzinfo=UTC)
    assert judged().frame().schema == found.schema
