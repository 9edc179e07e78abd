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
from resources.ad_platforms.answers import Problem
from resources.ad_platforms.meta.words import CODES, TOO_LARGE
from resources.rate_limits import retry_after

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


def problem(response: requests.Response) -> Problem | None:
    """The error in an answer: `code/subcode`, with the reason that Meta gives to people."""
    error = head(response.content).error
    if not error:
        return None
    body = fields.decoded(bytes(error))
    body = body if isinstance(body, dict) else {}
    code, subcode = str(body.get("code")), str(body.get("error_subcode") or "")
    if "reduce the amount of data" in str(body.get("message")).lower():
        subcode = subcode if subcode in TOO_LARGE else "1504018"
    # What is too large stays too large, with any status and code.
    passing = False if subcode in TOO_LARGE else body.get("is_transient") is True or code in CODES.passing or None
    known = code if code in CODES.throttled else f"{code}/{subcode}" if subcode else code
    return Problem(known, reason(body), _regained(response.headers), passing)


def reason(error: Mapping[str, Any]) -> str:
    """What an error or a failed job says: its own message, and the title and text for people."""
    said = (error.get(name) for name in ("message", "error_message", "error_user_title", "error_user_msg"))
    return ": ".join(dict.fromkeys(str(text) for text in said if text))


def is_too_large(code: str | None) -> bool:
    """Whether a code says that a range of fewer days may be answered."""
    return (code or "").rpartition("/")[2] in TOO_LARGE


def _regained(headers: Mapping[str, str]) -> float | None:
    """Seconds until requests are possible again; the header has minutes."""
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
