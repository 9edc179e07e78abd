"""TikTok's Marketing API v1.3: lists and reports in numbered pages.

What belongs here: paths, codes and rows of TikTok. What does not: our own names of statuses (assets/ads). TikTok has no
keywords.
"""

import io
import json
from collections.abc import Callable, Iterator, Mapping
from decimal import Decimal
from typing import Any, BinaryIO

import msgspec
import requests

from resources.ad_platforms import fields
from resources.ad_platforms.access import Access, Grant, Tokens, granted
from resources.ad_platforms.answers import head, unreadable
from resources.ad_platforms.fields import identity, number, part, text, whole
from resources.ad_platforms.records import (
    Account,
    AccountDays,
    AdGroup,
    Campaign,
    Fact,
    MalformedPageError,
    Notes,
    Page,
    PlatformError,
    Record,
    RemoteJob,
    Stream,
)
from resources.http import OK, RETRYABLE_STATUSES, Answer, Verdict
from resources.rate_limits import retry_after

API = "https://business-api.tiktok.com/open_api/v1.3"
STREAMS = frozenset(Stream) - {Stream.KEYWORDS, Stream.KEYWORD_DAYS}
# A daily report has 30 days at most.
LONGEST_DAYS = 30
PAGE_ROWS = 1_000

_THROTTLED = {40100, 40132, 40200, 40201, 40202}
# 20001 is a partial answer, whose missing rows would be taken for zero.
_PASSING = {40700, 50000, 50002, 20001}
_EXPIRED = 40102
_METRICS = ("spend", "impressions", "clicks", "conversion", "total_complete_payment_rate")
_REPORTS: dict[Stream, tuple[str, str, tuple[str, ...]]] = {
    Stream.ACCOUNT_DAYS: ("AUCTION_ADVERTISER", "advertiser_id", ()),
    Stream.CAMPAIGN_DAYS: ("AUCTION_CAMPAIGN", "campaign_id", ("campaign_name",)),
    Stream.AD_GROUP_DAYS: ("AUCTION_ADGROUP", "adgroup_id", ("adgroup_name", "campaign_id", "campaign_name")),
}
_ACCOUNT_FIELDS = ("advertiser_id", "name", "currency", "timezone", "status")
_CAMPAIGN_FIELDS = (
    "campaign_id", "campaign_name", "operation_status", "secondary_status", "objective_type", "budget", "budget_mode",
    "create_time", "modify_time",
)  # fmt: skip
_GROUP_FIELDS = (
    "adgroup_id", "campaign_id", "adgroup_name", "operation_status", "secondary_status", "budget", "budget_mode",
    "bid_price", "create_time", "modify_time",
)  # fmt: skip
_BUDGETS = {
    "BUDGET_MODE_DAY": "daily",
    "BUDGET_MODE_DYNAMIC_DAILY_BUDGET": "daily",
    "BUDGET_MODE_TOTAL": "lifetime",
}


class _PageInfo(msgspec.Struct):
    page: int = 1
    total_page: int = 1


class _Data(msgspec.Struct):
    page_info: _PageInfo | None = None


class _Head(msgspec.Struct):
    """The parts of an answer that are not rows."""

    code: int = -1
    message: str = ""
    data: msgspec.Raw = msgspec.Raw()


