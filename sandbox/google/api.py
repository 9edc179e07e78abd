"""The Google Ads API over HTTP: tokens, headers, quota, and searches page by page.

What does not belong here: what a query means (`gaql`, `query`) and which rows it yields (`results`).
"""

import re
from collections import Counter
from collections.abc import Callable
from datetime import datetime
from hashlib import blake2b

from sandbox.apps import APPS, GOOGLE_MANAGER_ID
from sandbox.cursors import Cursor
from sandbox.exchange import JSON, RefusedError, Request, Response, retry_after
from sandbox.faults import Fault, FaultKind, Purpose, Subject, malform
from sandbox.google import errors, gaql
from sandbox.google.query import check, days
from sandbox.google.results import ManagerResults, Results, field_mask
from sandbox.limits import Limits
from sandbox.service import Service
from sandbox.tokens import TokenBook, TokenError, TokenExpiredError, TokenInvalidError, TokenRevokedError
from sandbox.world.entities import Account, Platform
from sandbox.world.world import World, moment

OPERATIONS_A_DAY = 15_000
_SEARCH = re.compile(r"/v(\d+)/customers/([^/:]+)/googleAds:search")
_VERSIONS = range(23, 27)
_TOKENS = "oauth2.googleapis.com"
_BAD_TOKENS = {
    TokenExpiredError: "OAUTH_TOKEN_EXPIRED",
    TokenRevokedError: "OAUTH_TOKEN_REVOKED",
    TokenInvalidError: "OAUTH_TOKEN_INVALID",
}

_MANAGER = Account("google", GOOGLE_MANAGER_ID, "Sandbox agency", "USD", "America/New_York")
_BAD_GRANTS = {
    "unsupported_grant_type": "Invalid grant_type",
    "invalid_client": "Unauthorized",
    "invalid_grant": "Token has been expired or revoked.",
}


