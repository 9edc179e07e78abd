"""What the answers of all platforms have in common: a head beside the rows, and answers that cannot be read.

What does not belong here: the codes of one platform.
"""

from typing import TypeVar

import msgspec
import requests

from resources.ad_platforms.records import MalformedPageError
from resources.http import RETRYABLE_STATUSES, Answer, Verdict
from resources.rate_limits import retry_after

Head = TypeVar("Head")


def head(body: bytes, form: type[Head]) -> Head:
    """The parts of an answer that are not rows; a MalformedPageError if it has another form."""
    try:
        return msgspec.json.decode(body, type=form)
    except (msgspec.DecodeError, UnicodeDecodeError):
        raise MalformedPageError("the answer is not of the platform's form") from None


def unreadable(response: requests.Response, problem: MalformedPageError) -> Verdict:
    """The verdict on such an answer: a page that was cut short and a temporary error are retried."""
    may_pass = response.ok or response.status_code in RETRYABLE_STATUSES
    answer = Answer.RETRY if may_pass else Answer.FATAL
    return Verdict(answer, retry_after(response.headers), response.status_code == 429, None, str(problem))
