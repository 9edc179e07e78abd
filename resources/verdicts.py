"""What an answer of a service means: done, to be sent again, to be sent with a fresh token, or refused.

What belongs here: the reading of one answer, and of the words of an error. What does not: sending (http.py), headers
about rate limits (rate_limits.py), any one service, which says what its answers mean with a `Classify` of its own.
"""

import json
from collections.abc import Callable
from dataclasses import dataclass
from enum import Enum
from http.client import responses as reasons
from typing import Any

import requests

from resources.rate_limits import retry_after

RETRYABLE_STATUSES = frozenset({408, 425, 429, 500, 502, 503, 504, 520, 521, 522, 523, 524, 527, 529, 530})


class Answer(Enum):
    """What an answer means for the request."""

    OK = "ok"
    RETRY = "retry"
    REFRESH = "refresh"
    FATAL = "fatal"


@dataclass(frozen=True, slots=True)
class Verdict:
    """The reading of one answer.

    `after`: seconds to wait before the retry (None: the session's own back-off). `rejected`: the service did nothing
    for certain, so even a request that is not idempotent may be sent again. `code`, `message`: the service's own words.
    """

    answer: Answer
    after: float | None = None
    rejected: bool = False
    code: str | None = None
    message: str = ""


OK = Verdict(Answer.OK)
Classify = Callable[[requests.Response], Verdict]


def by_status(response: requests.Response) -> Verdict:
    """2xx is OK, 401 needs a fresh token, 429 and temporary 5xx are retried, all else is fatal."""
    status = response.status_code
    if 200 <= status < 300:
        return OK
    code, message = error_words(response)
    if status in RETRYABLE_STATUSES:
        return Verdict(Answer.RETRY, retry_after(response.headers), status == 429, code, message)
    return Verdict(Answer.REFRESH if status == 401 else Answer.FATAL, code=code, message=message)


def error_words(response: requests.Response) -> tuple[str | None, str]:
    """The error code and message of an answer, from any of the usual JSON envelopes."""
    plain = reasons.get(response.status_code, "")
    try:
        body = decoded(response)
    except ValueError:
        return None, plain
    if isinstance(body, list) and body:
        body = body[0]
    if not isinstance(body, dict):
        return None, plain
    errors = body.get("errors") or body.get("Errors")
    inner = errors[0] if isinstance(errors, list) and errors else body.get("error", body)
    if isinstance(inner, str):  # OAuth: {"error": "invalid_grant", "error_description": "…"}
        return inner, str(body.get("error_description") or plain)
    if not isinstance(inner, dict):
        return None, plain
    code = next((inner[name] for name in ("code", "Code", "status") if inner.get(name) not in (None, "")), None)
    message = next((inner[name] for name in ("message", "Message", "msg") if inner.get(name)), plain)
    return None if code is None else str(code), str(message)


def decoded(response: requests.Response) -> Any:
    """The JSON of an answer; ValueError if it is not JSON.

    `response.json()` uses simplejson where a package has installed it, which refuses NaN and json does not. The
    reading of an answer must not depend on what else is installed.
    """
    return json.loads(response.content)
