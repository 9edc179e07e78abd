"""Requests to TikTok's Marketing API v1.3: lists and reports in numbered pages; and the meaning of its errors.

What does not belong here: rows (rows.py).
"""

import io
import json
from collections.abc import Iterator, Mapping, Sequence
from typing import Any, ClassVar

import msgspec
import requests

from resources.ad_platforms import fields
from resources.ad_platforms.access import Grant, granted
from resources.ad_platforms.answers import Problem, head
from resources.ad_platforms.base import BaseClient, by_cursor
from resources.ad_platforms.fields import part
from resources.ad_platforms.records import (
    AccountDays,
    Level,
    MalformedPageError,
    Page,
    PlatformError,
    RemoteJob,
    Stream,
)
from resources.ad_platforms.tiktok.words import ACCOUNT_FIELDS, CODES, LISTS, METRICS

API = "https://business-api.tiktok.com/open_api/v1.3"
PAGE_ROWS = 1_000
# A report ends after so many entities, without a word.
LARGEST_REPORT = 20_000
# A filter has room for so many ids.
CAMPAIGNS_A_FILTER = 100

# Of each level's reports, its name, its own id, and the names and ids beside it.
LEVELS: dict[Level, tuple[str, str, tuple[str, ...]]] = {
    Level.ACCOUNT: ("AUCTION_ADVERTISER", "advertiser_id", ()),
    Level.CAMPAIGN: ("AUCTION_CAMPAIGN", "campaign_id", ("campaign_name",)),
    Level.AD_GROUP: ("AUCTION_ADGROUP", "adgroup_id", ("adgroup_name", "campaign_id", "campaign_name")),
    Level.AD: ("AUCTION_AD", "ad_id", ("ad_name", "adgroup_id", "adgroup_name", "campaign_id", "campaign_name")),
}
_STATUS_FILTERS = {Level.CAMPAIGN: "campaign_status", Level.AD_GROUP: "adgroup_status", Level.AD: "ad_status"}


class _Head(msgspec.Struct):
    """The parts of an answer that are not rows."""

    code: int = -1
    message: str = ""
    data: msgspec.Raw = msgspec.Raw()


class _PageInfo(msgspec.Struct):
    page: int = 1
    total_page: int = 1


class _Row(msgspec.Struct):
    """The ids of a row, which rows.py checks."""

    dimensions: dict[str, Any] = {}
    campaign_id: Any = ""


class _Data(msgspec.Struct):
    page_info: _PageInfo | None = None
    rows: list[_Row] = msgspec.field(name="list", default_factory=list)


def problem(response: requests.Response) -> Problem | None:
    """TikTok answers with HTTP 200 in every case; the code in the body tells the result."""
    answer = head(response.content, _Head)
    return None if answer.code == 0 and response.ok else Problem(str(answer.code), answer.message)


