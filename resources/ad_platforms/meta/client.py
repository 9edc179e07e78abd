"""Requests to Meta's Graph API: lists by cursor, insights in one request for few days, as a job for more.

What does not belong here: the meaning of answers (answers.py) and their rows (rows.py).
"""

import hashlib
import hmac
import io
import json
from collections.abc import Iterator, Mapping
from datetime import timedelta

import requests

from resources.ad_platforms import fields
from resources.ad_platforms.access import Access, Grant, Tokens, granted
from resources.ad_platforms.fields import identity, text
from resources.ad_platforms.meta.answers import TOO_MUCH, classify, cut, head, usage
from resources.ad_platforms.meta.rows import ACCOUNT_FIELDS, AD_SET_FIELDS, CAMPAIGN_FIELDS
from resources.ad_platforms.polling import Progress, wait_for
from resources.ad_platforms.records import AccountDays, Page, PlatformError, RemoteJob, Stream
from resources.http import HttpError

API = "https://graph.facebook.com/v26.0"
# More days are requested as a job, because Meta cuts off a request that takes too long.
SYNC_DAYS = 7
LARGEST_LIMIT, SMALLEST_LIMIT = 500, 25
# Long-lived tokens last 60 days.
EARLY = timedelta(days=3)

_STATUSES = ("ACTIVE", "PAUSED", "DELETED", "ARCHIVED", "IN_PROCESS", "WITH_ISSUES")
_METRICS = ("impressions", "clicks", "spend", "actions", "action_values", "account_currency")
_LEVELS: dict[Stream, tuple[str, tuple[str, ...]]] = {
    Stream.ACCOUNT_DAYS: ("account", ()),
    Stream.CAMPAIGN_DAYS: ("campaign", ("campaign_id", "campaign_name")),
    Stream.AD_GROUP_DAYS: ("adset", ("campaign_id", "campaign_name", "adset_id", "adset_name")),
}


