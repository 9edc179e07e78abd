"""TikTok's Marketing API over HTTP: tokens, lists and reports in numbered pages.

What does not belong here: rows of lists (`entities`) and of reports (`report`).
"""

import json
from collections.abc import Callable, Mapping
from typing import Any

from sandbox.apps import APPS
from sandbox.exchange import JSON, RefusedError, Request, Response, retry_after, unanswered
from sandbox.faults import Fault, FaultKind, Purpose, Subject, whole_list
from sandbox.service import Service
from sandbox.tiktok import entities, envelope, report
from sandbox.tiktok.envelope import bad_parameter
from sandbox.tokens import TokenError, TokenExpiredError, TokenInvalidError, TokenRevokedError
from sandbox.world.entities import Platform

_PREFIX = "/open_api/v1.3/"
_LARGEST_PAGE = 1_000
_DEFAULT_PAGE = 10
_PARAMETERS = frozenset(
    {"advertiser_id", "advertiser_ids", "fields", "filtering", "page", "page_size", "report_type", "data_level"}
    | {"dimensions", "metrics", "start_date", "end_date", "query_mode"}
)
_PRIMARY_STATUSES = frozenset(
    {"STATUS_ALL", "STATUS_NOT_DELETE", "STATUS_NOT_DELIVERY", "STATUS_DELIVERY_OK", "STATUS_DISABLE", "STATUS_DELETE"}
    | {"STATUS_TIME_DONE", "STATUS_RF_CLOSED", "STATUS_FROZEN"}
)
_BAD_TOKENS: dict[type[TokenError], tuple[int, str]] = {
    TokenExpiredError: (envelope.TOKEN_EXPIRED, "Access token has expired."),
    TokenRevokedError: (envelope.TOKEN_INVALID, "Access token is revoked."),
    TokenInvalidError: (envelope.TOKEN_INVALID, "Access token is incorrect or has been revoked."),
}


