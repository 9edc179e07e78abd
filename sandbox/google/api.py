"""The Google Ads API over HTTP: tokens, headers, the list of customers, search in pages and as a stream.

What does not belong here: what a query means (`gaql`, `query`) and yields (`results`).
"""

import base64
import binascii
import json
import re
from collections import Counter
from collections.abc import Callable
from dataclasses import dataclass
from datetime import datetime
from hashlib import blake2b

from sandbox.apps import APPS, GOOGLE_MANAGER_ID
from sandbox.exchange import JSON, RefusedError, Request, Response, Subject
from sandbox.faults import Fault, FaultKind, Purpose, malform
from sandbox.google import errors, gaql
from sandbox.google.query import check, days
from sandbox.google.results import Results, field_mask
from sandbox.tokens import TokenBook, TokenExpiredError, TokenInvalidError, TokenRevokedError
from sandbox.world.entities import Account, Platform
from sandbox.world.series import Series
from sandbox.world.world import World, moment

PAGE_ROWS = 10_000
OPERATIONS_A_DAY = 15_000
_SEARCH = re.compile(r"/v(\d+)/customers/([^/:]+)/googleAds:(search|searchStream)")
_LIST = re.compile(r"/v(\d+)/customers:listAccessibleCustomers")
_VERSIONS = range(23, 27)
_MANAGER = Account("google", GOOGLE_MANAGER_ID, "Sandbox manager", "USD", "America/New_York")


@dataclass(frozen=True, slots=True)
class _Cursor:
    """What a page token says: which query it belongs to, where to go on, and the moment that all pages show."""

    query: str
    start: int
    page: int
    at: str

    def token(self) -> str:
        body = json.dumps([self.query, self.start, self.page, self.at]).encode()
        return base64.urlsafe_b64encode(body).decode()

    @classmethod
    def read(cls, token: str) -> "_Cursor":
        try:
            return cls(*json.loads(base64.urlsafe_b64decode(token)))
        except (ValueError, TypeError, binascii.Error):
            raise errors.refused(400, "requestError", "INVALID_PAGE_TOKEN", "Page token is invalid.") from None