class TikTok:
    """A client of one advertiser. Its token may never expire; then there is no refresh token."""

    def __init__(self, access: Access) -> None:
        self._access = access
        self._tokens = Tokens(access, self._refreshed)
        self._session = access.session("TikTok", lambda: {"Access-Token": self._tokens.current}, self._tokens.refresh)

    def pages(self, stream: Stream, days: AccountDays | None = None, remote: RemoteJob | None = None) -> Iterator[Page]:
        """The stream's pages, in order."""
        del remote  # a report comes in pages, without a job
        if stream is Stream.ACCOUNT:
            query = {"advertiser_ids": json.dumps([self._access.account_id]), "fields": json.dumps(_ACCOUNT_FIELDS)}
            yield Page(io.BytesIO(self._ask("advertiser/info/", query).content))
            return
        path, query = self._question(stream, days)
        number_of_page = 1
        while True:
            response = self._ask(path, {**query, "page": str(number_of_page), "page_size": str(PAGE_ROWS)})
            yield Page(io.BytesIO(response.content))
            info = _info(response.content)
            if info.page != number_of_page:
                raise PlatformError("repeated_cursor", f"TikTok sent page {info.page} for {number_of_page}", again=True)
            if number_of_page >= info.total_page:
                return
            number_of_page += 1

    def close(self) -> None:
        """Close idle connections."""
        self._session.close()

    def _question(self, stream: Stream, days: AccountDays | None) -> tuple[str, dict[str, str]]:
        query = {"advertiser_id": self._access.account_id}
        if stream in _REPORTS and days is not None:
            level, own, named = _REPORTS[stream]
            return "report/integrated/get/", query | {
                "report_type": "BASIC",
                "data_level": level,
                "dimensions": json.dumps([own, "stat_time_day"]),
                "metrics": json.dumps([*_METRICS, *named]),
                "start_date": f"{days.since}",
                "end_date": f"{days.until}",
            }
        kind = "CAMPAIGN" if stream is Stream.CAMPAIGNS else "ADGROUP"
        names = _CAMPAIGN_FIELDS if stream is Stream.CAMPAIGNS else _GROUP_FIELDS
        return f"{kind.lower()}/get/", query | {
            "fields": json.dumps(names),
            # Without it, deleted ones are left out.
            "filtering": json.dumps({"secondary_status": f"{kind}_STATUS_ALL"}),
        }

    def _ask(self, path: str, query: Mapping[str, str]) -> requests.Response:
        self._tokens.keep_fresh()
        self._access.pacing.bucket("app").take()
        return self._session.request(
            "GET",
            self._access.url(f"{API}/{path}"),
            params=query,
            classify=classify,
            pacing_key=self._access.account_id,
        )

    def _refreshed(self, refresh_token: str) -> Grant:
        if not self._access.oauth.get("refresh_token"):
            raise PlatformError("token_expired", "the token has expired and there is none to refresh it with")
        body = {
            "app_id": self._access.of_app("app_id"),
            "secret": self._access.of_app("secret"),
            "grant_type": "refresh_token",
            "refresh_token": refresh_token,
        }
        response = self._session.request(
            "POST",
            self._access.url(f"{API}/oauth2/refresh_token/"),
            json=body,
            idempotent=True,
            classify=classify,
            authorize=False,
            pacing_key="token",
        )
        data = part(fields.decoded(response.content), "data")
        return granted({**data, "expires_in": data.get("access_token_expire_in", data.get("expires_in"))})


def classify(response: requests.Response) -> Verdict:
    """TikTok answers with HTTP 200 in every case; the code in the body tells the result."""
    try:
        answer = head(response.content, _Head)
    except MalformedPageError as problem:
        return unreadable(response, problem)
    after = retry_after(response.headers)
    code, message = str(answer.code), answer.message
    if answer.code == 0 and response.ok:
        return OK
    if answer.code in _THROTTLED:
        return Verdict(Answer.RETRY, after, True, code, message)
    if answer.code in _PASSING or response.status_code in RETRYABLE_STATUSES:
        return Verdict(Answer.RETRY, after, response.status_code == 429, code, message)
    return Verdict(Answer.REFRESH if answer.code == _EXPIRED else Answer.FATAL, code=code, message=message)


def _info(body: bytes) -> _PageInfo:
    try:
        data = msgspec.json.decode(body, type=_Head).data
        info = msgspec.json.decode(data, type=_Data).page_info if data else None
    except (msgspec.DecodeError, UnicodeDecodeError):
        info = None
    if info is None:
        raise MalformedPageError("page_info: missing or of another form")
    return info


