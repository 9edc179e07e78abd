"""Requests to Microsoft Advertising: entities level by level; reports with submit, poll and download.

What does not belong here: rows (rows.py) and names of time zones (zones.py).
"""

import io
import tempfile
from collections.abc import Iterator, Mapping
from datetime import date
from typing import Any, BinaryIO, cast

import msgspec
import requests

from resources.ad_platforms import fields
from resources.ad_platforms.access import Access, Grant, Tokens
from resources.ad_platforms.answers import head, unreadable
from resources.ad_platforms.fields import identity, part
from resources.ad_platforms.microsoft.rows import read
from resources.ad_platforms.polling import Progress, wait_for
from resources.ad_platforms.records import (
    Account,
    AccountDays,
    AdGroup,
    Campaign,
    MalformedPageError,
    Notes,
    Page,
    PlatformError,
    RemoteJob,
    Stream,
)
from resources.http import OK, RETRYABLE_STATUSES, Answer, HttpError, Verdict
from resources.rate_limits import retry_after

CAMPAIGN = "https://campaign.api.bingads.microsoft.com/CampaignManagement/v13"
REPORTING = "https://reporting.api.bingads.microsoft.com/Reporting/v13"
CUSTOMER = "https://clientcenter.api.bingads.microsoft.com/CustomerManagement/v13"
TOKEN = "https://login.microsoftonline.com/common/oauth2/v2.0/token"  # noqa: S105
SCOPE = "https://ads.microsoft.com/msads.manage offline_access"
CAMPAIGN_TYPES = "Search,Shopping,DynamicSearchAds,Audience,Hotel,PerformanceMax,App"
PAGE_ACCOUNTS = 1_000
IN_MEMORY = 8 << 20
# A link is valid for five minutes; so many links are tried.
LINKS = 3
RATE_SECONDS = 60.0

_METRICS = ["Impressions", "Clicks", "Spend", "ConversionsQualified", "Revenue", "CurrencyCode"]
_CAMPAIGN_COLUMNS = ["CampaignId", "CampaignName", "CampaignStatus"]
_GROUP_COLUMNS = [*_CAMPAIGN_COLUMNS, "AdGroupId", "AdGroupName", "AdGroupStatus"]
_REPORTS: dict[Stream, tuple[str, list[str]]] = {
    Stream.ACCOUNT_DAYS: ("AccountPerformance", ["AccountId"]),
    Stream.CAMPAIGN_DAYS: ("CampaignPerformance", _CAMPAIGN_COLUMNS),
    Stream.AD_GROUP_DAYS: ("AdGroupPerformance", _GROUP_COLUMNS),
    Stream.KEYWORD_DAYS: (
        "KeywordPerformance",
        [*_GROUP_COLUMNS, "KeywordId", "Keyword", "KeywordStatus", "BidMatchType"],
    ),
}


class _Head(msgspec.Struct):
    """The parts of an answer that are not rows."""

    Errors: list[dict[str, Any]] | None = None
    OperationErrors: list[dict[str, Any]] | None = None
    BatchErrors: list[dict[str, Any]] | None = None
    PartialErrors: list[Any] | None = None


