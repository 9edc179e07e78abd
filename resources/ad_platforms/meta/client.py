"""Requests to Meta's Graph API: lists by cursor, insights in one request for few days, as a job for more.

What does not belong here: the meaning of answers (answers.py) and their rows (rows.py).
"""

import hashlib
import hmac
import io
import json
from collections.abc import Iterator, Mapping
from datetime import timedelta
from typing import Any

import requests

from resources.ad_platforms import fields
from resources.ad_platforms.access import Access, Grant, granted
from resources.ad_platforms.base import BaseClient, TooLargeError, by_cursor
from resources.ad_platforms.fields import identity, text
from resources.ad_platforms.meta import rows
from resources.ad_platforms.meta.answers import cut, head, is_too_large, problem, reason, usage
from resources.ad_platforms.meta.words import CODES, GONE, WINDOWS
from resources.ad_platforms.platform import attribution
from resources.ad_platforms.polling import Progress, wait_for
from resources.ad_platforms.records import AccountDays, Level, Page, PlatformError, RemoteJob, Stream
from resources.http import HttpError

API = "https://graph.facebook.com/v26.0"
# More days are requested as a job, because Meta cuts off a request that takes too long.
SYNC_DAYS = 7
LARGEST_LIMIT, SMALLEST_LIMIT = 500, 25

EDGES = {
    Stream.CAMPAIGNS: ("campaigns", rows.CAMPAIGN_FIELDS),
    Stream.AD_GROUPS: ("adsets", rows.AD_SET_FIELDS),
    Stream.ADS: ("ads", rows.AD_FIELDS),
}
LEVELS = {Level.ACCOUNT: "account", Level.CAMPAIGN: "campaign", Level.AD_GROUP: "adset", Level.AD: "ad"}
JOB_FIELDS = (
    "account_id", "async_status", "async_percent_completion", "error_code", "error_subcode", "error_message",
    "error_user_title", "error_user_msg",
)  # fmt: skip