class Meta:
    """A client of one ad account. `options`: click_window and view_window, in days of attribution."""

    def __init__(self, access: Access) -> None:
        self._access = access
        self._tokens = Tokens(access, self._exchanged, early=EARLY)
        # The token goes in a header, so that no log of URLs shows it. The proof in the query is useless without it.
        self._session = access.session("Meta", lambda: {"Authorization": f"Bearer {self._tokens.current}"})
        self._currency = ""
        self.attribution = attribution(access.options)

    def pages(self, stream: Stream, days: AccountDays | None = None, remote: RemoteJob | None = None) -> Iterator[Page]:
        """The stream's pages, in order."""
        node = f"act_{self._access.account_id}"
        if stream is Stream.ACCOUNT:
            response = self._ask("GET", f"{API}/{node}", {"fields": ",".join(ACCOUNT_FIELDS)})
            yield Page(io.BytesIO(cut(response.content)))
        elif stream in _LEVELS and days is not None:
            yield from self._insights(node, stream, days, remote or RemoteJob())
        else:
            is_campaigns = stream is Stream.CAMPAIGNS
            wanted = _STATUSES if is_campaigns else (*_STATUSES, "CAMPAIGN_PAUSED", "PENDING_REVIEW", "DISAPPROVED")
            params = {
                "fields": ",".join(CAMPAIGN_FIELDS if is_campaigns else AD_SET_FIELDS),
                "effective_status": json.dumps(wanted),
            }
            yield from self._list(f"{API}/{node}/{'campaigns' if is_campaigns else 'adsets'}", params)

    def close(self) -> None:
        """Close idle connections."""
        self._session.close()

    def _insights(self, node: str, stream: Stream, days: AccountDays, remote: RemoteJob) -> Iterator[Page]:
        level, own = _LEVELS[stream]
        columns = [*own, *_METRICS]
        params = {
            "level": level,
            "time_increment": "1",
            "time_range": json.dumps({"since": f"{days.since}", "until": f"{days.until}"}),
            "action_attribution_windows": json.dumps(self.attribution.split("+")),
        }
        if (days.until - days.since).days < SYNC_DAYS and remote.id is None:
            pages = self._list(f"{API}/{node}/insights", {**params, "fields": ",".join(columns)})
        else:
            run = self._finished({**params, "fields": json.dumps(columns)}, node, remote)
            pages = self._list(f"{API}/{run}/insights", {})
        for page in pages:
            yield Page(page.body, {**page.context, "attribution": self.attribution})

    def _finished(self, form: Mapping[str, str], node: str, remote: RemoteJob) -> str:
        """The id of a job that is done: of the one that runs already if Meta still knows it, else of a new one."""
        if remote.id is not None:
            try:
                return self._await(remote.id)
            except HttpError as error:
                if error.code not in ("100", "2635"):
                    raise
        answer = fields.decoded(self._ask("POST", f"{API}/{node}/insights", form).content)
        run = identity(answer if isinstance(answer, dict) else {}, "report_run_id")
        remote.started(run)
        return self._await(run)

    def _await(self, run: str) -> str:
        def look() -> Progress:
            report = fields.decoded(self._ask("GET", f"{API}/{run}/", {}).content)
            status = str(report.get("async_status"))
            if status in ("Job Failed", "Job Skipped"):
                raise PlatformError("job_failed", f"Meta's report run ended as {status!r}", again=True)
            # Only the status says that it is done, because 'Job Running' at 100 % does occur.
            return Progress(status == "Job Completed", f"{status} {report.get('async_percent_completion')}")

        wait_for(look, self._session.pause, "Meta's report run")
        return run

    def _list(self, url: str, params: Mapping[str, str]) -> Iterator[Page]:
        """Every page of an edge. If an answer is too large for Meta, it is requested again in smaller pages."""
        limit, after, seen = LARGEST_LIMIT, "", set[str]()
        while True:
            try:
                response = self._ask("GET", url, {**params, "limit": str(limit), **({"after": after} if after else {})})
            except HttpError as error:
                if error.code != TOO_MUCH or limit <= SMALLEST_LIMIT:
                    raise
                limit = max(SMALLEST_LIMIT, limit // 4)
                continue
            yield Page(io.BytesIO(cut(response.content)), {"currency": self._known_currency()})
            paging = head(response.content).paging
            if not paging.get("next"):
                return
            after = str((paging.get("cursors") or {}).get("after") or "")
            if not after or after in seen:
                raise PlatformError("repeated_cursor", "Meta sent the same cursor twice", again=True)
            seen.add(after)

    def _ask(self, method: str, url: str, params: Mapping[str, str]) -> requests.Response:
        """One request, with the proof of the current token. An expired token is exchanged once."""
        self._tokens.keep_fresh()
        try:
            return self._sent(method, url, params)
        except HttpError as error:
            if error.code != "190/463":
                raise
        self._tokens.refresh()
        return self._sent(method, url, params)

    def _sent(self, method: str, url: str, params: Mapping[str, str]) -> requests.Response:
        account = self._access.account_id
        self._access.pacing.bucket("app").take()
        secret = self._access.of_app("app_secret").encode()
        proof = hmac.new(secret, self._tokens.current.encode(), hashlib.sha256).hexdigest()
        query = {"appsecret_proof": proof, **(params if method == "GET" else {})}
        form = dict(params) if method == "POST" else None
        response = self._session.request(
            method,
            self._access.url(url),
            params=query,
            data=form,
            idempotent=True,
            classify=classify,
            pacing_key=account,
        )
        if (used := usage(response.headers)) >= 90:
            # Meta counts the calls of the last hour. Slow down before it refuses one.
            self._access.pacing.bucket(account).close_for(float(used - 85))
        return response

    def _exchanged(self, _refresh_token: str) -> Grant:
        """Meta has no refresh tokens: a long-lived token is exchanged for a new one."""
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
            classify=classify,
            authorize=False,
            pacing_key="token",
        )
        return granted(fields.decoded(response.content))

    def _known_currency(self) -> str:
        if not self._currency:
            answer = self._ask("GET", f"{API}/act_{self._access.account_id}", {"fields": "currency"})
            account = fields.decoded(answer.content)
            self._currency = text(account if isinstance(account, dict) else {}, "currency")
        return self._currency


def attribution(options: Mapping[str, str]) -> str:
    """The attribution windows of requests, `7d_click+1d_view` by default; the two are separate settings."""
    click, view = options.get("click_window", "7"), options.get("view_window", "1")
    return f"{click}d_click" if view == "0" else f"{click}d_click+{view}d_view"
