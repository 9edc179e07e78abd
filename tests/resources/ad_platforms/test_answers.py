"""The meaning of each platform's answers, and the reading of single values and rows."""

import io
import json
from decimal import Decimal
from typing import Any

import pytest
import requests
from hypothesis import given
from hypothesis import strategies as st

from resources.ad_platforms import PLATFORMS, Campaign, Fact, MalformedPageError, Notes, PlatformError, Stream, fields
from resources.ad_platforms.google.client import Google
from resources.ad_platforms.google.rows import read
from resources.ad_platforms.meta import answers, rows
from resources.ad_platforms.meta.client import Meta
from resources.ad_platforms.microsoft.client import Microsoft
from resources.ad_platforms.polling import LONGEST_SECONDS, STILL_SECONDS, Progress, wait_for
from resources.ad_platforms.tiktok.client import TikTok
from resources.verdicts import Answer


def response(body: Any, status: int = 200, headers: dict[str, str] | None = None) -> requests.Response:
    found = requests.Response()
    found.status_code = status
    found._content = body if isinstance(body, bytes) else json.dumps(body).encode()
    found.headers.update(headers or {})
    return found


def google_error(family: str, reason: str, delay: str | None = None) -> dict[str, Any]:
    error: dict[str, Any] = {"errorCode": {family: reason}, "message": "m"}
    if delay:
        error["details"] = {"quotaErrorDetails": {"retryDelay": delay}}
    return {"error": {"code": 400, "status": "X", "message": "outer", "details": [{"errors": [error]}]}}


@pytest.mark.parametrize(
    ("body", "status", "answer", "after", "code"),
    [
        ({"results": []}, 200, Answer.OK, None, None),
        (google_error("quotaError", "RESOURCE_EXHAUSTED", "30s"), 429, Answer.RETRY, 30, "RESOURCE_EXHAUSTED"),
        ([google_error("quotaError", "RESOURCE_EXHAUSTED", "3s")], 429, Answer.RETRY, 3, "RESOURCE_EXHAUSTED"),
        (google_error("internalError", "TRANSIENT_ERROR"), 200, Answer.RETRY, None, "TRANSIENT_ERROR"),
        (google_error("authenticationError", "OAUTH_TOKEN_EXPIRED"), 401, Answer.REFRESH, None, "OAUTH_TOKEN_EXPIRED"),
        (google_error("authenticationError", "OAUTH_TOKEN_REVOKED"), 401, Answer.FATAL, None, "OAUTH_TOKEN_REVOKED"),
        (google_error("queryError", "UNRECOGNIZED_FIELD"), 400, Answer.FATAL, None, "UNRECOGNIZED_FIELD"),
        (b"<html>", 503, Answer.RETRY, None, None),
        (b"<html>", 404, Answer.FATAL, None, None),
        (b"cut", 200, Answer.RETRY, None, None),
    ],
)
def test_googles(body: Any, status: int, answer: Answer, after: float | None, code: str | None) -> None:
    verdict = Google.classify(response(body, status))
    assert (verdict.answer, verdict.after, verdict.code) == (answer, after, code)


def meta_error(code: int, subcode: int = 0, message: str = "m", transient: bool = False) -> dict[str, Any]:
    return {"error": {"code": code, "error_subcode": subcode, "message": message, "is_transient": transient}}


@pytest.mark.parametrize(
    ("body", "status", "answer", "code"),
    [
        ({"data": []}, 200, Answer.OK, None),
        *(
            (meta_error(code), 400, Answer.RETRY, str(code))
            for code in (1, 2, 4, 17, 32, 341, 613, 80000, 80006, 80014)
        ),
        (meta_error(2601, 1815107, transient=True), 400, Answer.RETRY, "2601/1815107"),
        (meta_error(190, 463), 400, Answer.FATAL, "190/463"),
        (meta_error(100, 1504018), 400, Answer.FATAL, "100/1504018"),
        (meta_error(100, 1487534), 400, Answer.FATAL, "100/1487534"),
        (meta_error(1, 99, "Please reduce the amount of data you're asking for"), 500, Answer.FATAL, "1/1504018"),
        (meta_error(200), 403, Answer.FATAL, "200"),
        (meta_error(2), 200, Answer.RETRY, "2"),
    ],
)
def test_metas(body: Any, status: int, answer: Answer, code: str | None) -> None:
    verdict = Meta.classify(response(body, status))
    assert (verdict.answer, verdict.code) == (answer, code)


