"""Microsoft Advertising over HTTP: rotating tokens, the account, its entities and reports by submit, poll, download.

What does not belong here: what the file of entities (`bulk`) and a report (`report`) hold.
"""

from collections.abc import Callable
from datetime import datetime

from sandbox.apps import APPS, MICROSOFT_CUSTOMER_ID
from sandbox.exchange import JSON, RefusedError, Request, Response, retry_after
from sandbox.faults import Fault, FaultKind, Purpose, Subject, whole_list
from sandbox.jobs import JobBook, JobState
from sandbox.limits import Limits
from sandbox.microsoft import bulk, entities, errors, report
from sandbox.service import Service
from sandbox.tokens import TokenBook, TokenError, TokenExpiredError
from sandbox.world.entities import Account, Platform
from sandbox.world.world import World

LINK_SECONDS = 300
SCOPE = "https://ads.microsoft.com/msads.manage"
_LOGIN = "login.microsoftonline.com"
_BULK = "bulk.api.bingads.microsoft.com"
_REPORTING = "reporting.api.bingads.microsoft.com"
_CLIENT_CENTER = "clientcenter.api.bingads.microsoft.com"
_STORAGE = "bingadsappsstorageprod.blob.core.windows.net"
_FIRST_REPORT = 30_000_000_001
_FIRST_DOWNLOAD = 70_000_000_001
_BAD_GRANTS = {
    "unsupported_grant_type": (70003, "The grant type is not supported."),
    "invalid_client": (7000215, "Invalid client secret provided."),
    "invalid_scope": (70011, "The provided value for scope is not valid."),
    "invalid_grant": (70000, "The refresh token is expired, revoked or already replaced."),
}
_PURPOSES = {
    "GenerateReport/Submit": Purpose.SUBMIT,
    "Campaigns/DownloadByAccountIds": Purpose.SUBMIT,
    "GenerateReport/Poll": Purpose.POLL,
    "BulkDownloadStatus/Query": Purpose.POLL,
}


