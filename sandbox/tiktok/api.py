"""TikTok's Marketing API over HTTP: tokens, lists in numbered pages, reports at once and as tasks.

What does not belong here: rows of lists (`entities`) and of reports (`report`).
"""

import csv
import io
import json
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from datetime import datetime
from typing import Any

from sandbox.apps import APPS
from sandbox.exchange import JSON, Request, Response, Subject
from sandbox.faults import Fault, FaultKind, Purpose, doubled, malform
from sandbox.jobs import JobBook, JobState
from sandbox.tiktok import entities, envelope, report
from sandbox.tokens import Grant, TokenBook, TokenExpiredError, TokenInvalidError, TokenRevokedError
from sandbox.world.entities import Account, Platform
from sandbox.world.series import Series
from sandbox.world.world import World

_PREFIX = "/open_api/v1.3/"
_DOWNLOADS = "ads-report.tiktokcdn.com"
_LARGEST_PAGE = 1_000
_DEFAULT_PAGE = 10
_FIRST_TASK = 7_400_000_000_000_000_001
_LINK_SECONDS = 3_600
_TASK = {
    JobState.WAITING: "QUEUING",
    JobState.RUNNING: "PROCESSING",
    JobState.DONE: "SUCCESS",
    JobState.FAILED: "FAILED",
}
_PURPOSES = {
    "report/task/create/": Purpose.SUBMIT,
    "report/task/check/": Purpose.POLL,
    "report/task/download/": Purpose.DOWNLOAD,
}
_ANSWERS_TOKENS = {
    TokenExpiredError: (envelope.TOKEN_EXPIRED, "Access token has expired."),
    TokenRevokedError: (envelope.TOKEN_INVALID, "Access token is revoked."),
    TokenInvalidError: (envelope.TOKEN_INVALID, "Access token is incorrect or has been revoked."),
}


@dataclass(frozen=True, slots=True)
class _Task:
    report: report.Asked
    output: str