def test_metas_minutes_to_regain_access_are_waited_for() -> None:
    header = json.dumps({"1": [{"estimated_time_to_regain_access": 4, "call_count": 100}]})
    throttled = response(meta_error(80004), 400, {"x-business-use-case-usage": header})
    assert Meta.classify(throttled).after == 240
    assert answers.usage(throttled.headers) == 100
    assert answers.usage({"x-app-usage": '{"call_count": 3, "total_time": 91}'}) == 91
    assert answers.usage({"x-fb-ads-insights-throttle": '{"acc_id_util_pct": 95.5}', "x-app-usage": "broken"}) == 95


@pytest.mark.parametrize(
    ("code", "answer"),
    [
        (0, Answer.OK),
        *((code, Answer.RETRY) for code in (40100, 40132, 40200, 40201, 40202, 40700, 50000, 50002, 20001)),
        (40102, Answer.REFRESH),
        (40105, Answer.FATAL),
        (40002, Answer.FATAL),
    ],
)
def test_tiktoks_answers_are_all_http_200(code: int, answer: Answer) -> None:
    assert TikTok.classify(response({"code": code, "message": "m", "data": {}})).answer is answer


@pytest.mark.parametrize(
    ("number", "status", "answer", "after"),
    [
        (117, 429, Answer.RETRY, 60),
        (109, 401, Answer.REFRESH, None),
        (105, 401, Answer.FATAL, None),
        (0, 200, Answer.RETRY, None),
    ],
)
def test_microsofts(number: int, status: int, answer: Answer, after: float | None) -> None:
    body = {"Type": "AdApiFaultDetail", "Errors": [{"Code": number, "ErrorCode": "E", "Message": "m"}]}
    verdict = Microsoft.classify(response(body, status))
    assert (verdict.answer, verdict.after) == (answer, after)


def test_one_purchase_under_three_names_counts_once() -> None:
    names = ("purchase", "omni_purchase", "offsite_conversion.fb_pixel_purchase")
    actions = [{"action_type": name, "value": "2"} for name in names]
    row = {"campaign_id": "1", "date_start": "2026-11-01", "spend": "1.5", "actions": actions, "action_values": None}
    fact, *_ = rows.read(Stream.CAMPAIGN_DAYS, io.BytesIO(json.dumps({"data": [row]}).encode()), {}, Notes())
    assert isinstance(fact, Fact)
    assert (fact.conversions, fact.conversions_value, fact.spend) == (Decimal(2), Decimal(0), Decimal("1.5"))


@pytest.mark.parametrize(
    ("windows", "counted"),
    [
        ("7d_click+1d_view", (Decimal(4), Decimal("41.5"))),
        ("28d_click+1d_view", (Decimal(6), Decimal("61.5"))),
        ("7d_click", (Decimal(3), Decimal(30))),
        ("", (Decimal(9), Decimal(90))),
    ],
)
def test_purchases_are_those_within_the_requested_windows(windows: str, counted: tuple[Decimal, Decimal]) -> None:
    purchase = {"action_type": "purchase", "value": "9", "7d_click": "3", "28d_click": "5", "1d_view": "1"}
    worth = {"action_type": "purchase", "value": "90", "7d_click": "30", "28d_click": "50", "1d_view": "11.5"}
    row = {"campaign_id": "1", "date_start": "2026-11-01", "actions": [purchase], "action_values": [worth]}
    body = io.BytesIO(json.dumps({"data": [row]}).encode())
    fact, *conversions = rows.read(Stream.CAMPAIGN_DAYS, body, {"attribution": windows}, Notes())
    assert isinstance(fact, Fact)
    assert (fact.conversions, fact.conversions_value) == counted
    assert [one.window for one in conversions] == (windows.split("+") if windows else ["default"])  # type: ignore[union-attr]


