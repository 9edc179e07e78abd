"""Requests to Microsoft Advertising over REST v13: the Bulk service for all lists, reports by submit, poll, download.

What does not belong here: the records of files (bulk.py, reports.py) and names of time zones (zones.py).
"""

import io
import tempfile
from collections.abc import Callable, Iterator, Mapping
from datetime import date
from functools import partial
from typing import Any, BinaryIO, cast

import msgspec
import requests

from resources.ad_platforms import fields
from resources.ad_platforms.access import Access, Grant
from resources.ad_platforms.answers import Problem, head
from resources.ad_platforms.base import BaseClient, TooLargeError
from resources.ad_platforms.fields import identity, part, text
from resources.ad_platforms.microsoft import bulk
from resources.ad_platforms.microsoft.words import CODES, ENTITIES, GOALS, METRICS, RECORDS, REPORTS
from resources.ad_platforms.microsoft.zones import in_reports
from resources.ad_platforms.polling import Progress, wait_for
from resources.ad_platforms.records import (
    AccountDays,
    Level,
    OtherAccountError,
    Page,
    PlatformError,
    RemoteJob,
    Stream,
)
from resources.http import HttpError

BULK = "https://bulk.api.bingads.microsoft.com/Bulk/v13"
REPORTING = "https://reporting.api.bingads.microsoft.com/Reporting/v13"
CUSTOMER = "https://clientcenter.api.bingads.microsoft.com/CustomerManagement/v13"
TOKEN = "https://login.microsoftonline.com/common/oauth2/v2.0/token"  # noqa: S105
SCOPE = "https://ads.microsoft.com/msads.manage offline_access"
IN_MEMORY = 8 << 20
# A link is valid for five minutes; so many links are tried.
LINKS = 3
RATE_SECONDS = 60.0


class _Head(msgspec.Struct):
    """The parts of an answer that are not rows."""

    Errors: list[dict[str, Any]] | None = None
    OperationErrors: list[dict[str, Any]] | None = None
    BatchErrors: list[dict[str, Any]] | None = None
    PartialErrors: list[Any] | None = None


def problem(response: requests.Response) -> Problem | None:
    """Microsoft's errors by name, or by number where they have none, with any HTTP status."""
    answer = head(response.content, _Head)
    errors = [*(answer.Errors or ()), *(answer.OperationErrors or ()), *(answer.BatchErrors or ())]
    if not errors:
        return None if response.ok else Problem(None)
    number, code = errors[0].get("Code"), str(errors[0].get("ErrorCode") or errors[0].get("Code"))
    known = next((one for one in (code, str(number)) if one in CODES.throttled | CODES.passing | CODES.expired), code)
    after = RATE_SECONDS if known in CODES.throttled and "Retry-After" not in response.headers else None
    return Problem(known, str(errors[0].get("Message") or ""), after)


