"""Cloudflare's API as D1 and Workers KV share it: address, token, pace, envelope and what its errors mean.

What a store's own paths and bodies are belongs to that store's room.
"""

from collections.abc import Callable
from typing import Any

import requests

from resources.http import Answer, Classify, Session, Verdict, by_status, decoded
from resources.pacing import Pacing, Rate

API = "https://api.cloudflare.com/client/v4"

# 1,200 requests in 5 minutes, then 429 for the next 5: a burst of 600 and 2 a second never get there.
RATE = Rate(per_second=2.0, burst=600.0)


def api_session(token: str, pacing: Pacing | None = None, **options: Any) -> Session:
    """A session of Cloudflare's API; share one among all stores of a token, for they share its rate limit."""
    authorization = {"Authorization": f"Bearer {token}"}
    return Session("cloudflare", auth=lambda: authorization, pacing=pacing or Pacing(RATE), **options)


def in_envelope(judge: Callable[[int, str], Verdict | None]) -> Classify:
    """A reading of `{success, errors, result}`; `judge` may overrule it by the error's code and message."""

    def classify(response: requests.Response) -> Verdict:
        try:
            body = decoded(response)
        except ValueError:
            verdict = by_status(response)
            # Without its JSON a 200 is no answer: it was cut off, or came from something in between.
            return Verdict(Answer.RETRY, message="the answer is not JSON") if verdict.answer is Answer.OK else verdict
        if response.ok and isinstance(body, dict) and body.get("success") is True:
            return by_status(response)
        code, message = _first_error(body)
        overruled = judge(code, message)
        if overruled is not None:
            return Verdict(overruled.answer, overruled.after, overruled.rejected, str(code), message)
        verdict = by_status(response)
        if verdict.answer is Answer.OK:  # 200 with success: false
            return Verdict(Answer.FATAL, code=str(code), message=message)
        return Verdict(verdict.answer, verdict.after, verdict.rejected, str(code), message)

    return classify


def _first_error(body: Any) -> tuple[int, str]:
    errors = body.get("errors") if isinstance(body, dict) else None
    first = errors[0] if isinstance(errors, list) and errors and isinstance(errors[0], dict) else {}
    code = first.get("code", 0)
    return code if isinstance(code, int) else 0, str(first.get("message") or "no reason was given")