class TikTok(Service):
    """TikTok's API."""

    platform: Platform = "tiktok"
    hosts = ("business-api.tiktok.com",)

    def subject(self, request: Request) -> Subject:
        if request.path.startswith(f"{_PREFIX}oauth2/"):
            return Subject(purpose=Purpose.TOKEN)
        page = request.query.get("page", "1")
        return Subject(request.query.get("advertiser_id"), int(page) if page.isdigit() else 1)

    def refusal(self, fault: Fault) -> Response:
        if fault.kind is FaultKind.RATE_LIMITED:
            text = "Requests made too frequently. Try again later."
            return envelope.bad(envelope.RATE_LIMITED, text, retry_after(fault.retry_after))
        if fault.kind is FaultKind.ERROR_IN_200:
            return envelope.bad(envelope.SYSTEM_ERROR, "System error.")
        return envelope.bad(envelope.INACTIVE, "The advertiser account is not active.")

    def bad_token(self, problem: type[TokenError]) -> RefusedError:
        return envelope.refused(*_BAD_TOKENS[problem])

    def unknown_account(self, account_id: str) -> RefusedError:
        return envelope.refused(envelope.NO_PERMISSION, f"No permission to operate advertiser {account_id}.")

    def handle(self, request: Request, fault: Fault | None) -> Response:
        route = (request.method, request.path.removeprefix(_PREFIX))
        if route == ("POST", "oauth2/refresh_token/"):
            return self._token(request)
        token = request.headers.get("access-token")
        if not token:
            raise envelope.refused(envelope.NO_TOKEN, "Access token is null.")
        self._check_token(token)
        if unknown := request.query.keys() - _PARAMETERS:
            raise unanswered(f"the parameters {', '.join(sorted(unknown))}")
        match route:
            case ("GET", "advertiser/info/"):
                return self._advertisers(request.query, fault)
            case ("GET", "campaign/get/"):
                return self._entities(request.query, "CAMPAIGN", fault)
            case ("GET", "adgroup/get/"):
                return self._entities(request.query, "ADGROUP", fault)
            case ("GET", "ad/get/"):
                return self._entities(request.query, "AD", fault)
            case ("GET", "report/integrated/get/"):
                return self._report(request.query, fault)
        text = f"The path {request.path} does not exist; it may lack its trailing slash."
        raise envelope.refused(envelope.NO_PATH, text)

    def _token(self, request: Request) -> Response:
        try:
            body = request.json()
        except ValueError:
            raise bad_parameter("The body must be a JSON object.") from None
        app = APPS["tiktok"]
        if (body.get("app_id"), body.get("secret")) != (app["app_id"], app["secret"]):
            raise bad_parameter("app_id or secret is incorrect.")
        try:
            grant = self._tokens.refresh("tiktok", str(body.get("refresh_token", "")))
        except TokenError as problem:
            raise self.bad_token(type(problem)) from None
        return envelope.good(
            {
                "access_token": grant.access_token,
                "access_token_expire_in": grant.expires_in,
                "refresh_token": grant.refresh_token,
                "refresh_token_expire_in": grant.expires_in,
                "scope": [4, 6],
                "advertiser_ids": [account.id for account in self._world.accounts("tiktok")],
            }
        )

    @staticmethod
    def _read(query: Mapping[str, str], name: str, empty: Any) -> Any:
        """A parameter that is JSON, of the type of `empty`."""
        try:
            value = json.loads(query[name]) if name in query else empty
        except ValueError:
            raise bad_parameter(f"{name}: must be JSON.") from None
        if not isinstance(value, type(empty)):
            raise bad_parameter(f"{name}: must be a JSON {'list' if isinstance(empty, list) else 'object'}.")
        return value

    @classmethod
    def _strings(cls, query: Mapping[str, str], name: str) -> tuple[str, ...]:
        values = cls._read(query, name, [])
        if not all(isinstance(value, str) for value in values):
            raise bad_parameter(f"{name}: must be a list of strings.")
        return tuple(values)

    def _advertisers(self, query: Mapping[str, str], fault: Fault | None) -> Response:
        ids = self._strings(query, "advertiser_ids")
        if not 1 <= len(ids) <= 100:
            raise bad_parameter("advertiser_ids: must be a list of 1 to 100 ids.")
        fields = self._strings(query, "fields")
        rows = [_chosen(entities.advertiser(self._account(account)), fields, "advertiser_id") for account in ids]
        return envelope.good({"list": whole_list(rows, fault)})

    def _entities(self, query: Mapping[str, str], kind: str, fault: Fault | None) -> Response:
        account = self._account(query.get("advertiser_id"))
        filtering = self._read(query, "filtering", {})
        wanted = filtering.get("primary_status", "STATUS_NOT_DELETE")
        if filtering.keys() - {"primary_status"}:
            raise unanswered(f"the filter {filtering}")
        if wanted not in _PRIMARY_STATUSES:
            raise bad_parameter(f"filtering: primary_status {wanted} is not supported.")
        if wanted not in ("STATUS_NOT_DELETE", "STATUS_ALL"):
            raise unanswered(f"lists of {wanted}")
        listed = {"CAMPAIGN": entities.campaigns, "ADGROUP": entities.ad_groups, "AD": entities.ads}[kind]
        fields = self._strings(query, "fields")
        rows = [
            _chosen(row, fields, f"{kind.lower()}_id")
            for row in listed(self._world, account, self._clock())
            if wanted == "STATUS_ALL" or row["secondary_status"] != f"{kind}_STATUS_DELETE"
        ]
        return self._page(query, len(rows), lambda start, size: rows[start : start + size], fault)

    def _report(self, query: Mapping[str, str], fault: Fault | None) -> Response:
        account = self._account(query.get("advertiser_id"))
        dimensions, metrics = self._strings(query, "dimensions"), self._strings(query, "metrics")
        wanted = report.checked(account, query, dimensions=dimensions, metrics=metrics, at=self._clock())
        rows = report.rows(self._series, wanted, self._limits.tiktok_entities)
        return self._page(query, len(rows), lambda start, size: rows[start : start + size], fault)

    def _page(
        self, query: Mapping[str, str], total: int, rows: Callable[[int, int], list[JSON]], fault: Fault | None
    ) -> Response:
        page = self._number(query, "page", 1)
        size = self._number(query, "page_size", _DEFAULT_PAGE)
        if size > _LARGEST_PAGE:
            raise bad_parameter(f"page_size: must be at most {_LARGEST_PAGE}.")
        if fault is not None and fault.kind is FaultKind.REPEATED_CURSOR:
            page = max(1, page - 1)  # the previous page comes again, with its own number
        info = {"page": page, "page_size": size, "total_number": total, "total_page": -(-total // size)}
        return envelope.good({"list": whole_list(rows((page - 1) * size, size), fault), "page_info": info})

    @staticmethod
    def _number(query: Mapping[str, str], name: str, default: int) -> int:
        text = query.get(name, str(default))
        if not text.isdigit() or int(text) < 1:
            raise bad_parameter(f"{name}: must be a number from 1 on.")
        return int(text)


def _chosen(row: JSON, fields: tuple[str, ...], key: str) -> JSON:
    """The key and the fields that were asked for, or all fields. Refuses a field that the row does not have."""
    unknown = [name for name in fields if name not in row]
    if unknown:
        raise bad_parameter(f"fields: {', '.join(unknown)} is not supported.")
    shown = {*fields, key, "trust_tier"}  # TikTok adds the trust tier without being asked
    return {name: value for name, value in row.items() if name in shown or not fields}