class GoogleAds:
    """Google's service. `page_rows` is Google's fixed page size; tests make it small to see many pages."""

    platform: Platform = "google"
    hosts = ("googleads.googleapis.com", "oauth2.googleapis.com")

    def __init__(
        self,
        world: World,
        tokens: TokenBook,
        clock: Callable[[], datetime],
        page_rows: int = PAGE_ROWS,
    ) -> None:
        self._world = world
        self._series = Series(world)
        self._tokens = tokens
        self._clock = clock
        self._page_rows = page_rows
        self._operations: Counter[str] = Counter()

    def subject(self, request: Request) -> Subject:
        if request.host == "oauth2.googleapis.com":
            return Subject(purpose=Purpose.TOKEN)
        match = _SEARCH.fullmatch(request.path)
        if match is None:
            return Subject()
        try:
            token = request.json().get("pageToken")
            return Subject(match[2], _Cursor.read(str(token)).page if token else 1)
        except (ValueError, RefusedError):
            return Subject(match[2])

    def refusal(self, kind: FaultKind, fault: Fault) -> Response:
        if kind is FaultKind.RATE_LIMITED:
            text = "Too many requests. Retry in some seconds."
            body = errors.failure(429, "quotaError", "RESOURCE_EXHAUSTED", text, fault.retry_after)
            after = {} if fault.retry_after is None else {"Retry-After": str(fault.retry_after)}
            return Response.of(body, 429, after)
        if kind is FaultKind.ERROR_IN_200:
            return Response.of(errors.failure(500, "internalError", "TRANSIENT_ERROR", "A transient error occurred."))
        code, family, reason = {
            FaultKind.TOKEN_EXPIRED: (401, "authenticationError", "OAUTH_TOKEN_EXPIRED"),
            FaultKind.TOKEN_REVOKED: (401, "authenticationError", "OAUTH_TOKEN_REVOKED"),
            FaultKind.ACCOUNT_INACTIVE: (403, "authorizationError", "CUSTOMER_NOT_ENABLED"),
        }[kind]
        return errors.refused(code, family, reason, f"{reason}.").response

    def handle(self, request: Request, fault: Fault | None) -> Response:
        if request.host == "oauth2.googleapis.com":
            return self._token(request)
        listed, search = _LIST.fullmatch(request.path), _SEARCH.fullmatch(request.path)
        match = listed or search
        if match is None or int(match[1]) not in _VERSIONS:
            return Response(
                404, b"<!DOCTYPE html><title>Error 404 (Not Found)!!1</title>", {"Content-Type": "text/html"}
            )
        if request.method != ("GET" if listed else "POST"):
            raise errors.plain(405, "Method not allowed.")
        self._authenticate(request)
        if search is None:
            names = [f"customers/{account.id}" for account in self._world.accounts("google")]
            return Response.of({"resourceNames": names})
        if search[3] == "search":
            return self._search(search[2], request, fault)
        try:
            return self._stream(search[2], request, fault)
        except RefusedError as refused:  # a stream's error comes in an array, as its results do
            error = refused.response
            return Response(error.status, b"[" + error.body + b"]", error.headers)

    def _token(self, request: Request) -> Response:
        form = request.form()
        app = APPS["google"]
        if request.path != "/token" or request.method != "POST":
            return Response.of({"error": "not_found"}, 404)
        if form.get("grant_type") != "refresh_token":
            return Response.of({"error": "unsupported_grant_type", "error_description": "Invalid grant_type"}, 400)
        if (form.get("client_id"), form.get("client_secret")) != (app["client_id"], app["client_secret"]):
            return Response.of({"error": "invalid_client", "error_description": "Unauthorized"}, 401)
        try:
            grant = self._tokens.refresh("google", form.get("refresh_token", ""))
        except (TokenInvalidError, TokenRevokedError):
            text = "Token has been expired or revoked."
            return Response.of({"error": "invalid_grant", "error_description": text}, 400)
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
        try:
            self._tokens.check("google", token)
        except (TokenExpiredError, TokenRevokedError, TokenInvalidError) as problem:
            reason = {TokenExpiredError: "OAUTH_TOKEN_EXPIRED", TokenRevokedError: "OAUTH_TOKEN_REVOKED"}.get(
                type(problem), "OAUTH_TOKEN_INVALID"
            )
            raise errors.refused(401, "authenticationError", reason, "The OAuth token is not good.") from None
        given = request.headers.get("developer-token")
        if given is None:
            reason, text = "DEVELOPER_TOKEN_PARAMETER_MISSING", "The developer token is missing in the request header."
            raise errors.refused(400, "requestError", reason, text)
        if given != APPS["google"]["developer_token"]:
            text = "The developer token is not valid."
            raise errors.refused(401, "authenticationError", "DEVELOPER_TOKEN_INVALID", text)
        login = request.headers.get("login-customer-id")
        if (
            login is not None
            and login != GOOGLE_MANAGER_ID
            and login not in {a.id for a in self._world.accounts("google")}
        ):
            text = "The login-customer-id is not a customer that the user can reach."
            raise errors.refused(403, "authorizationError", "USER_PERMISSION_DENIED", text)

    def _results(self, customer: str, body: JSON, at: datetime) -> Results:
        if not customer.isdigit():
            raise errors.refused(400, "requestError", "INVALID_CUSTOMER_ID", f"Invalid customer ID '{customer}'.")
        account = self._account(customer)
        try:
            query = gaql.parse(str(body.get("query", "")))
            check(query)
            if account is _MANAGER and query.resource != "customer_client":
                text = "Metrics and entities cannot be requested for a manager account."
                raise gaql.QueryError("REQUESTED_METRICS_FOR_MANAGER", text)
            asked = days(query, moment(account, at).today)
        except gaql.QueryError as error:
            raise errors.refused(400, error.family, error.reason, str(error)) from None
        return Results(self._world, self._series, account, query, asked, at)

    def _account(self, customer: str) -> Account:
        if customer == _MANAGER.id:
            return _MANAGER
        try:
            return self._world.account("google", customer)
        except KeyError:
            text = "User doesn't have permission to access customer."
            raise errors.refused(403, "authorizationError", "USER_PERMISSION_DENIED", text) from None

    def _search(self, customer: str, request: Request, fault: Fault | None) -> Response:
        body = self._body(request)
        if "pageSize" in body or "page_size" in body:
            text = "Setting the page size is not supported."
            raise errors.refused(400, "requestError", "PAGE_SIZE_NOT_SUPPORTED", text)
        digest = blake2b(f"{customer}\n{body.get('query')}".encode(), digest_size=6).hexdigest()
        cursor = _Cursor(digest, 0, 1, self._clock().isoformat())
        if body.get("pageToken"):
            cursor = _Cursor.read(str(body["pageToken"]))
            if cursor.query != digest:
                text = "The page token is of another query."
                raise errors.refused(400, "requestError", "INVALID_PAGE_TOKEN", text)
        else:
            self._spend_operation()
        results = self._results(customer, body, datetime.fromisoformat(cursor.at))
        rows, following = results.page(cursor.start, self._page_rows)
        answer: JSON = {"results": malform(rows, fault), "fieldMask": field_mask(results.query)}
        ahead = None if following is None else _Cursor(digest, following, cursor.page + 1, cursor.at)
        if fault is not None and fault.kind is FaultKind.DOUBLED_PAGE:
            ahead = _Cursor(digest, cursor.start, cursor.page + 1, cursor.at)
        if fault is not None and fault.kind is FaultKind.REPEATED_CURSOR:
            ahead = cursor
        if ahead is not None:
            answer["nextPageToken"] = ahead.token()
        if not rows:
            del answer["results"]
        answer["queryResourceConsumption"] = str(len(rows))
        return Response.of(answer, headers={"request-id": errors.REQUEST_ID})

    def _stream(self, customer: str, request: Request, fault: Fault | None) -> Response:
        results = self._results(customer, self._body(request), self._clock())
        self._spend_operation()
        chunks: list[JSON] = []
        start: int | None = 0
        while start is not None:
            rows, start = results.page(start, self._page_rows)
            if rows:
                chunk: JSON = {"results": malform(rows, None if chunks else fault)}
                chunks.append({**chunk, "fieldMask": field_mask(results.query), "requestId": errors.REQUEST_ID})
        if fault is not None and fault.kind is FaultKind.DOUBLED_PAGE:
            chunks += chunks[-1:]
        return Response.of(chunks)

    @staticmethod
    def _body(request: Request) -> JSON:
        try:
            return request.json()
        except ValueError:
            raise errors.plain(400, "Invalid JSON payload received.") from None

    def _spend_operation(self) -> None:
        today = self._clock().date().isoformat()
        self._operations[today] += 1
        if self._operations[today] > OPERATIONS_A_DAY:
            text = "Too many operations for basic access today."
            raise RefusedError(Response.of(errors.failure(429, "quotaError", "RESOURCE_EXHAUSTED", text, 3_600), 429))
