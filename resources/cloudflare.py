"""What D1 and Workers KV share of Cloudflare's API: address, token, rate limit, envelope and the meaning of errors.

What does not belong here: the paths and bodies of one store.
"""

from collections.abc import Callable
from typing import Any

import requests

from resources.http import Session
from resources.pacing import Pacing, Rate
from resources.verdicts import Answer, Classify, Verdict, by_status, decoded

API = "https://api.cloudflare.com/client/v4"

# The limit is 1,200 requests in 5 minutes, then 429 for 5 minutes. A burst of 600 and 2 a second stay below it.
RATE = Rate(per_second=2.0, burst=600.0)


def api_session(token: str, pacing: Pacing | None = None, **options: Any) -> Session:
    """A session of Cloudflare's API. Share it among all stores of a token, because the rate limit is the token's."""
    authorization = {"Authorization": f"Bearer {token}"}
    return Session("cloudflare", auth=lambda: authorization, pacing=pacing or Pacing(RATE), **options)


def account_url(api: str, account_id: str) -> str:
    """The base URL of an account's stores; the local runtime has no accounts, so its `account_id` is empty."""
    return f"{api}/accounts/{account_id}" if account_id else api


def in_envelope(judge: Callable[[int, str], Verdict | None] | None = None) -> Classify:
    """A reading of `{success, errors, result}`. `judge` may replace its verdict, by the error's code and message."""

    def classify(response: requests.Response) -> Verdict:
        try:
            body = decoded(response)
        except ValueError:
            verdict = by_status(response)
            # A 200 without JSON was cut off, or came from a proxy: it is no answer.
            return Verdict(Answer.RETRY, message="the answer is not JSON") if verdict.answer is Answer.OK else verdict
        if response.ok and isinstance(body, dict) and body.get("success") is True:
            return by_status(response)
        code, message = _first_error(body)
        verdict = (judge and judge(code, message)) or by_status(response)
        # 200 with success: false is an error too.
        answer = Answer.FATAL if verdict.answer is Answer.OK else verdict.answer
        return Verdict(answer, verdict.after, verdict.rejected, str(code), message)

    return classify


def _first_error(body: Any) -> tuple[int, str]:
    errors = body.get("errors") if isinstance(body, dict) else None
    first = errors[0] if isinstance(errors, list) and errors and isinstance(errors[0], dict) else {}
    code = first.get("code", 0)
    return code if isinstance(code, int) else 0, str(first.get("message") or "no reason was given")