def test_what_is_new_is_counted_and_what_is_wrong_named() -> None:
    notes = Notes()
    row = {"campaign": {"id": "7", "name": "C", "status": "ENABLED", "newThing": 1}}
    (campaign,) = read(Stream.CAMPAIGNS, io.BytesIO(json.dumps({"results": [row]}).encode()), {}, notes)
    assert notes == {"field campaign.newThing": 1}
    assert isinstance(campaign, Campaign)
    assert '"newThing":1' in campaign.raw
    for bad, named in (
        ({"campaign": {"name": "C"}}, "id"),
        ({"campaign": {"id": "7", "name": {"x": 1}}}, "name"),
        ({"campaign": {"id": "7", "name": "x" * 70_000}}, "name: 70,000 characters"),
        ({"campaign": {"id": "7", "name": "a\0b"}}, "NUL"),
        ({"campaign": "7"}, "campaign: not an object"),
        ("row", "not an object"),
    ):
        with pytest.raises(MalformedPageError, match=named):
            list(read(Stream.CAMPAIGNS, io.BytesIO(json.dumps({"results": [bad]}).encode()), {}, Notes()))
    for body in (b"[]", b"{", b'{"results": {}}', b"\xff\xfe"):
        with pytest.raises(MalformedPageError):
            list(read(Stream.CAMPAIGNS, io.BytesIO(body), {}, Notes()))


@given(value=st.one_of(st.text(max_size=8), st.integers(), st.floats(), st.none(), st.booleans(), st.lists(st.none())))
def test_a_value_is_an_exact_number_or_refused(value: object) -> None:
    try:
        found = fields.number(value, "x")
    except MalformedPageError:
        return
    assert found.is_finite()
    assert value is None or Decimal(str(value).replace(",", "")) == found


@pytest.mark.parametrize(
    ("value", "meant"), [("1,234.50", "1234.50"), ("-1,234,567", "-1234567"), ("1234.5", "1234.5"), ("0.00", "0")]
)
def test_commas_between_thousands_are_read(value: str, meant: str) -> None:
    assert fields.number(value, "x") == Decimal(meant)
    assert fields.whole({"x": "12,345"}, "x") == 12_345
    for wrong in ("1,23", "1,2345", ",123", "12,34.5"):
        with pytest.raises(MalformedPageError, match="x: not a"):
            fields.number(wrong, "x")
        with pytest.raises(MalformedPageError, match="x: not a"):
            fields.whole({"x": wrong}, "x")


def test_tiktoks_dash_is_no_number() -> None:
    metrics = {"campaign_name": "c", "impressions": "-", "clicks": "-", "spend": "-", "complete_payment": "-"}
    row = {"dimensions": {"campaign_id": "1", "stat_time_day": "2026-11-01 00:00:00"}, "metrics": metrics}
    body = json.dumps({"code": 0, "data": {"list": [row]}}).encode()
    (fact,) = PLATFORMS["tiktok"].read(Stream.CAMPAIGN_DAYS, io.BytesIO(body), {}, Notes())
    assert isinstance(fact, Fact)
    assert not any(fact[5:10])


@pytest.mark.parametrize("value", [-1, "1.5", "x", True, 2**63, "9" * 19, [], "１２x"])
def test_a_count_is_whole_and_not_negative(value: object) -> None:
    with pytest.raises(MalformedPageError, match="x: not a count"):
        fields.whole({"x": value}, "x")


def test_fractions_are_read_exactly() -> None:
    assert fields.decoded(b'{"a": 0.1, "b": 1234567.891}') == {"a": Decimal("0.1"), "b": Decimal("1234567.891")}
    assert fields.raw(fields.decoded(b'{"a":0.10,"id":9007199254740993}')) == '{"a":0.10,"id":9007199254740993}'


def test_a_slow_job_is_waited_for_while_it_moves() -> None:
    slept: list[float] = []
    looks = iter(range(10_000))

    def look() -> Progress:
        n = next(looks)
        return Progress(n == 300, f"{n // 50}")

    wait_for(look, slept.append, "job")
    assert sum(slept) > 2 * STILL_SECONDS
    assert max(slept) <= 30


@pytest.mark.parametrize("moves", [False, True])
def test_a_job_that_stands_still_or_takes_for_ever_is_given_up(moves: bool) -> None:
    slept: list[float] = []
    looks = iter(range(10_000))
    with pytest.raises(PlatformError, match="made no progress") as caught:
        wait_for(lambda: Progress(False, str(next(looks)) if moves else "Job Running 100"), slept.append, "job")
    assert caught.value.code == "job_stalled"
    assert sum(slept) > (LONGEST_SECONDS if moves else STILL_SECONDS)
