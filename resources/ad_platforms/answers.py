"""What the answers of all platforms have in common: a head beside the rows, errors with codes, unreadable answers.

What does not belong here: the codes of one platform.
"""

from collections.abc import Callable
from dataclasses import dataclass
from typing import NamedTuple, TypeVar

import msgspec
import requests

from resources.ad_platforms.records import MalformedPageError
from resources.rate_limits import retry_after
from resources.verdicts import OK, RETRYABLE_STATUSES, Answer, Classify, Verdict

Head = TypeVar("Head")


class Problem(NamedTuple):
    """An error as an answer tells it. after: seconds to wait. passing: whether it will pass, if the answer says so."""

    code: str | None
    message: str = ""
    after: float | None = None
    passing: bool | None = None


@dataclass(frozen=True)
class Codes:
    """What the codes of a platform's errors mean for a request; all others are fatal.

    throttled: the platform did nothing, because there were too many requests. passing: it may do it later. expired: the
    token has to be refreshed.
    """

    throttled: frozenset[str]
    passing: frozenset[str]
    expired: frozenset[str]

    def classify(self, problem_of: Callable[[requests.Response], Problem | None]) -> Classify:
        """The reading of answers; `problem_of` gives the error in an answer, or None."""

        def verdict(response: requests.Response) -> Verdict:
            try:
                problem = problem_of(response)
            except MalformedPageError as error:
                return _unreadable(response, error)
            if problem is None and response.ok:
                return OK
            code, message, after, passing = problem or Problem(None)
            after = retry_after(response.headers) if after is None else after
            if code in self.throttled:
                return Verdict(Answer.RETRY, after, True, code, message)
            if passing is None:
                passing = code in self.passing or response.status_code in RETRYABLE_STATUSES
            if passing:
                return Verdict(Answer.RETRY, after, response.status_code == 429, code, message)
            return Verdict(Answer.REFRESH if code in self.expired else Answer.FATAL, code=code, message=message)

        return verdict


def head(body: bytes, form: type[Head]) -> Head:
    """The parts of an answer that are not rows; a MalformedPageError if it has another form."""
    try:
        return msgspec.json.decode(body, type=form)
    except (msgspec.DecodeError, UnicodeDecodeError):
        raise MalformedPageError("the answer is not of the platform's form") from None


def _unreadable(response: requests.Response, problem: MalformedPageError) -> Verdict:
    """A page that was cut short and a temporary error are retried."""
    may_pass = response.ok or response.status_code in RETRYABLE_STATUSES
    answer = Answer.RETRY if may_pass else Answer.FATAL
    return Verdict(answer, retry_after(response.headers), response.status_code == 429, None, str(problem))
