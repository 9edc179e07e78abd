"""Requests to Meta's Graph API: lists by cursor, insights at once for short ranges and as a job for long ones.

What does not belong here: what an answer means (answers.py) and holds (rows.py).
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
from resources.http import HttpError, Session

API = "https://graph.facebook.com/v26.0"
# Longer ranges are asked for as a job: Meta cuts off what takes it too long to answer at once.
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
    """A client of one ad account. `options`: click_window and view_window, days of attribution."""

    def __init__(self, access: Access) -> None:
        self._access = access
        self._tokens = Tokens(access, self._exchanged, early=EARLY)
        # In a header, where no log of a URL can show it; the proof in the query is worth nothing without it.
        self._session = Session(
            "Meta",
            auth=lambda: {"Authorization": f"Bearer {self._tokens.current}"},
            pacing=access.pacing,
            patience=access.patience,
            clock=access.monotonic,
            sleep=access.sleep,
        )
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
        """End idle connections."""
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
            found = self._list(f"{API}/{node}/insights", {**params, "fields": ",".join(columns)})
        else:
            run = self._finished({**params, "fields": json.dumps(columns)}, node, remote)
            found = self._list(f"{API}/{run}/insights", {})
        for page in found:
            yield Page(page.body, {**page.context, "attribution": self.attribution})

    def _finished(self, form: Mapping[str, str], node: str, remote: RemoteJob) -> str:
        """The id of a job that is done: the remembered one where it still is there, else a new one."""
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
            found = fields.decoded(self._ask("GET", f"{API}/{run}/", {}).content)
            status = str(found.get("async_status"))
            if status in ("Job Failed", "Job Skipped"):
                raise PlatformError("job_failed", f"Meta's report run ended as {status!r}", again=True)
            # 'Job Running' at 100 % is real: only the status says that it is done.
            return Progress(status == "Job Completed", f"{status} {found.get('async_percent_completion')}")

        wait_for(look, self._session.pause, "Meta's report run")
        return run

    def _list(self, url: str, params: Mapping[str, str]) -> Iterator[Page]:
        """Every page of an edge. An answer that is too large for Meta is asked for again in smaller pages."""
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
                raise PlatformError("repeated_cursor", "Meta gave the same cursor twice", again=True)
            seen.add(after)

    def _ask(self, method: str, url: str, params: Mapping[str, str]) -> requests.Response:
        """One request, with the proof of the token of the moment; a token that is over is exchanged once."""
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
        where = self._access.url(url)
        response = self._session.request(
            method, where, params=query, data=form, idempotent=True, classify=classify, pacing_key=account
        )
        if (used := usage(response.headers)) >= 90:
            # Meta forgets a call after an hour: slow down before it refuses.
            self._access.pacing.bucket(account).close_for(float(used - 85))
        return response

    def _exchanged(self, _refresh_token: str) -> Grant:
        """Meta has no refresh tokens: the long-lived token itself is exchanged for another."""
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
            found = fields.decoded(answer.content)
            self._currency = text(found if isinstance(found, dict) else {}, "currency")
        return self._currency


def attribution(options: Mapping[str, str]) -> str:
    """The attribution windows asked for, `7d_click+1d_view` by default; the two are separate settings."""
    click, view = options.get("click_window", "7"), options.get("view_window", "1")
    return f"{click}d_click" if view == "0" else f"{click}d_click+{view}d_view"
