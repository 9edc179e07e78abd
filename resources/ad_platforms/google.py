"""Google Ads API v26 over REST: GAQL searches, read page by page.

What belongs here: queries, errors and rows of Google Ads. What does not: our own names of statuses (assets/ads).
"""

import io
from collections.abc import Callable, Iterator, Mapping
from datetime import date
from decimal import Decimal
from typing import Any, BinaryIO

import msgspec
import requests

from resources.ad_platforms import fields
from resources.ad_platforms.access import Access, Grant, Tokens
from resources.ad_platforms.answers import head, unreadable
from resources.ad_platforms.fields import LARGEST, MICRO, identity, number, part, text, whole
from resources.ad_platforms.records import (
    Account,
    AccountDays,
    AdGroup,
    Campaign,
    Click,
    Fact,
    Keyword,
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

API = "https://googleads.googleapis.com/v26"
TOKEN = "https://oauth2.googleapis.com/token"  # noqa: S105
STREAMS = frozenset(Stream)
LONGEST_DAYS = 92

_METRICS = "metrics.impressions, metrics.clicks, metrics.cost_micros, metrics.conversions, metrics.conversions_value"
_CAMPAIGN = "campaign.id, campaign.name, campaign.status"
_GROUP = "ad_group.id, ad_group.name, ad_group.status"
_WORD = (
    "ad_group_criterion.criterion_id, ad_group_criterion.keyword.text, ad_group_criterion.keyword.match_type,"
    " ad_group_criterion.status"
)
QUERIES = {
    Stream.ACCOUNT: (
        "SELECT customer.id, customer.descriptive_name, customer.currency_code, customer.time_zone, customer.status,"
        " customer.manager FROM customer"
    ),
    Stream.CAMPAIGNS: (
        f"SELECT {_CAMPAIGN}, campaign.primary_status, campaign.advertising_channel_type, campaign.start_date_time,"
        " campaign_budget.id, campaign_budget.amount_micros, campaign_budget.total_amount_micros,"
        " campaign_budget.explicitly_shared, campaign_budget.period FROM campaign"
    ),
    Stream.AD_GROUPS: (
        f"SELECT {_GROUP}, ad_group.primary_status, ad_group.type, ad_group.cpc_bid_micros, campaign.id FROM ad_group"
    ),
    Stream.KEYWORDS: (
        f"SELECT {_WORD}, ad_group_criterion.cpc_bid_micros, ad_group_criterion.quality_info.quality_score,"
        " ad_group.id, campaign.id FROM ad_group_criterion"
        " WHERE ad_group_criterion.type = 'KEYWORD' AND ad_group_criterion.negative = FALSE"
    ),
    Stream.ACCOUNT_DAYS: f"SELECT segments.date, customer.id, {_METRICS} FROM customer",
    Stream.CAMPAIGN_DAYS: f"SELECT segments.date, {_CAMPAIGN}, {_METRICS} FROM campaign",
    Stream.AD_GROUP_DAYS: f"SELECT segments.date, {_GROUP}, campaign.id, campaign.name, {_METRICS} FROM ad_group",
    Stream.KEYWORD_DAYS: (
        f"SELECT segments.date, {_WORD}, ad_group.id, ad_group.name, campaign.id, campaign.name, {_METRICS}"
        " FROM keyword_view"
    ),
}
CLICKS = "SELECT click_view.gclid, campaign.id FROM click_view"
# The known fields of entities: those that a query selects, and those that Google adds itself.
_KNOWN = {
    "campaign": {
        "id", "name", "status", "primaryStatus", "advertisingChannelType", "startDateTime", "resourceName",
        "campaignBudget",
    },
    "campaignBudget": {
        "id", "amountMicros", "totalAmountMicros", "explicitlyShared", "period", "resourceName",
    },
    "adGroup": {"id", "name", "status", "primaryStatus", "type", "cpcBidMicros", "campaign", "resourceName"},
    "adGroupCriterion": {
        "criterionId", "keyword", "status", "cpcBidMicros", "qualityInfo", "type", "negative", "resourceName",
        "adGroup",
    },
    "customer": {"id", "descriptiveName", "currencyCode", "timeZone", "status", "manager", "resourceName"},
}  # fmt: skip
_EXHAUSTED = {"RESOURCE_EXHAUSTED", "RESOURCE_TEMPORARILY_EXHAUSTED"}
_PASSING = {"TRANSIENT_ERROR", "INTERNAL_ERROR", "DEADLINE_EXCEEDED"}


class _Head(msgspec.Struct):
    """The parts of an answer that are not rows."""

    error: msgspec.Raw = msgspec.Raw()
    nextPageToken: str = ""  # noqa: N815


class Google:
    """A client of one customer."""

    def __init__(self, access: Access) -> None:
        self._access = access
        self._tokens = Tokens(access, self._refreshed)
        self._session = access.session("Google Ads", self._headers, self._tokens.refresh)

    def pages(self, stream: Stream, days: AccountDays | None = None, remote: RemoteJob | None = None) -> Iterator[Page]:
        """The stream's pages, in order. A search is one operation of the daily quota, for any number of pages."""
        del remote  # a search is no job
        query = QUERIES[stream]
        if days is not None:
            query += f" WHERE segments.date BETWEEN '{days.since}' AND '{days.until}'"
        return (Page(io.BytesIO(body)) for body in self._search(query))

    def clicks(self, day: date) -> Iterator[Click]:
        """The clicks of one day of the account. Google has them for 90 days, and gives one day at a time."""
        for body in self._search(f"{CLICKS} WHERE segments.date = '{day}'"):
            for row in fields.rows(fields.decoded(body), "results"):
                click_id = text(part(row, "clickView"), "gclid", default="")
                if click_id:
                    yield Click(click_id, identity(part(row, "campaign"), "id"))

    def _search(self, query: str) -> Iterator[bytes]:
        token, seen = "", set[str]()
        self._access.pacing.bucket("app").take()
        while True:
            body = {"query": query, "pageToken": token} if token else {"query": query}
            self._tokens.keep_fresh()
            response = self._session.request(
                "POST",
                self._access.url(f"{API}/customers/{self._access.account_id}/googleAds:search"),
                json=body,
                idempotent=True,
                classify=classify,
                pacing_key=self._access.account_id,
            )
            yield response.content
            token = _head(response.content).nextPageToken
            if not token:
                return
            if token in seen:
                raise PlatformError("repeated_cursor", "the platform gave the same page token twice", again=True)
            seen.add(token)

    def close(self) -> None:
        """Close idle connections."""
        self._session.close()

    def _headers(self) -> Mapping[str, str]:
        headers = {
            "Authorization": f"Bearer {self._tokens.current}",
            "developer-token": self._access.of_app("developer_token"),
        }
        if self._access.app.get("login_customer_id"):
            headers["login-customer-id"] = self._access.app["login_customer_id"]
        return headers

    def _refreshed(self, refresh_token: str) -> Grant:
        return self._access.refreshed(self._session, TOKEN, refresh_token)


def classify(response: requests.Response) -> Verdict:
    """Google's errors are an object or, in a stream, an array of one; some come with HTTP 200."""
    ok = 200 <= response.status_code < 300
    try:
        error = _head(response.content).error
    except MalformedPageError as problem:
        return unreadable(response, problem)
    if ok and not error:
        return OK
    code, message, delay = _words(error)
    after = delay if delay is not None else retry_after(response.headers)
    if code in _EXHAUSTED:
        return Verdict(Answer.RETRY, after, True, code, message)
    if code in _PASSING or response.status_code in RETRYABLE_STATUSES:
        return Verdict(Answer.RETRY, after, response.status_code == 429, code, message)
    if code == "OAUTH_TOKEN_EXPIRED" or (response.status_code == 401 and code == "UNAUTHENTICATED"):
        return Verdict(Answer.REFRESH, code=code, message=message)
    return Verdict(Answer.FATAL, code=code, message=message)


def _head(body: bytes) -> _Head:
    if body[:1] == b"[":
        heads = head(body, list[_Head])
        return heads[0] if heads else _Head()
    return head(body, _Head)


def _words(error: msgspec.Raw) -> tuple[str | None, str, float | None]:
    """Reason, message and seconds to wait of an error."""
    body = fields.decoded(bytes(error)) if error else {}
    if not isinstance(body, dict):
        return None, "", None
    code, message, delay = body.get("status"), str(body.get("message") or ""), None
    for detail in body.get("details") or ():
        for inner in (detail.get("errors") if isinstance(detail, dict) else None) or ():
            code = next(iter((inner.get("errorCode") or {}).values()), code)
            message = str(inner.get("message") or message)
            quota = (inner.get("details") or {}).get("quotaErrorDetails") or {}
            delay = _seconds(quota.get("retryDelay"))
            return (None if code is None else str(code)), message, delay
    return (None if code is None else str(code)), message, delay


def _seconds(duration: Any) -> float | None:
    try:
        return float(str(duration).removesuffix("s"))
    except ValueError:
        return None


def read(stream: Stream, body: BinaryIO, context: Mapping[str, str], notes: Notes) -> Iterator[Record]:
    """The records of a page; a MalformedPageError if it cannot be read."""
    del context
    return fields.records(fields.rows(fields.decoded(body.read()), "results"), _READ[stream], notes)


def _account(row: Mapping[str, Any], notes: Notes) -> Account:
    customer = _part(row, "customer", notes)
    zone = text(customer, "timeZone")
    return Account(
        id=identity(customer, "id"),
        name=text(customer, "descriptiveName", default=""),
        currency=text(customer, "currencyCode"),
        time_zone=zone,
        native_time_zone=zone,
        native_status=text(customer, "status", default=""),
        raw=fields.raw(row),
    )


def _campaign(row: Mapping[str, Any], notes: Notes) -> Campaign:
    campaign = _part(row, "campaign", notes)
    budget = _part(row, "campaignBudget", notes) if "campaignBudget" in row else {}
    status = text(campaign, "status", default="")
    lifetime = budget.get("totalAmountMicros") is not None
    amount = budget.get("totalAmountMicros" if lifetime else "amountMicros")
    return Campaign(
        id=identity(campaign, "id"),
        name=text(campaign, "name"),
        native_status=status,
        deleted=status == "REMOVED",
        ended=campaign.get("primaryStatus") == "ENDED",
        budget=None if amount is None else _micros(amount, "amountMicros"),
        budget_type=None if amount is None else "lifetime" if lifetime else "daily",
        budget_id=identity(budget, "id") if budget.get("id") is not None else None,
        raw=fields.raw(row),
    )


def _ad_group(row: Mapping[str, Any], notes: Notes) -> AdGroup:
    group = _part(row, "adGroup", notes)
    status = text(group, "status", default="")
    return AdGroup(
        id=identity(group, "id"),
        campaign_id=identity(part(row, "campaign"), "id"),
        name=text(group, "name"),
        native_status=status,
        deleted=status == "REMOVED",
        ended=group.get("primaryStatus") == "ENDED",
        bid=_bid(group),
        raw=fields.raw(row),
    )


def _keyword(row: Mapping[str, Any], notes: Notes) -> Keyword:
    criterion = _part(row, "adGroupCriterion", notes)
    words = part(criterion, "keyword")
    status = text(criterion, "status", default="")
    score = criterion.get("qualityInfo", {}).get("qualityScore")
    return Keyword(
        id=identity(criterion, "criterionId"),
        ad_group_id=identity(part(row, "adGroup"), "id"),
        campaign_id=identity(part(row, "campaign"), "id"),
        text=text(words, "text"),
        match_type=text(words, "matchType", default=""),
        native_status=status,
        deleted=status == "REMOVED",
        bid=_bid(criterion),
        quality_score=None if score is None else whole({"qualityScore": score}, "qualityScore"),
        raw=fields.raw(row),
    )


def _fact(row: Mapping[str, Any], notes: Notes) -> Fact:
    del notes
    metrics = part(row, "metrics")
    campaign, group, criterion = row.get("campaign"), row.get("adGroup"), row.get("adGroupCriterion")
    names: dict[str, str] = {}
    campaign_id = ad_group_id = keyword_id = ""
    if campaign is not None:
        campaign_id = identity(campaign, "id")
        names = {"campaign_name": text(campaign, "name", default=""), "native_status": campaign.get("status", "")}
    if group is not None:
        ad_group_id = identity(group, "id")
        names |= {"ad_group_name": text(group, "name", default=""), "native_status": group.get("status", "")}
    if criterion is not None:
        keyword_id = identity(criterion, "criterionId")
        words = criterion.get("keyword", {})
        names |= {"text": text(words, "text", default=""), "match_type": text(words, "matchType", default="")}
        names |= {"native_status": criterion.get("status", "")}
    return Fact(
        day=fields.day(row["segments"]["date"], "segments.date"),
        campaign_id=campaign_id,
        ad_group_id=ad_group_id,
        keyword_id=keyword_id,
        impressions=whole(metrics, "impressions"),
        clicks=whole(metrics, "clicks"),
        spend=_micros(metrics.get("costMicros"), "costMicros"),
        conversions=number(metrics.get("conversions"), "conversions"),
        conversions_value=number(metrics.get("conversionsValue"), "conversionsValue"),
        names=names,
    )


_READ: dict[Stream, Callable[[Mapping[str, Any], Notes], Record]] = {
    Stream.ACCOUNT: _account,
    Stream.CAMPAIGNS: _campaign,
    Stream.AD_GROUPS: _ad_group,
    Stream.KEYWORDS: _keyword,
    Stream.ACCOUNT_DAYS: _fact,
    Stream.CAMPAIGN_DAYS: _fact,
    Stream.AD_GROUP_DAYS: _fact,
    Stream.KEYWORD_DAYS: _fact,
}


def _part(row: Mapping[str, Any], name: str, notes: Notes) -> Mapping[str, Any]:
    entity = part(row, name)
    fields.note_unknown(notes, f"{name}.", entity, _KNOWN[name])
    return entity


def _micros(value: Any, name: str) -> Decimal:
    return number(value, name, LARGEST * MICRO) / MICRO


def _bid(row: Mapping[str, Any]) -> Decimal | None:
    value = row.get("cpcBidMicros")
    return None if value is None else _micros(value, "cpcBidMicros")