class GoogleAds(Service):
    """Google's API."""

    platform: Platform = "google"
    hosts = ("googleads.googleapis.com", _TOKENS)

    def __init__(self, world: World, tokens: TokenBook, clock: Callable[[], datetime], limits: Limits) -> None:
        super().__init__(world, tokens, clock, limits)
        self._operations: Counter[str] = Counter()

    def subject(self, request: Request) -> Subject:
        if request.host == _TOKENS:
            return Subject(purpose=Purpose.TOKEN)
        match = _SEARCH.fullmatch(request.path)
        if match is None:
            return Subject()
        try:
            token = request.json().get("pageToken")
            return Subject(match[2], Cursor.read(str(token)).page if token else 1)
        except ValueError:
            return Subject(match[2])

    def refusal(self, fault: Fault) -> Response:
        if fault.kind is FaultKind.RATE_LIMITED:
            text = "Too many requests. Retry in some seconds."
            body = errors.failure(429, "quotaError", "RESOURCE_EXHAUSTED", text, fault.retry_after)
            return Response.of(body, 429, retry_after(fault.retry_after))
        if fault.kind is FaultKind.ERROR_IN_200:
            return Response.of(errors.failure(500, "internalError", "TRANSIENT_ERROR", "A transient error occurred."))
        reason = "CUSTOMER_NOT_ENABLED"
        return errors.refused(403, "authorizationError", reason, f"{reason}.").response

    def bad_token(self, problem: type[TokenError]) -> RefusedError:
        return errors.refused(401, "authenticationError", _BAD_TOKENS[problem], "The OAuth token is not accepted.")

    def unknown_account(self, account_id: str) -> RefusedError:
        text = f"User doesn't have permission to access customer {account_id}."
        return errors.refused(403, "authorizationError", "USER_PERMISSION_DENIED", text)

    def handle(self, request: Request, fault: Fault | None) -> Response:
        if request.host == _TOKENS:
            return self._token(request)
        match = _SEARCH.fullmatch(request.path)
        if match is None or int(match[1]) not in _VERSIONS:
            page = b"<!DOCTYPE html><title>Error 404 (Not Found)!!1</title>"
            return Response(404, page, {"Content-Type": "text/html"})
        if request.method != "POST":
            raise errors.plain(405, "Method not allowed.")
        self._authenticate(request)
        return self._search(match[2], request, fault)

    def _token(self, request: Request) -> Response:
        if request.path != "/token" or request.method != "POST":
            return Response.of({"error": "not_found"}, 404)
        grant = self._refreshed(request.form())
        if isinstance(grant, str):
            body = {"error": grant, "error_description": _BAD_GRANTS[grant]}
            return Response.of(body, 401 if grant == "invalid_client" else 400)
        return Response.of(
            {
                "access_token": grant.access_token,
                "expires_in": grant.expires_in,
                "scope": "https://www.googleapis.com/auth/adwords",
                "token_type": "Bearer",
            }
        )

    def _authenticate(self, request: Request) -> None:
        scheme, _, token = request.headers.get("authorization", "").partition(" ")
        if scheme != "Bearer" or not token:
            raise errors.plain(401, "Request is missing required authentication credential.")
        self._check_token(token)
        developer_token = request.headers.get("developer-token")
        if developer_token is None:
            reason, text = "DEVELOPER_TOKEN_PARAMETER_MISSING", "The developer token is missing in the request header."
            raise errors.refused(400, "requestError", reason, text)
        if developer_token != APPS["google"]["developer_token"]:
            text = "The developer token is not valid."
            raise errors.refused(401, "authenticationError", "DEVELOPER_TOKEN_INVALID", text)
        match = _SEARCH.fullmatch(request.path)
        login = request.headers.get("login-customer-id", match[2] if match else "")
        if login != GOOGLE_MANAGER_ID:
            text = (
                "User doesn't have permission to access customer. Note: If you're accessing a client customer, the"
                " manager's customer id must be set in the 'login-customer-id' header."
            )
            raise errors.refused(403, "authorizationError", "USER_PERMISSION_DENIED", text)

    def _search(self, customer: str, request: Request, fault: Fault | None) -> Response:
        try:
            body = request.json()
        except ValueError:
            raise errors.plain(400, "Invalid JSON payload received.") from None
        if unknown := body.keys() - {"query", "pageToken", "pageSize", "page_size"}:
            raise errors.plain(400, f'Invalid JSON payload received. Unknown name "{min(unknown)}": Cannot find field.')
        if "pageSize" in body or "page_size" in body:
            text = "Setting the page size is not supported."
            raise errors.refused(400, "requestError", "PAGE_SIZE_NOT_SUPPORTED", text)
        cursor = self._cursor(customer, body)
        results = self._results(customer, str(body.get("query", "")), datetime.fromisoformat(cursor.at))
        rows, start = results.page(cursor.start, self._limits.google_page_rows)
        answer: JSON = {"results": malform(rows, fault)} if rows else {}
        answer["fieldMask"] = field_mask(results.query)
        following = cursor.following(start, fault)
        if following is not None:
            answer["nextPageToken"] = following.text()
        answer["queryResourceConsumption"] = str(len(rows))
        return Response.of(answer, headers={"request-id": errors.REQUEST_ID})

    def _cursor(self, customer: str, body: JSON) -> Cursor:
        """Where the page begins. Only the first page of a search counts as an operation."""
        digest = blake2b(f"{customer}\n{body.get('query')}".encode(), digest_size=6).hexdigest()
        if not body.get("pageToken"):
            self._spend_operation()
            return Cursor(digest, 0, 1, self._clock().isoformat())
        try:
            cursor = Cursor.read(str(body["pageToken"]))
        except ValueError:
            raise errors.refused(400, "requestError", "INVALID_PAGE_TOKEN", "Page token is invalid.") from None
        if cursor.query != digest:
            text = "The page token belongs to another query."
            raise errors.refused(400, "requestError", "INVALID_PAGE_TOKEN", text)
        return cursor

    def _results(self, customer: str, text: str, at: datetime) -> Results:
        if not customer.isdigit():
            raise errors.refused(400, "requestError", "INVALID_CUSTOMER_ID", f"Invalid customer ID '{customer}'.")
        try:
            query = gaql.parse(text)
            check(query)
            if customer == GOOGLE_MANAGER_ID and any(field.startswith("metrics.") for field in query.fields):
                reason = "REQUESTED_METRICS_FOR_MANAGER"
                raise gaql.QueryError(reason, "Metrics cannot be requested for a manager account.")
            if customer == GOOGLE_MANAGER_ID:
                return ManagerResults(self._world, self._series, _MANAGER, query, None, at)
            account = self._account(customer)
            return Results(self._world, self._series, account, query, days(query, moment(account, at).today), at)
        except gaql.QueryError as error:
            raise errors.refused(400, error.family, error.reason, str(error)) from None

    def _spend_operation(self) -> None:
        today = self._clock().date().isoformat()
        self._operations[today] += 1
        if self._operations[today] > OPERATIONS_A_DAY:
            text = "Too many operations for basic access today."
            raise RefusedError(Response.of(errors.failure(429, "quotaError", "RESOURCE_EXHAUSTED", text, 3_600), 429))
