"""Meta's answers: which are errors and what they mean, how much of a quota is used, where a list goes on.

What does not belong here: rows (rows.py) and requests (client.py).
"""

import json
import re
from collections.abc import Mapping
from typing import Any

import msgspec
import requests

from resources.ad_platforms import fields
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
    """The highest share of a quota that is used up, in percent, by any of Meta's four headers."""
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
        found = json.loads(headers.get(name) or "{}")
    except ValueError:
        return []
    if name == "x-business-use-case-usage" and isinstance(found, dict):
        return [entry for entries in found.values() if isinstance(entries, list) for entry in entries]
    return [found] if isinstance(found, dict) else []


def classify(response: requests.Response) -> Verdict:
    """Meta's errors by code and subcode; the minutes until access is regained are in a header."""
    try:
        error = head(response.content).error
    except MalformedPageError as problem:
        passing = response.status_code in RETRYABLE_STATUSES or response.ok
        verdict = Answer.RETRY if passing else Answer.FATAL
        return Verdict(verdict, retry_after(response.headers), response.status_code == 429, None, str(problem))
    if not error:
        if response.ok:
            return OK
        passing = response.status_code in RETRYABLE_STATUSES
        return Verdict(Answer.RETRY if passing else Answer.FATAL, retry_after(response.headers))
    found = fields.decoded(bytes(error))
    found = found if isinstance(found, dict) else {}
    code, subcode = str(found.get("code")), str(found.get("error_subcode") or "")
    message = str(found.get("message") or "")
    if subcode == TOO_MUCH or "reduce the amount of data" in message.lower():
        return Verdict(Answer.FATAL, code=TOO_MUCH, message=message)
    if code == "190":
        return Verdict(Answer.FATAL, code=f"190/{subcode}", message=message)
    if code in _PASSING or found.get("is_transient") is True or response.status_code in RETRYABLE_STATUSES:
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
    try:
        return msgspec.json.decode(body, type=Head)
    except (msgspec.DecodeError, UnicodeDecodeError):
        raise MalformedPageError("the answer is not of the platform's form") from None


def cut(body: bytes) -> bytes:
    """The body without token and proof, which Meta repeats in the address of the next page."""
    return _SECRET.sub(rb"\1redacted", body)
