"""Requests to the Google Ads API v26 over REST: GAQL searches, read page by page; and the meaning of its errors.

What does not belong here: queries (queries.py) and rows (rows.py).
"""

import io
from collections.abc import Iterator, Mapping
from typing import Any

import msgspec
import requests

from resources.ad_platforms import answers, fields
from resources.ad_platforms.access import Grant
from resources.ad_platforms.answers import Problem
from resources.ad_platforms.base import BaseClient, by_cursor
from resources.ad_platforms.fields import identity, part, text
from resources.ad_platforms.google import queries
from resources.ad_platforms.google.words import CODES
from resources.ad_platforms.records import AccountDays, Level, Page, PlatformError, RemoteJob, Stream

API = "https://googleads.googleapis.com/v26"
TOKEN = "https://oauth2.googleapis.com/token"  # noqa: S105
NAMED_CLIENTS = 20


class _Head(msgspec.Struct):
    """The parts of an answer that are not rows."""

    error: msgspec.Raw = msgspec.Raw()
    nextPageToken: str = ""  # noqa: N815


def problem(response: requests.Response) -> Problem | None:
    """The error in an answer: an object or, in a stream, an array of one; some come with HTTP 200."""
    error = _head(response.content).error
    if not error:
        return None
    body = fields.decoded(bytes(error))
    if not isinstance(body, dict):
        return Problem(None)
    code, message = body.get("status"), str(body.get("message") or "")
    for detail in body.get("details") or ():
        for inner in (detail.get("errors") if isinstance(detail, dict) else None) or ():
            code = next(iter((inner.get("errorCode") or {}).values()), code)
            quota = (inner.get("details") or {}).get("quotaErrorDetails") or {}
            return Problem(_word(code), str(inner.get("message") or message), _seconds(quota.get("retryDelay")))
    return Problem(_word(code), message)


class Google(BaseClient):
    """A client of one customer. `app`: `login_customer_id` is the manager through which the customer is reached."""

    title = "Google Ads"
    classify = CODES.classify(problem)

    def _account(self) -> Iterator[Page]:
        for page in self._search(queries.LISTS[Stream.ACCOUNT]):
            for row in fields.rows(fields.decoded(page.body.read()), "results"):
                if part(row, "customer").get("manager"):
                    self._refuse_manager()
            page.body.seek(0)
            yield page

    def _list(self, stream: Stream) -> Iterator[Page]:
        return self._search(queries.LISTS[stream])

    def _report(self, stream: Stream, days: AccountDays, remote: RemoteJob) -> Iterator[Page]:
        del remote  # a search is no job
        yield from self._search(queries.facts(stream.level, days))
        if stream.level is not Level.ACCOUNT:
            yield from self._search(queries.conversions(stream.level, days), {"of": "conversions"})

    def _clicks(self, days: AccountDays) -> Iterator[Page]:
        """Google has clicks for 90 days, and gives one day at a time."""
        return self._search(f"{queries.CLICKS} WHERE segments.date = '{days.since}'")

    def _search(self, query: str, context: Mapping[str, str] | None = None) -> Iterator[Page]:
        """All pages of a search, which is one operation of the daily quota for any number of them."""

        def page(token: str) -> tuple[Page, str]:
            content = self._ask(
                "POST",
                f"{API}/customers/{self._access.account_id}/googleAds:search",
                json={"query": query, "pageToken": token} if token else {"query": query},
            ).content
            return Page(io.BytesIO(content), context or {}), _head(content).nextPageToken

        return by_cursor(page)

    def _refuse_manager(self) -> None:
        clients = [
            f"{identity(part(row, 'customerClient'), 'id')} ({text(part(row, 'customerClient'), 'descriptiveName')})"
            for page in self._search(queries.CLIENTS)
            for row in fields.rows(fields.decoded(page.body.read()), "results")
        ]
        more = f" and {len(clients) - NAMED_CLIENTS} more" if len(clients) > NAMED_CLIENTS else ""
        raise PlatformError(
            "manager_account",
            f"{self._access.account_id} is a manager account, which has no campaigns; connect its clients, with"
            f" login_customer_id {self._access.account_id}: {', '.join(clients[:NAMED_CLIENTS]) or 'none'}{more}",
        )

    def _headers(self) -> Mapping[str, str]:
        headers = {
            "Authorization": f"Bearer {self._tokens.current}",
            "developer-token": self._access.of_app("developer_token"),
        }
        manager = self._access.app.get("login_customer_id", "").replace("-", "")
        return {**headers, "login-customer-id": manager} if manager else headers

    def _refreshed(self, refresh_token: str) -> Grant:
        return self._access.refreshed(self._session, TOKEN, refresh_token)


def _head(body: bytes) -> _Head:
    if body[:1] == b"[":
        heads = answers.head(body, list[_Head])
        return heads[0] if heads else _Head()
    return answers.head(body, _Head)


def _word(code: Any) -> str | None:
    return None if code is None else str(code)


def _seconds(duration: Any) -> float | None:
    try:
        return float(str(duration).removesuffix("s"))
    except ValueError:
        return None