def read(stream: Stream, body: BinaryIO, context: Mapping[str, str], notes: Notes) -> Iterator[Record]:
    """The records of a page; a MalformedPageError if it cannot be read."""
    del context
    rows = fields.rows(part(fields.decoded(body.read()), "data"), "list")
    return fields.records(rows, _READ[stream], notes)


def _account(row: Mapping[str, Any], notes: Notes) -> Account:
    fields.note_unknown(notes, "advertiser.", row, _ACCOUNT_FIELDS)
    zone = text(row, "timezone")
    return Account(
        id=identity(row, "advertiser_id"),
        name=text(row, "name", default=""),
        currency=text(row, "currency"),
        time_zone=zone,
        native_time_zone=zone,
        native_status=text(row, "status", default=""),
        raw=fields.raw(row),
    )


def _campaign(row: Mapping[str, Any], notes: Notes) -> Campaign:
    fields.note_unknown(notes, "campaign.", row, _CAMPAIGN_FIELDS)
    status = text(row, "secondary_status", default="")
    budget_type = _BUDGETS.get(text(row, "budget_mode", default=""))
    return Campaign(
        id=identity(row, "campaign_id"),
        name=text(row, "campaign_name"),
        native_status=status,
        deleted=status == "CAMPAIGN_STATUS_DELETE",
        budget=number(row.get("budget"), "budget") if budget_type else None,
        budget_type=budget_type,
        created_at=fields.time(row.get("create_time"), "create_time"),
        source_updated_at=fields.time(row.get("modify_time"), "modify_time"),
        raw=fields.raw(row),
    )


def _ad_group(row: Mapping[str, Any], notes: Notes) -> AdGroup:
    fields.note_unknown(notes, "adgroup.", row, _GROUP_FIELDS)
    status = text(row, "secondary_status", default="")
    budget_type = _BUDGETS.get(text(row, "budget_mode", default=""))
    return AdGroup(
        id=identity(row, "adgroup_id"),
        campaign_id=identity(row, "campaign_id"),
        name=text(row, "adgroup_name"),
        native_status=status,
        deleted=status == "ADGROUP_STATUS_DELETE",
        bid=fields.optional(row, "bid_price"),
        budget=number(row.get("budget"), "budget") if budget_type else None,
        budget_type=budget_type,
        created_at=fields.time(row.get("create_time"), "create_time"),
        source_updated_at=fields.time(row.get("modify_time"), "modify_time"),
        raw=fields.raw(row),
    )


def _fact(row: Mapping[str, Any], notes: Notes) -> Fact:
    del notes
    dimensions, metrics = part(row, "dimensions"), part(row, "metrics")
    of_group, of_account = "adgroup_id" in dimensions or "adgroup_name" in metrics, "campaign_name" not in metrics
    campaign = {} if of_account else metrics if of_group else dimensions
    return Fact(
        day=fields.day(dimensions.get("stat_time_day"), "stat_time_day"),
        campaign_id="" if of_account else identity(campaign, "campaign_id"),
        ad_group_id=identity(dimensions, "adgroup_id") if of_group else "",
        keyword_id="",
        impressions=whole(metrics, "impressions"),
        clicks=whole(metrics, "clicks"),
        spend=_number(metrics, "spend"),
        conversions=_number(metrics, "conversion"),
        conversions_value=_number(metrics, "total_complete_payment_rate"),
        names={
            "campaign_name": text(metrics, "campaign_name", default=""),
            "ad_group_name": text(metrics, "adgroup_name", default=""),
        },
    )


def _number(metrics: Mapping[str, Any], name: str) -> Decimal:
    """A metric; it is `-` if the campaign's objective has none."""
    value = metrics.get(name)
    return fields.NOTHING if value == "-" else number(value, name)


_READ: dict[Stream, Callable[[Mapping[str, Any], Notes], Record]] = {
    Stream.ACCOUNT: _account,
    Stream.CAMPAIGNS: _campaign,
    Stream.AD_GROUPS: _ad_group,
    Stream.ACCOUNT_DAYS: _fact,
    Stream.CAMPAIGN_DAYS: _fact,
    Stream.AD_GROUP_DAYS: _fact,
}