class TikTok(BaseClient):
    """A client of one advertiser. Its token may never expire; then there is no refresh token."""

    title = "TikTok"
    classify = CODES.classify(problem)
    largest_report: ClassVar[int] = LARGEST_REPORT

    def _account(self) -> Iterator[Page]:
        query = {"advertiser_ids": json.dumps([self._access.account_id]), "fields": json.dumps(ACCOUNT_FIELDS)}
        yield Page(io.BytesIO(self._ask("GET", f"{API}/advertiser/info/", params=query).content))

    def _list(self, stream: Stream) -> Iterator[Page]:
        kind, names = LISTS[stream]
        # Without it, deleted ones are left out.
        everything = {"fields": json.dumps(names), "filtering": json.dumps({"primary_status": "STATUS_ALL"})}
        return self._numbered(f"{kind}/get/", everything)

    def _report(self, stream: Stream, days: AccountDays, remote: RemoteJob) -> Iterator[Page]:
        """A report of all campaigns or, where it came to its end, of some of them at a time."""
        del remote  # a report comes in pages, without a job
        seen: set[str] = set()
        yield from self._of_campaigns(stream.level, days, (), seen)
        if len(seen) < self.largest_report or stream.level in (Level.ACCOUNT, Level.CAMPAIGN):
            return
        waiting = list(_cut(self._campaigns(), CAMPAIGNS_A_FILTER))
        while waiting:
            campaigns, seen = waiting.pop(), set()
            yield from self._of_campaigns(stream.level, days, campaigns, seen)
            if len(seen) >= self.largest_report:
                if len(campaigns) == 1:
                    text = f"campaign {campaigns[0]} has more {stream.level} entities than TikTok reports on"
                    raise PlatformError("too_many_entities", text)
                waiting += _cut(campaigns, len(campaigns) // 2)

    def _of_campaigns(
        self, level: Level, days: AccountDays, campaigns: Sequence[str], seen: set[str]
    ) -> Iterator[Page]:
        """A report of these campaigns, or of all; what it has an entity for is added to `seen`."""
        data_level, own, named = LEVELS[level]
        # Without it, the deleted ones are left out. A filter's value is JSON inside JSON.
        filters = [(_STATUS_FILTERS[level], ["STATUS_ALL"])] if level in _STATUS_FILTERS else []
        filters += [("campaign_ids", list(campaigns))] if campaigns else []
        query = {
            "report_type": "BASIC",
            "query_mode": "CHUNK",
            "data_level": data_level,
            "dimensions": json.dumps([own, "stat_time_day"]),
            "metrics": json.dumps([*METRICS, *named]),
            "start_date": f"{days.since}",
            "end_date": f"{days.until}",
        }
        if filters:
            query["filtering"] = json.dumps(
                [
                    {"field_name": name, "filter_type": "IN", "filter_value": json.dumps(value)}
                    for name, value in filters
                ]
            )
        for page in self._numbered("report/integrated/get/", query):
            seen.update(str(row.dimensions.get(own)) for row in _data(page).rows)
            yield page

    def _campaigns(self) -> list[str]:
        pages = self._list(Stream.CAMPAIGNS)
        return list(dict.fromkeys(str(row.campaign_id) for page in pages for row in _data(page).rows))

    def _numbered(self, path: str, query: Mapping[str, str]) -> Iterator[Page]:
        """Pages by their numbers."""

        def page(number: str) -> tuple[Page, str]:
            asked = {"advertiser_id": self._access.account_id, **query, "page": number, "page_size": str(PAGE_ROWS)}
            found = Page(io.BytesIO(self._ask("GET", f"{API}/{path}", params=asked).content))
            info = _data(found).page_info
            if info is None:
                raise MalformedPageError("page_info: missing or of another form")
            if str(info.page) != number:
                raise PlatformError("repeated_cursor", f"TikTok sent page {info.page} for {number}", again=True)
            return found, str(info.page + 1) if info.page < info.total_page else ""

        return by_cursor(page, "1")

    def _headers(self) -> Mapping[str, str]:
        return {"Access-Token": self._tokens.current}

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
            classify=type(self).classify,
            authorize=False,
            pacing_key="token",
        )
        data = part(fields.decoded(response.content), "data")
        return granted({**data, "expires_in": data.get("access_token_expire_in", data.get("expires_in"))})


def _data(page: Page) -> _Data:
    """Page number and ids of a page, whose body is at its beginning again afterwards."""
    try:
        data = msgspec.json.decode(page.body.read(), type=_Head).data
        found = msgspec.json.decode(data, type=_Data) if data else _Data()
    except (msgspec.DecodeError, UnicodeDecodeError):
        raise MalformedPageError("page_info: missing or of another form") from None
    page.body.seek(0)
    return found


def _cut(campaigns: Sequence[str], size: int) -> Iterator[Sequence[str]]:
    return (campaigns[start : start + size] for start in range(0, len(campaigns), size))