class Microsoft(BaseClient):
    """A client of one account. The file of all its entities is asked for once, and kept until it is closed."""

    title = "Microsoft Advertising"
    classify = CODES.classify(problem)

    def __init__(self, access: Access) -> None:
        super().__init__(access)
        self._zone = ""
        self._entities: BinaryIO | None = None

    def close(self) -> None:
        """Close idle connections, and drop the file."""
        super().close()
        if self._entities is not None:
            self._entities.close()

    def _account(self) -> Iterator[Page]:
        content = self._ask("POST", f"{CUSTOMER}/Account/Query", json={"AccountId": self._access.account_id}).content
        answer = fields.decoded(content)
        if not isinstance(answer, dict) or not answer.get("Account"):
            raise PlatformError("account_not_found", "the account is not among those of the connection's user")
        account = part(answer, "Account")
        if (came := identity(account, "Id")) != self._access.account_id:
            raise OtherAccountError(self._access.account_id, came)
        self._zone = text(account, "TimeZone")
        yield Page(io.BytesIO(content))

    def _list(self, stream: Stream) -> Iterator[Page]:
        """Microsoft lists no deleted entities."""
        if self._entities is None:
            self._entities = self._downloaded()
        self._entities.seek(0)
        yield Page(bulk.extract(self._entities, RECORDS[stream]))

    def _downloaded(self) -> BinaryIO:
        request = {
            "AccountIds": [self._access.account_id],
            "DataScope": "EntityData",
            "DownloadEntities": ENTITIES,
            "DownloadFileType": "Csv",
            "CompressionType": "Zip",
            "FormatVersion": "6.0",
        }
        answer = self._answer(f"{BULK}/Campaigns/DownloadByAccountIds", request)
        job = identity(answer, "DownloadRequestId")
        link = self._finished(partial(self._look_at_entities, job))
        if link is None:
            raise PlatformError("job_failed", "Microsoft's file of entities has no link", again=True)
        return self._fetched(link, partial(self._look_at_entities, job))

    def _report(self, stream: Stream, days: AccountDays, remote: RemoteJob) -> Iterator[Page]:
        """The report of the numbers and, below the account, that of conversions by goal."""
        level = stream.level
        columns = {"facts": (*REPORTS[level].ids, *REPORTS[level].attributes, *METRICS)}
        if level is not Level.ACCOUNT:
            columns["conversions"] = (*REPORTS[level].ids, *GOALS)
        jobs = self._resumed(remote.running(days))
        if len(jobs) != len(columns):
            jobs = [self._submitted(level, days, names) for names in columns.values()]
            remote.run(days, "+".join(jobs))
        for job, kind in zip(jobs, columns, strict=True):
            look = partial(self._look_at_report, job)
            link = self._finished(look)
            if link is not None:  # without one, it is done and has no rows
                yield Page(self._fetched(link, look), {"of": kind})

    def _submitted(self, level: Level, days: AccountDays, columns: tuple[str, ...]) -> str:
        kind = REPORTS[level].kind
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
            "Columns": ["TimePeriod", *columns],
            "Scope": {"AccountIds": [self._access.account_id]},
            "Time": {
                "CustomDateRangeStart": _date(days.since),
                "CustomDateRangeEnd": _date(days.until),
                # Without it, Microsoft's days are in Pacific time and not in the account's.
                "ReportTimeZone": in_reports(self._known_zone()),
            },
        }
        return identity(
            self._answer(f"{REPORTING}/GenerateReport/Submit", {"ReportRequest": request}), "ReportRequestId"
        )

    def _resumed(self, running: str | None) -> list[str]:
        """The running reports, if Microsoft still knows them all."""
        jobs = running.split("+") if running else []
        try:
            for job in jobs:
                self._look_at_report(job)
        except HttpError as error:
            if error.code not in ("2100", "InvalidReportId"):
                raise
            return []
        return jobs

    def _look_at_report(self, job: str) -> tuple[Progress, str | None]:
        answer = part(self._answer(f"{REPORTING}/GenerateReport/Poll", {"ReportRequestId": job}), "ReportRequestStatus")
        status = str(answer.get("Status"))
        if status == "Error":
            raise TooLargeError("job_failed", "Microsoft's report failed", certain=False)
        return Progress(status == "Success", status), answer.get("ReportDownloadUrl")

    def _look_at_entities(self, job: str) -> tuple[Progress, str | None]:
        answer = self._answer(f"{BULK}/BulkDownloadStatus/Query", {"RequestId": job})
        status = str(answer.get("RequestStatus"))
        if status not in ("InProgress", "Completed"):
            raise PlatformError("job_failed", f"Microsoft's file of entities ended as {status!r}", again=True)
        return Progress(status == "Completed", f"{status} {answer.get('PercentComplete')}"), answer.get("ResultFileUrl")

    def _finished(self, look: Callable[[], tuple[Progress, str | None]]) -> str | None:
        """Wait for a job; the link to its file."""
        link: str | None = None

        def progress() -> Progress:
            nonlocal link
            state, link = look()
            return state

        wait_for(progress, self._session.pause, "Microsoft's report")
        return link

    def _fetched(self, link: str, look: Callable[[], tuple[Progress, str | None]]) -> BinaryIO:
        for left in reversed(range(LINKS)):
            file = cast(BinaryIO, tempfile.SpooledTemporaryFile(IN_MEMORY))  # noqa: SIM115 - its reader closes it
            try:
                self._session.download(link, file, route="Microsoft's file")
            except HttpError as error:
                file.close()
                if error.status not in (401, 403, 404, 410) or not left:
                    raise
                link = self._finished(look) or link
            else:
                file.seek(0)
                return file
        raise AssertionError("the last link raises its own error")

    def _known_zone(self) -> str:
        """The account's time zone."""
        if not self._zone:
            for page in self._account():
                page.body.close()
        return self._zone

    def _answer(self, url: str, body: Mapping[str, Any]) -> Mapping[str, Any]:
        content = self._ask("POST", url, json=body).content
        if head(content, _Head).PartialErrors:
            raise PlatformError("partial_errors", "Microsoft answered with only a part", again=True)
        answer = fields.decoded(content)
        return answer if isinstance(answer, dict) else {}

    def _headers(self) -> Mapping[str, str]:
        return {
            "Authorization": f"Bearer {self._tokens.current}",
            "DeveloperToken": self._access.of_app("developer_token"),
            "CustomerId": self._access.of_app("customer_id"),
            "CustomerAccountId": self._access.account_id,
        }

    def _refreshed(self, refresh_token: str) -> Grant:
        return self._access.refreshed(self._session, TOKEN, refresh_token, scope=SCOPE)


def _date(day: date) -> dict[str, int]:
    return {"Year": day.year, "Month": day.month, "Day": day.day}