class Microsoft(Service):
    """Microsoft's API."""

    platform: Platform = "microsoft"
    hosts = (_LOGIN, _BULK, _REPORTING, _CLIENT_CENTER, _STORAGE)

    def __init__(self, world: World, tokens: TokenBook, clock: Callable[[], datetime], limits: Limits) -> None:
        super().__init__(world, tokens, clock, limits)
        self._downloads: JobBook[bulk.Download] = JobBook(_FIRST_DOWNLOAD)
        self._jobs: JobBook[report.Report] = JobBook(_FIRST_REPORT)

    def subject(self, request: Request) -> Subject:
        if request.host == _LOGIN:
            return Subject(purpose=Purpose.TOKEN)
        if request.host == _STORAGE:
            report, entities = self._jobs.get(_file_id(request)), self._downloads.get(_file_id(request))
            account = report.report.query.account if report else entities.report.account if entities else None
            return Subject(account.id if account else None, purpose=Purpose.DOWNLOAD)
        purpose = _PURPOSES.get("/".join(request.path.split("/")[-2:]), Purpose.PAGE)
        return Subject(request.headers.get("customeraccountid"), purpose=purpose)

    def refusal(self, fault: Fault) -> Response:
        if fault.kind is FaultKind.RATE_LIMITED:
            body = errors.fault(117, "CallRateExceeded", "You have exceeded the number of calls per minute.")
            return Response.of(body, 429, retry_after(fault.retry_after))
        if fault.kind is FaultKind.ERROR_IN_200:
            return Response.of(errors.fault(0, "InternalError", "An internal error has occurred."))
        return errors.refused(106, "UserIsNotAuthorized", "The user is not authorized for this account.").response

    def bad_token(self, problem: type[TokenError]) -> RefusedError:
        if problem is TokenExpiredError:
            return errors.refused(109, "AuthenticationTokenExpired", "The authentication token has expired.")
        return errors.refused(105, "InvalidCredentials", "Authentication failed.")

    def unknown_account(self, account_id: str) -> RefusedError:
        return errors.refused(106, "UserIsNotAuthorized", f"The user is not authorized for account {account_id}.")

    def handle(self, request: Request, fault: Fault | None) -> Response:
        if request.host == _STORAGE:
            return self._file(request, fault)
        if request.method != "POST":
            return Response(405, b"")
        if request.host == _LOGIN:
            return self._token(request)
        self._authenticate(request)
        try:
            body = request.json()
        except ValueError:
            raise errors.bad_request(100, "NullRequest", "The request message is null.") from None
        match f"{request.host}{request.path}":
            case "clientcenter.api.bingads.microsoft.com/CustomerManagement/v13/Account/Query":
                account = entities.account(self._account(body.get("AccountId")))
                return Response.of({"Account": whole_list([account], fault)[0]})
            case "bulk.api.bingads.microsoft.com/Bulk/v13/Campaigns/DownloadByAccountIds":
                account_ = self._only_account(body.get("AccountIds"), 1002, "BulkServiceInvalidAccountIds")
                return Response.of({"DownloadRequestId": self._downloads.submit(self._download(body, account_)).id})
            case "bulk.api.bingads.microsoft.com/Bulk/v13/BulkDownloadStatus/Query":
                return self._download_status(request, body, fault)
            case "reporting.api.bingads.microsoft.com/Reporting/v13/GenerateReport/Submit":
                return self._submit(body)
            case "reporting.api.bingads.microsoft.com/Reporting/v13/GenerateReport/Poll":
                return self._poll(request, body, fault)
        return Response(404, b"")

    def _token(self, request: Request) -> Response:
        if request.path != "/common/oauth2/v2.0/token":
            return Response(404, b"")
        form = request.form()
        grant = self._refreshed(form) if SCOPE in form.get("scope", "").split() else "invalid_scope"
        if isinstance(grant, str):
            code, text = _BAD_GRANTS[grant]
            body = {"error": grant, "error_description": f"AADSTS{code}: {text}", "error_codes": [code]}
            return Response.of(body, 401 if grant == "invalid_client" else 400)
        return Response.of(
            {
                "token_type": "Bearer",
                "scope": SCOPE,
                "expires_in": grant.expires_in,
                "ext_expires_in": grant.expires_in,
                "access_token": grant.access_token,
                "refresh_token": grant.refresh_token,
            }
        )

    def _authenticate(self, request: Request) -> None:
        self._check_token(request.headers.get("authorization", "").removeprefix("Bearer "))
        if request.headers.get("developertoken") != APPS["microsoft"]["developer_token"]:
            raise errors.refused(105, "InvalidCredentials", "The developer token is missing or invalid.")
        if request.host == _CLIENT_CENTER:
            return
        if request.headers.get("customerid") != MICROSOFT_CUSTOMER_ID:
            raise errors.refused(106, "UserIsNotAuthorized", "The header CustomerId is missing or not the user's.")
        self._account(request.headers.get("customeraccountid"))

    def _only_account(self, ids: object, code: int, name: str) -> Account:
        if not isinstance(ids, list) or len(ids) != 1:
            raise errors.bad_request(code, name, "The sandbox takes one account at a time.")
        return self._account(ids[0])

    def _download(self, body: JSON, account: Account) -> bulk.Download:
        return bulk.checked(body, account, self._clock())

    def _download_status(self, request: Request, body: JSON, fault: Fault | None) -> Response:
        job = self._downloads.poll(str(body.get("RequestId")), fault)
        if job is None:
            raise errors.bad_request(3227, "BulkServiceInvalidRequestId", "There is no such download request.")
        status = {JobState.DONE: "Completed", JobState.FAILED: "Failed"}.get(job.state, "InProgress")
        link = self._link(request, job.id) if job.state is JobState.DONE else None
        done = 100 if link else 50
        return Response.of({"RequestStatus": status, "PercentComplete": done, "ResultFileUrl": link, "Errors": []})

    def _submit(self, body: JSON) -> Response:
        request = body.get("ReportRequest")
        if not isinstance(request, dict):
            raise errors.bad_request(100, "NullRequest", "The request message is null.")
        account = self._only_account((request.get("Scope") or {}).get("AccountIds"), 2003, "InvalidReportScope")
        job = self._jobs.submit(report.checked(request, account, self._clock()))
        return Response.of({"ReportRequestId": job.id})

    def _poll(self, request: Request, body: JSON, fault: Fault | None) -> Response:
        job = self._jobs.poll(str(body.get("ReportRequestId")), fault)
        if job is None:
            raise errors.bad_request(2100, "InvalidReportId", "There is no such report request.")
        rows = self._series.count(job.report.query) if job.state is JobState.DONE else 0
        failed = job.state is JobState.FAILED or rows > self._limits.microsoft_rows
        status = "Error" if failed else "Success" if job.state is JobState.DONE else "Pending"
        link = self._link(request, job.id) if rows and not failed else None
        return Response.of({"ReportRequestStatus": {"Status": status, "ReportDownloadUrl": link}})

    def _link(self, request: Request, file: str) -> str:
        expiry = int(self._clock().timestamp()) + LINK_SECONDS
        return f"{request.origin}/{_STORAGE}/bingadsreports/{file}.zip?se={expiry}&sig=sandbox"

    def _file(self, request: Request, fault: Fault | None) -> Response:
        job, entities = self._jobs.get(_file_id(request)), self._downloads.get(_file_id(request))
        expiry = request.query.get("se", "0")
        expired = fault is not None and fault.kind is FaultKind.DOWNLOAD_EXPIRED
        if expired or not expiry.isdigit() or int(expiry) <= self._clock().timestamp() or not (job or entities):
            body = b'<?xml version="1.0"?><Error><Code>AuthenticationFailed</Code></Error>'
            return Response(403, body, {"Content-Type": "application/xml"})
        if job is not None:
            packed = report.archive(self._series, job.report, job.id, fault)
        else:
            assert entities is not None  # one of the two is there
            packed = bulk.archive(self._world, entities.report, entities.id, fault)
        return Response(200, packed, {"Content-Type": "application/x-zip-compressed"})


def _file_id(request: Request) -> str:
    return request.path.rpartition("/")[2].removesuffix(".zip")
