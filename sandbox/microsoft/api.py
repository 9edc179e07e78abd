"""Microsoft Advertising over HTTP: rotating tokens, accounts, entities, and reports by submit, poll and download.

What does not belong here: how entities are written (`entities`) and what a report holds (`report`).
"""

from collections.abc import Callable
from datetime import datetime

from sandbox.apps import APPS, MICROSOFT_CUSTOMER_ID
from sandbox.exchange import JSON, RefusedError, Request, Response, retry_after
from sandbox.faults import Fault, FaultKind, Purpose, Subject, whole_list
from sandbox.jobs import JobBook, JobState
from sandbox.microsoft import entities, errors, report
from sandbox.service import Service
from sandbox.tokens import TokenBook, TokenError, TokenExpiredError
from sandbox.world.entities import Platform
from sandbox.world.world import World

LINK_SECONDS = 300
SCOPE = "https://ads.microsoft.com/msads.manage"
_LOGIN = "login.microsoftonline.com"
_CAMPAIGN = "campaign.api.bingads.microsoft.com"
_REPORTING = "reporting.api.bingads.microsoft.com"
_CLIENT_CENTER = "clientcenter.api.bingads.microsoft.com"
_STORAGE = "bingadsappsstorageprod.blob.core.windows.net"
_FIRST_REPORT = 30_000_000_001
_BAD_GRANTS = {
    "unsupported_grant_type": (70003, "The grant type is not supported."),
    "invalid_client": (7000215, "Invalid client secret provided."),
    "invalid_scope": (70011, "The provided value for scope is not valid."),
    "invalid_grant": (70000, "The refresh token is expired, revoked or already replaced."),
}
_PURPOSES = {"Submit": Purpose.SUBMIT, "Poll": Purpose.POLL}


class Microsoft(Service):
    """Microsoft's API."""

    platform: Platform = "microsoft"
    hosts = (_LOGIN, _CAMPAIGN, _REPORTING, _CLIENT_CENTER, _STORAGE)

    def __init__(self, world: World, tokens: TokenBook, clock: Callable[[], datetime]) -> None:
        super().__init__(world, tokens, clock)
        self._jobs: JobBook[report.Report] = JobBook(_FIRST_REPORT)

    def subject(self, request: Request) -> Subject:
        if request.host == _LOGIN:
            return Subject(purpose=Purpose.TOKEN)
        if request.host == _STORAGE:
            job = self._jobs.get(_report_id(request))
            return Subject(job.report.query.account.id if job else None, purpose=Purpose.DOWNLOAD)
        purpose = _PURPOSES.get(request.path.rpartition("/")[2], Purpose.PAGE)
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
        path = request.path.removeprefix("/")
        if request.host == _CAMPAIGN:
            return self._entities(path.removeprefix("CampaignManagement/v13/"), request, body, fault)
        match (request.host, path):
            case (h, "CustomerManagement/v13/User/Query") if h == _CLIENT_CENTER:
                return Response.of({"User": {"Id": "900001", "UserName": "sandbox"}, "CustomerRoles": []})
            case (h, "CustomerManagement/v13/Accounts/Search") if h == _CLIENT_CENTER:
                return self._accounts(body, fault)
            case (h, "Reporting/v13/GenerateReport/Submit") if h == _REPORTING:
                return self._submit(body)
            case (h, "Reporting/v13/GenerateReport/Poll") if h == _REPORTING:
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

    def _accounts(self, body: JSON, fault: Fault | None) -> Response:
        page = body.get("PageInfo") or {}
        index, size = page.get("Index"), page.get("Size")
        if not isinstance(index, int) or not isinstance(size, int) or index < 0 or not 1 <= size <= 1_000:
            text = "PageInfo needs an Index from 0 on and a Size from 1 to 1000."
            raise errors.bad_request(1001, "InvalidPageInfo", text)
        rows = [entities.account(account) for account in self._world.accounts("microsoft")]
        return Response.of({"Accounts": whole_list(rows[index * size : (index + 1) * size], fault)})

    def _entities(self, path: str, request: Request, body: JSON, fault: Fault | None) -> Response:
        account = self._account(request.headers.get("customeraccountid"))
        at = self._clock()
        rows: list[JSON] | None
        match path:
            case "Campaigns/QueryByAccountId":
                if str(body.get("AccountId")) != account.id:
                    raise errors.refused(106, "UserIsNotAuthorized", "AccountId is not that of CustomerAccountId.")
                types = frozenset(part.strip() for part in str(body.get("CampaignType") or "Search").split(","))
                name, rows = "Campaigns", entities.campaigns(self._world, account, types, at)
            case "AdGroups/QueryByCampaignId":
                name, rows = "AdGroups", entities.ad_groups(self._world, account, str(body.get("CampaignId")), at)
            case "Keywords/QueryByAdGroupId":
                name, rows = "Keywords", entities.keywords(self._world, account, str(body.get("AdGroupId")), at)
            case _:
                return Response(404, b"")
        if rows is None:
            raise errors.bad_request(1100, f"CampaignServiceInvalid{name[:-1]}ParentId", "The parent does not exist.")
        return Response.of({name: whole_list(rows, fault), "PartialErrors": []})

    def _submit(self, body: JSON) -> Response:
        request = body.get("ReportRequest")
        if not isinstance(request, dict):
            raise errors.bad_request(100, "NullRequest", "The request message is null.")
        ids = (request.get("Scope") or {}).get("AccountIds") or []
        if len(ids) != 1:
            raise errors.bad_request(2003, "InvalidReportScope", "The sandbox reports on one account at a time.")
        job = self._jobs.submit(report.checked(request, self._account(ids[0]), self._clock()))
        return Response.of({"ReportRequestId": job.id})

    def _poll(self, request: Request, body: JSON, fault: Fault | None) -> Response:
        job = self._jobs.poll(str(body.get("ReportRequestId")), fault)
        if job is None:
            raise errors.bad_request(2100, "InvalidReportId", "There is no such report request.")
        link = None
        if job.state is JobState.DONE and self._series.count(job.report.query):
            expiry = int(self._clock().timestamp()) + LINK_SECONDS
            link = f"{request.origin}/{_STORAGE}/bingadsreports/{job.id}.zip?se={expiry}&sig=sandbox"
        status = {JobState.DONE: "Success", JobState.FAILED: "Error"}.get(job.state, "Pending")
        return Response.of({"ReportRequestStatus": {"Status": status, "ReportDownloadUrl": link}})

    def _file(self, request: Request, fault: Fault | None) -> Response:
        job = self._jobs.get(_report_id(request))
        expiry = request.query.get("se", "0")
        expired = fault is not None and fault.kind is FaultKind.DOWNLOAD_EXPIRED
        if job is None or expired or not expiry.isdigit() or int(expiry) <= self._clock().timestamp():
            body = b'<?xml version="1.0"?><Error><Code>AuthenticationFailed</Code></Error>'
            return Response(403, body, {"Content-Type": "application/xml"})
        packed = report.archive(self._series, job.report, job.id, fault)
        return Response(200, packed, {"Content-Type": "application/x-zip-compressed"})


def _report_id(request: Request) -> str:
    return request.path.rpartition("/")[2].removesuffix(".zip")