class Microsoft:
    """A client of one account."""

    def __init__(self, access: Access) -> None:
        self._access = access
        self._tokens = Tokens(access, self._refreshed)
        self._session = access.session("Microsoft Advertising", self._headers, self._tokens.refresh)
        self._account: Account | None = None

    def pages(self, stream: Stream, days: AccountDays | None = None, remote: RemoteJob | None = None) -> Iterator[Page]:
        """The stream's pages, in order: a page of ad groups for each campaign, one of keywords for each ad group."""
        if stream is Stream.ACCOUNT:
            yield from self._accounts()
        elif stream in _REPORTS and days is not None:
            yield from self._report(stream, days, remote or RemoteJob())
        elif stream is Stream.CAMPAIGNS:
            yield self._campaigns()
        else:
            yield from self._below(stream)

    def close(self) -> None:
        """Close idle connections."""
        self._session.close()

    def _accounts(self) -> Iterator[Page]:
        user = part(fields.decoded(self._ask(f"{CUSTOMER}/User/Query", {"UserId": None}).content), "User")
        predicate = {"Field": "UserId", "Operator": "Equals", "Value": identity(user, "Id")}
        index = 0
        while True:
            body = {"Predicates": [predicate], "PageInfo": {"Index": index, "Size": PAGE_ACCOUNTS}}
            content = self._ask(f"{CUSTOMER}/Accounts/Search", body).content
            accounts = fields.rows(fields.decoded(content), "Accounts")
            yield Page(io.BytesIO(content), {"account_id": self._access.account_id})
            if len(accounts) < PAGE_ACCOUNTS:
                return
            index += 1

    def _campaigns(self) -> Page:
        body = {"AccountId": self._access.account_id, "CampaignType": CAMPAIGN_TYPES}
        return Page(io.BytesIO(self._ask(f"{CAMPAIGN}/Campaigns/QueryByAccountId", body).content))

    def _below(self, stream: Stream) -> Iterator[Page]:
        for campaign in read(Stream.CAMPAIGNS, self._campaigns().body, {}, Notes()):
            context = {"campaign_id": cast(Campaign, campaign).id}
            content = self._ask(
                f"{CAMPAIGN}/AdGroups/QueryByCampaignId", {"CampaignId": context["campaign_id"]}
            ).content
            if stream is Stream.AD_GROUPS:
                yield Page(io.BytesIO(content), context)
                continue
            for group in read(Stream.AD_GROUPS, io.BytesIO(content), context, Notes()):
                group_id = cast(AdGroup, group).id
                words = self._ask(f"{CAMPAIGN}/Keywords/QueryByAdGroupId", {"AdGroupId": group_id}).content
                yield Page(io.BytesIO(words), {**context, "ad_group_id": group_id})

    def _report(self, stream: Stream, days: AccountDays, remote: RemoteJob) -> Iterator[Page]:
        link = self._resumed(remote.id) if remote.id is not None else False
        if link is False:
            kind, columns = _REPORTS[stream]
            request = {
                "Type": f"{kind}ReportRequest",
                "ReportName": kind,
                "Format": "Csv",
                "FormatVersion": "2.0",
                "Aggregation": "Daily",
                "ExcludeReportHeader": True,
                "ExcludeReportFooter": True,
                "ExcludeColumnHeaders": False,
                "ReturnOnlyCompleteData": False,
                "Columns": ["TimePeriod", *columns, *_METRICS],
                "Scope": {"AccountIds": [self._access.account_id]},
                "Time": {
                    "CustomDateRangeStart": _date(days.since),
                    "CustomDateRangeEnd": _date(days.until),
                    # Without it, Microsoft's days are in Pacific time and not in the account's.
                    "ReportTimeZone": self._zone(),
                },
            }
            answer = fields.decoded(self._ask(f"{REPORTING}/GenerateReport/Submit", {"ReportRequest": request}).content)
            remote.started(identity(answer if isinstance(answer, dict) else {}, "ReportRequestId"))
            link = self._finished(str(remote.id))
        if link is None:
            return  # done, and there is no data
        yield Page(self._fetched(str(remote.id), str(link)))

    def _resumed(self, job_id: str) -> str | bool | None:
        """The link of a report that was submitted before; False if Microsoft does not know it any more."""
        try:
            return self._finished(job_id)
        except HttpError as error:
            if error.code not in ("2100", "InvalidReportId"):
                raise
            return False

    def _finished(self, job_id: str) -> str | None:
        """Wait for a report; its link, or None for a report without rows."""
        link: list[str | None] = []

        def look() -> Progress:
            body = {"ReportRequestId": job_id}
            answer = part(
                fields.decoded(self._ask(f"{REPORTING}/GenerateReport/Poll", body).content), "ReportRequestStatus"
            )
            status = answer.get("Status")
            if status == "Error":
                raise PlatformError("job_failed", "Microsoft's report failed", again=True)
            if status == "Success":
                link[:] = [answer.get("ReportDownloadUrl")]
            return Progress(status == "Success", str(status))

        wait_for(look, self._session.pause, "Microsoft's report")
        return link[0]

    def _fetched(self, job_id: str, link: str) -> BinaryIO:
        for left in reversed(range(LINKS)):
            file = cast(BinaryIO, tempfile.SpooledTemporaryFile(IN_MEMORY))  # noqa: SIM115 - the page's reader closes it
            try:
                self._session.download(link, file, route="Microsoft's report file")
            except HttpError as error:
                file.close()
                if error.status not in (401, 403, 404, 410) or not left:
                    raise
                link = self._finished(job_id) or link
            else:
                file.seek(0)
                return file
        raise AssertionError("the last link raises its own error")

    def _zone(self) -> str:
        if self._account is None:
            for page in self._accounts():
                for account in read(Stream.ACCOUNT, page.body, page.context, Notes()):
                    self._account = cast(Account, account)
        if self._account is None:
            raise PlatformError("account_not_found", "the account is not among those of the connection's user")
        return self._account.native_time_zone

    def _ask(self, url: str, body: Mapping[str, Any]) -> requests.Response:
        self._tokens.keep_fresh()
        self._access.pacing.bucket("app").take()
        response = self._session.request(
            "POST",
            self._access.url(url),
            json=body,
            idempotent=True,
            classify=classify,
            pacing_key=self._access.account_id,
        )
        if head(response.content, _Head).PartialErrors:
            raise PlatformError("partial_errors", "Microsoft answered with only a part of the rows", again=True)
        return response

    def _headers(self) -> Mapping[str, str]:
        return {
            "Authorization": f"Bearer {self._tokens.current}",
            "DeveloperToken": self._access.of_app("developer_token"),
            "CustomerId": self._access.of_app("customer_id"),
            "CustomerAccountId": self._access.account_id,
        }

    def _refreshed(self, refresh_token: str) -> Grant:
        return self._access.refreshed(self._session, TOKEN, refresh_token, scope=SCOPE)


def classify(response: requests.Response) -> Verdict:
    """Microsoft's errors by number, with any HTTP status."""
    try:
        answer = head(response.content, _Head)
    except MalformedPageError as problem:
        return unreadable(response, problem)
    passing = response.status_code in RETRYABLE_STATUSES
    after = retry_after(response.headers)
    errors = [*(answer.Errors or ()), *(answer.OperationErrors or ()), *(answer.BatchErrors or ())]
    if not errors:
        if response.ok:
            return OK
        return Verdict(Answer.RETRY if passing else Answer.FATAL, after, response.status_code == 429)
    number, code = errors[0].get("Code"), str(errors[0].get("ErrorCode") or errors[0].get("Code"))
    message = str(errors[0].get("Message") or "")
    if number == 117 or code == "CallRateExceeded":
        return Verdict(Answer.RETRY, RATE_SECONDS if after is None else after, True, code, message)
    if number == 109 or code == "AuthenticationTokenExpired":
        return Verdict(Answer.REFRESH, code=code, message=message)
    if number == 0 or passing:
        return Verdict(Answer.RETRY, after, False, code, message)
    return Verdict(Answer.FATAL, code=code, message=message)


def _date(day: date) -> dict[str, int]:
    return {"Year": day.year, "Month": day.month, "Day": day.day}