class Meta(BaseClient):
    """A client of one ad account. `options`: the settings of its attribution windows."""

    title = "Meta"
    classify = CODES.classify(problem)
    # Long-lived tokens last 60 days.
    early = timedelta(days=3)

    def __init__(self, access: Access) -> None:
        super().__init__(access)
        self._node = f"act_{access.account_id}"
        self._currency = ""
        self._attribution = attribution(self.title, WINDOWS, access.options)

    def _account(self) -> Iterator[Page]:
        content = cut(self._ask("GET", f"{API}/{self._node}", params=_fields(rows.ACCOUNT_FIELDS)).content)
        self._currency = _object(content).get("currency") or ""
        yield Page(io.BytesIO(content))

    def _list(self, stream: Stream) -> Iterator[Page]:
        """The entities that Meta shows of itself, of every status, and then the gone ones."""
        edge, names = EDGES[stream]
        for wanted in ({}, {"effective_status": json.dumps(GONE)}):
            yield from self._edge(f"{self._node}/{edge}", {**_fields(names), **wanted})

    def _report(self, stream: Stream, days: AccountDays, remote: RemoteJob) -> Iterator[Page]:
        questions = [self._question(stream.level, days, gone) for gone in (False, True)]
        if stream.level is Level.ACCOUNT:
            questions.pop()
        runs = self._resumed(remote.running(days))
        if not runs and days.length <= SYNC_DAYS:
            try:
                for question in questions:
                    form = {**question, "fields": ",".join(rows.INSIGHTS[stream.level])}
                    yield from self._edge(f"{self._node}/insights", form)
            except TooLargeError:
                pass  # a job of the same days may do it; what was given already comes again, and counts once
            else:
                return
        if not runs:
            columns = json.dumps(rows.INSIGHTS[stream.level])
            runs = [self._submitted({**question, "fields": columns}) for question in questions]
            remote.run(days, "+".join(runs))
        for run in runs:
            self._await(run)
        for run in runs:
            yield from self._edge(f"{run}/insights", {})

    def _question(self, level: Level, days: AccountDays, gone: bool) -> dict[str, str]:
        condition = {"field": f"{LEVELS[level]}.effective_status", "operator": "IN", "value": GONE}
        return {
            "level": LEVELS[level],
            "time_increment": "1",
            "time_range": json.dumps({"since": f"{days.since}", "until": f"{days.until}"}),
            "action_attribution_windows": json.dumps(self._attribution.split("+")),
            **({"filtering": json.dumps([condition])} if gone else {}),
        }

    def _resumed(self, running: str | None) -> list[str]:
        """The running jobs, if Meta still knows them all."""
        runs = running.split("+") if running else []
        try:
            for run in runs:
                self._look(run)
        except HttpError as error:
            if error.code not in ("100/33", "2635"):
                raise
            return []
        return runs

    def _submitted(self, form: Mapping[str, str]) -> str:
        try:
            answer = self._ask("POST", f"{API}/{self._node}/insights", data=form)
        except HttpError as error:
            raise _narrower(error) from None
        return identity(_object(answer.content), "report_run_id")

    def _await(self, run: str) -> None:
        wait_for(lambda: self._look(run), self._session.pause, "Meta's report run")

    def _look(self, run: str) -> Progress:
        job = self._mine(self._ask("GET", f"{API}/{run}/", params=_fields(JOB_FIELDS)).content)
        status = str(job.get("async_status"))
        if status == "Job Failed":
            message = f"Meta's report run failed: {reason(job) or 'no reason was given'}"
            raise TooLargeError("job_failed", message, certain=is_too_large(f"/{job.get('error_subcode')}"))
        if status == "Job Skipped":
            raise PlatformError("job_failed", "Meta skipped the report run", again=True)
        # Only the status says that it is done, because 'Job Running' at 100 % does occur.
        return Progress(status == "Job Completed", f"{status} {job.get('async_percent_completion')}")

    def _edge(self, path: str, params: Mapping[str, str]) -> Iterator[Page]:
        """Every page of an edge. If an answer is too large for Meta, it is requested again in smaller pages."""
        limit = LARGEST_LIMIT
        context = {"attribution": self._attribution} if path.endswith("insights") else {"currency": self._known()}

        def page(after: str) -> tuple[Page, str]:
            nonlocal limit
            while True:
                query = {**params, "limit": str(limit), **({"after": after} if after else {})}
                try:
                    response = self._ask("GET", f"{API}/{path}", params=query)
                    break
                except HttpError as error:
                    if limit == SMALLEST_LIMIT:
                        raise _narrower(error) from None
                    if not is_too_large(error.code):
                        raise
                    limit = max(SMALLEST_LIMIT, limit // 4)
            paging = head(response.content).paging
            cursor = str((paging.get("cursors") or {}).get("after") or "") if paging.get("next") else ""
            if paging.get("next") and not cursor:
                raise PlatformError("repeated_cursor", "Meta sent a next page without its cursor", again=True)
            return Page(io.BytesIO(cut(response.content)), context), cursor

        return by_cursor(page)

    def _ask(
        self, method: str, url: str, *, params: Mapping[str, str] | None = None, **content: Any
    ) -> requests.Response:
        """One request, with the proof of the current token. An expired token is exchanged once."""
        self._tokens.keep_fresh()
        try:
            return self._sent(method, url, params, content)
        except HttpError as error:
            if error.code != "190/463":
                raise
        self._tokens.refresh()
        return self._sent(method, url, params, content)

    def _sent(
        self, method: str, url: str, params: Mapping[str, str] | None, content: Mapping[str, Any]
    ) -> requests.Response:
        secret = self._access.of_app("app_secret").encode()
        proof = hmac.new(secret, self._tokens.current.encode(), hashlib.sha256).hexdigest()
        response = super()._ask(method, url, params={"appsecret_proof": proof, **(params or {})}, **content)
        if (used := usage(response.headers)) >= 90:
            # Meta counts the calls of the last hour. Slow down before it refuses one.
            self._access.pacing.bucket(self._access.account_id).close_for(float(used - 85))
        return response

    def _headers(self) -> Mapping[str, str]:
        # The token goes in a header, so that no log of URLs shows it. The proof in the query is useless without it.
        return {"Authorization": f"Bearer {self._tokens.current}"}

    def _refreshed(self, refresh_token: str) -> Grant:
        """Meta has no refresh tokens: a long-lived token is exchanged for a new one."""
        del refresh_token
        query = {
            "grant_type": "fb_exchange_token",
            "client_id": self._access.of_app("app_id"),
            "client_secret": self._access.of_app("app_secret"),
            "fb_exchange_token": self._tokens.current,
        }
        response = self._session.request(
            "GET",
            self._access.url(f"{API}/oauth/access_token"),
            params=query,
            classify=type(self).classify,
            authorize=False,
            pacing_key="token",
        )
        return granted(fields.decoded(response.content))

    def _known(self) -> str:
        """The account's currency."""
        if not self._currency:
            answer = self._ask("GET", f"{API}/{self._node}", params=_fields(("account_id", "currency")))
            self._currency = text(self._mine(answer.content), "currency")
        return self._currency

    def _mine(self, content: bytes) -> Mapping[str, Any]:
        """The object of an answer, which is of the account that was asked for."""
        found = _object(content)
        list(fields.of_account([found], self._access.account_id, rows.accounts))
        return found


def _fields(names: tuple[str, ...]) -> dict[str, str]:
    return {"fields": ",".join(names)}


def _object(content: bytes) -> Mapping[str, Any]:
    answer = fields.decoded(content)
    return answer if isinstance(answer, dict) else {}


def _narrower(error: HttpError) -> Exception:
    """A refusal of too many rows as one that fewer days may pass; any other error as it is."""
    return TooLargeError(error.code or "", str(error), certain=True) if is_too_large(error.code) else error
