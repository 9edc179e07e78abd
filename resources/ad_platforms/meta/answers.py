"""Meta's answers: errors and their meaning, the used share of a quota, the next page of a list.

What does not belong here: rows (rows.py) and requests (client.py).
"""

import json
import re
from collections.abc import Mapping
from typing import Any

import msgspec
import requests

from resources.ad_platforms import answers, fields
from resources.ad_platforms.records import MalformedPageError
from resources.http import OK, RETRYABLE_STATUSES, Answer, Verdict
from resources.rate_limits import retry_after

TOO_MUCH = "1504018"
_PASSING = {"1", "2", "4", "17", "32", "341", "613", "80008", "80014", *(str(code) for code in range(80000, 80007))}
_THROTTLED = _PASSING - {"1", "2"}
_SECRET = re.compile(rb"((?:access_token|appsecret_proof)=)[^&\"\\]+")


class Head(msgspec.Struct):
    """The parts of an answer that are not rows."""

    error: msgspec.Raw = msgspec.Raw()
    paging: dict[str, Any] = {}


def usage(headers: Mapping[str, str]) -> int:
    """The highest used share of a quota, in percent, of Meta's four headers."""
    shares = [0]
    for name in ("x-business-use-case-usage", "x-app-usage", "x-ad-account-usage", "x-fb-ads-insights-throttle"):
        for entry in _entries(headers, name):
            shares += [
                int(value)
                for key, value in entry.items()
                if (key in ("call_count", "total_cputime", "total_time") or key.endswith("_pct"))
                and isinstance(value, int | float)
            ]
    return max(shares)


def _entries(headers: Mapping[str, str], name: str) -> list[Mapping[str, Any]]:
    try:
        value = json.loads(headers.get(name) or "{}")
    except ValueError:
        return []
    if name == "x-business-use-case-usage" and isinstance(value, dict):
        return [entry for entries in value.values() if isinstance(entries, list) for entry in entries]
    return [value] if isinstance(value, dict) else []


def classify(response: requests.Response) -> Verdict:
    """Meta's errors by code and subcode. A header has the minutes to wait until requests are possible again."""
    try:
        error = head(response.content).error
    except MalformedPageError as problem:
        return answers.unreadable(response, problem)
    if not error:
        if response.ok:
            return OK
        passing = response.status_code in RETRYABLE_STATUSES
        return Verdict(Answer.RETRY if passing else Answer.FATAL, retry_after(response.headers))
    body = fields.decoded(bytes(error))
    body = body if isinstance(body, dict) else {}
    code, subcode = str(body.get("code")), str(body.get("error_subcode") or "")
    message = str(body.get("message") or "")
    if subcode == TOO_MUCH or "reduce the amount of data" in message.lower():
        return Verdict(Answer.FATAL, code=TOO_MUCH, message=message)
    if code == "190":
        return Verdict(Answer.FATAL, code=f"190/{subcode}", message=message)
    if code in _PASSING or body.get("is_transient") is True or response.status_code in RETRYABLE_STATUSES:
        return Verdict(Answer.RETRY, _regained(response.headers), code in _THROTTLED, code, message)
    return Verdict(Answer.FATAL, code=code, message=message)


def _regained(headers: Mapping[str, str]) -> float | None:
    minutes = [
        float(entry.get("estimated_time_to_regain_access") or 0)
        for entry in _entries(headers, "x-business-use-case-usage")
    ]
    longest = max(minutes, default=0.0) * 60
    return longest or retry_after(headers)


def head(body: bytes) -> Head:
    """The parts of an answer that are not rows; a MalformedPageError if it has another form."""
    return answers.head(body, Head)


def cut(body: bytes) -> bytes:
    """The body without token and proof, because Meta repeats both in the URL of the next page."""
    return _SECRET.sub(rb"\1redacted", body)