class TikTok:
    """TikTok's service."""

    platform: Platform = "tiktok"
    hosts = ("business-api.tiktok.com", _DOWNLOADS)

    def __init__(self, world: World, tokens: TokenBook, clock: Callable[[], datetime]) -> None:
        self._world = world
        self._series = Series(world)
        self._tokens = tokens
        self._clock = clock
        self.tasks: JobBook[_Task] = JobBook(_FIRST_TASK)

    def subject(self, request: Request) -> Subject:
        if request.host == _DOWNLOADS:
            task = self.tasks.get(request.path.strip("/").removesuffix(".csv"))
            return Subject(task.asked.report.account.id if task else None, purpose=Purpose.DOWNLOAD)
        if request.path.startswith(f"{_PREFIX}oauth2/"):
            return Subject(purpose=Purpose.TOKEN)
        account = request.query.get("advertiser_id")
        if request.method == "POST":
            try:
                account = str(request.json().get("advertiser_id"))
            except ValueError:
                account = None
        page = request.query.get("page", "1")
        purpose = _PURPOSES.get(request.path.removeprefix(_PREFIX), Purpose.PAGE)
        return Subject(account, int(page) if page.isdigit() else 1, purpose)

    def refusal(self, kind: FaultKind, fault: Fault) -> Response:
        if kind is FaultKind.RATE_LIMITED:
            after = {} if fault.retry_after is None else {"Retry-After": str(fault.retry_after)}
            return envelope.bad(envelope.RATE_LIMITED, "Requests made too frequently. Try again later.", after)
        code, text = {
            FaultKind.ERROR_IN_200: (envelope.SYSTEM_ERROR, "System error."),
            FaultKind.TOKEN_EXPIRED: _ANSWERS_TOKENS[TokenExpiredError],
            FaultKind.TOKEN_REVOKED: _ANSWERS_TOKENS[TokenRevokedError],
            FaultKind.ACCOUNT_INACTIVE: (envelope.INACTIVE, "The advertiser account is not active."),
        }[kind]
        return envelope.bad(code, text)

    def handle(self, request: Request, fault: Fault | None) -> Response:
        if request.host == _DOWNLOADS:
            return self._linked(request, fault)
        route = (request.method, request.path.removeprefix(_PREFIX))
        if route in (("POST", "oauth2/access_token/"), ("POST", "oauth2/refresh_token/")):
            return self._token(request)
        self._authenticate(request)
        match route:
            case ("GET", "oauth2/advertiser/get/"):
                found = [{"advertiser_id": a.id, "advertiser_name": a.name} for a in self._world.accounts("tiktok")]
                return envelope.good({"list": found})
            case ("GET", "advertiser/info/"):
                return self._advertisers(request, fault)
            case ("GET", "campaign/get/" | "adgroup/get/"):
                return self._entities(request, fault)
            case ("GET", "report/integrated/get/"):
                return self._report(request, fault)
            case ("POST", "report/task/create/"):
                return self._create(request)
            case ("GET", "report/task/check/"):
                return self._check(request, fault)
            case ("GET", "report/task/download/"):
                return self._download(request, fault)
        raise envelope.refused(40006, f"The path {request.path} does not exist; it may lack its trailing slash.")

    def _token(self, request: Request) -> Response:
        """A first token by authorisation code, which for the sandbox is the id of an account; or a refresh."""
        body = self._body(request)
        app = APPS["tiktok"]
        if (body.get("app_id"), body.get("secret")) != (app["app_id"], app["secret"]):
            raise envelope.refused(envelope.BAD_PARAMETER, "app_id or secret is incorrect.")
        try:
            if request.path.endswith("refresh_token/"):
                grant = self._tokens.refresh("tiktok", str(body.get("refresh_token", "")))
            else:
                grant = self._tokens.issue("tiktok", self._account(str(body.get("auth_code"))).id)
        except (TokenInvalidError, TokenRevokedError) as problem:
            raise envelope.refused(*_ANSWERS_TOKENS[type(problem)]) from None
        return envelope.good(self._granted(grant))

    def _granted(self, grant: Grant) -> JSON:
        return {
            "access_token": grant.access_token,
            "access_token_expire_in": grant.expires_in,
            "refresh_token": grant.refresh_token,
            "refresh_token_expire_in": grant.expires_in,
            "scope": [4, 6],
            "advertiser_ids": [account.id for account in self._world.accounts("tiktok")],
        }

    def _authenticate(self, request: Request) -> None:
        token = request.headers.get("access-token")
        if not token:
            raise envelope.refused(envelope.NO_TOKEN, "Access token is null.")
        try:
            self._tokens.check("tiktok", token)
        except (TokenExpiredError, TokenRevokedError, TokenInvalidError) as problem:
            raise envelope.refused(*_ANSWERS_TOKENS[type(problem)]) from None

    @staticmethod
    def _body(request: Request) -> JSON:
        try:
            return request.json()
        except ValueError:
            raise envelope.refused(envelope.BAD_PARAMETER, "The body must be a JSON object.") from None

    def _account(self, account_id: object) -> Account:
        try:
            return self._world.account("tiktok", str(account_id))
        except KeyError:
            text = f"No permission to operate advertiser {account_id}."
            raise envelope.refused(envelope.NO_PERMISSION, text) from None

    @staticmethod
    def _read(query: Mapping[str, str], name: str, empty: object) -> Any:
        try:
            return json.loads(query[name]) if name in query else empty
        except ValueError:
            raise envelope.refused(envelope.BAD_PARAMETER, f"{name}: must be JSON.") from None

    def _advertisers(self, request: Request, fault: Fault | None) -> Response:
        ids = self._read(request.query, "advertiser_ids", None)
        if not isinstance(ids, list) or not 1 <= len(ids) <= 100:
            raise envelope.refused(envelope.BAD_PARAMETER, "advertiser_ids: must be a list of 1 to 100 ids.")
        found = [self._with_fields(request, entities.advertiser(self._account(each)), "advertiser_id") for each in ids]
        return envelope.good({"list": malform(found, fault)})

    def _entities(self, request: Request, fault: Fault | None) -> Response:
        account = self._account(request.query.get("advertiser_id"))
        filtering = self._read(request.query, "filtering", {})
        if not isinstance(filtering, dict):
            raise envelope.refused(envelope.BAD_PARAMETER, "filtering: must be a JSON object.")
        is_campaign = request.path.endswith("campaign/get/")
        kind, key = ("CAMPAIGN", "campaign_id") if is_campaign else ("ADGROUP", "adgroup_id")
        listed = entities.campaigns if is_campaign else entities.ad_groups
        wanted = filtering.get("secondary_status", f"{kind}_STATUS_NOT_DELETE")
        found = []
        for row in listed(self._world, account, self._clock()):
            deleted = row["secondary_status"] == f"{kind}_STATUS_DELETE"
            shown = wanted in (f"{kind}_STATUS_ALL", row["secondary_status"]) or (
                wanted == f"{kind}_STATUS_NOT_DELETE" and not deleted
            )
            if shown and all(
                row.get(name) in filtering.get(f"{name}s", [row.get(name)]) for name in (key, "campaign_id")
            ):
                found.append(self._with_fields(request, row, key))
        return self._page(request, len(found), lambda start, size: found[start : start + size], fault)

    def _with_fields(self, request: Request, row: JSON, key: str) -> JSON:
        """The asked fields only (all where none are asked for), a field that TikTok adds of itself, and the id."""
        fields = self._read(request.query, "fields", list(row))
        unknown = [field for field in fields if field not in row]
        if unknown:
            raise envelope.refused(envelope.BAD_PARAMETER, f"fields: {unknown[0]} is not supported.")
        return {name: row[name] for name in row if name in fields or name in (key, "trust_tier")}

    def _report(self, request: Request, fault: Fault | None) -> Response:
        account = self._account(request.query.get("advertiser_id"))
        lists = {name: self._read(request.query, name, []) for name in ("dimensions", "metrics")}
        asked = report.asked(account, {**request.query, **lists}, self._clock())
        total = report.count(self._series, asked)
        return self._page(
            request, total, lambda start, size: list(report.rows(self._series, asked, start, size)), fault
        )

    def _page(
        self, request: Request, total: int, rows: Callable[[int, int], list[JSON]], fault: Fault | None
    ) -> Response:
        page = self._number(request, "page", 1)
        size = self._number(request, "page_size", _DEFAULT_PAGE)
        if size > _LARGEST_PAGE:
            raise envelope.refused(envelope.BAD_PARAMETER, f"page_size: must be at most {_LARGEST_PAGE}.")
        if fault is not None and fault.kind is FaultKind.REPEATED_CURSOR:
            page = max(1, page - 1)  # the page before comes again, and says so
        found = doubled(malform(rows((page - 1) * size, size), fault), fault)
        info = {"page": page, "page_size": size, "total_number": total, "total_page": -(-total // size)}
        return envelope.good({"list": found, "page_info": info})

    @staticmethod
    def _number(request: Request, name: str, default: int) -> int:
        text = request.query.get(name, str(default))
        if not text.isdigit() or int(text) < 1:
            raise envelope.refused(envelope.BAD_PARAMETER, f"{name}: must be a number from 1 on.")
        return int(text)

    def _create(self, request: Request) -> Response:
        body = self._body(request)
        account = self._account(body.get("advertiser_id"))
        output = str(body.get("output_format", "CSV_STRING"))
        if output not in ("CSV_STRING", "CSV_DOWNLOAD"):
            raise envelope.refused(envelope.BAD_PARAMETER, "output_format: CSV_STRING or CSV_DOWNLOAD.")
        task = self.tasks.submit(_Task(report.asked(account, body, self._clock()), output))
        return envelope.good({"task_id": task.id})

    def _check(self, request: Request, fault: Fault | None) -> Response:
        kind = fault.kind if fault is not None else None
        task_id = request.query.get("task_id", "")
        stuck = kind is FaultKind.JOB_STUCK
        task = self.tasks.look(task_id, fail=kind is FaultKind.JOB_FAILED, stuck=stuck)
        if task is None:
            raise envelope.refused(envelope.BAD_PARAMETER, f"task_id: there is no task {task_id}.")
        state = JobState.RUNNING if stuck and not task.failed else self.tasks.state(task)
        return envelope.good({"task_id": task_id, "status": _TASK[state], "message": ""})

    def _download(self, request: Request, fault: Fault | None) -> Response:
        task = self.tasks.get(request.query.get("task_id", ""))
        if task is None or self.tasks.state(task) is not JobState.DONE:
            raise envelope.refused(envelope.BAD_PARAMETER, "task_id: there is no such task that is done.")
        if fault is not None and fault.kind is FaultKind.DOWNLOAD_EXPIRED:
            raise envelope.refused(envelope.BAD_PARAMETER, "task_id: the output of the task has expired.")
        if task.asked.output == "CSV_STRING":
            return self._csv(task.asked, fault)
        until = int(self._clock().timestamp()) + _LINK_SECONDS
        return envelope.good({"download_url": f"{request.origin}/{_DOWNLOADS}/{task.id}.csv?until={until}"})

    def _linked(self, request: Request, fault: Fault | None) -> Response:
        task = self.tasks.get(request.path.strip("/").removesuffix(".csv"))
        until = request.query.get("until", "0")
        gone = fault is not None and fault.kind is FaultKind.DOWNLOAD_EXPIRED
        if task is None or gone or not until.isdigit() or int(until) <= self._clock().timestamp():
            return Response(403, b"<Error><Code>AccessDenied</Code></Error>", {"Content-Type": "application/xml"})
        return self._csv(task.asked, fault)

    def _csv(self, task: _Task, fault: Fault | None) -> Response:
        found = [{**row["dimensions"], **row["metrics"]} for row in report.rows(self._series, task.report)]
        lines = io.StringIO()
        names = list(dict.fromkeys([*task.report.dimensions, *task.report.metrics]))
        writer = csv.DictWriter(lines, names, extrasaction="ignore")
        writer.writeheader()
        writer.writerows(doubled(malform(found, fault), fault))
        return Response(200, lines.getvalue().encode(), {"Content-Type": "text/csv; charset=utf-8"})
