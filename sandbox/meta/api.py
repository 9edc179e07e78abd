"""The Graph API over HTTP: tokens, lists of campaigns and ad sets, insights at once and as jobs.

What does not belong here: the rows of insights (`insights`) and of lists (`entities`).
"""

import base64
import binascii
import hashlib
import hmac
import json
import re
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from datetime import datetime
from urllib.parse import urlencode

from sandbox.apps import APPS
from sandbox.exchange import JSON, RefusedError, Request, Response, Subject
from sandbox.faults import Fault, FaultKind, Purpose, malform
from sandbox.jobs import JobBook, JobState
from sandbox.meta import entities, errors, insights
from sandbox.tokens import TokenBook, TokenExpiredError, TokenInvalidError, TokenRevokedError
from sandbox.world.entities import Account, Platform
from sandbox.world.series import Series
from sandbox.world.world import World

_PATH = re.compile(r"/v(\d+)\.0/(.+?)/?")
_VERSIONS = range(23, 27)
_FIRST_RUN = 680_000_000_000_001
_DEFAULT_LIMIT = 25
_LARGEST_LIMIT = 5_000
_PROGRESS = {
    JobState.WAITING: ("Job Not Started", 0),
    JobState.RUNNING: ("Job Running", 100),  # Meta does say 100 of a job that is not done
    JobState.DONE: ("Job Completed", 100),
    JobState.FAILED: ("Job Failed", 42),
}


@dataclass(frozen=True, slots=True)
class _Cursor:
    """A place in a list: rows before it, the page it begins, the moment that the list shows."""

    start: int
    page: int
    at: str

    def text(self) -> str:
        return base64.urlsafe_b64encode(json.dumps([self.start, self.page, self.at]).encode()).decode()

    @classmethod
    def read(cls, text: str) -> "_Cursor":
        try:
            return cls(*json.loads(base64.urlsafe_b64decode(text)))
        except (ValueError, TypeError, binascii.Error):
            raise errors.refused(100, "(#100) Invalid cursors values") from None


class Meta:
    """Meta's service; the platform's slug is `facebook`."""

    platform: Platform = "facebook"
    hosts = ("graph.facebook.com",)

    def __init__(self, world: World, tokens: TokenBook, clock: Callable[[], datetime]) -> None:
        self._world = world
        self._series = Series(world)
        self._tokens = tokens
        self._clock = clock
        self.jobs: JobBook[insights.Asked] = JobBook(_FIRST_RUN)

    def subject(self, request: Request) -> Subject:
        match = _PATH.fullmatch(request.path)
        if match is None or match[2] == "oauth/access_token":
            return Subject(purpose=Purpose.PAGE if match is None else Purpose.TOKEN)
        node = match[2].split("/")[0]
        job = self.jobs.get(node)
        account = job.asked.account.id if job else node.removeprefix("act_") if node.startswith("act_") else None
        try:
            page = _Cursor.read(request.query["after"]).page if request.query.get("after") else 1
        except RefusedError:
            page = 1
        purpose = Purpose.PAGE
        if job is not None and "/" not in match[2]:
            purpose = Purpose.POLL
        elif request.method == "POST":
            purpose = Purpose.SUBMIT
        return Subject(account, page, purpose)

    def refusal(self, kind: FaultKind, fault: Fault) -> Response:
        if kind is FaultKind.RATE_LIMITED:
            text = "(#80004) There have been too many calls to this ad-account. Wait a bit and try again."
            headers = errors.usage(insights=False, percent=100, wait_seconds=fault.retry_after)
            return Response.of(errors.body(80004, text, 2446079, transient=True), 400, headers)
        if kind is FaultKind.ERROR_IN_200:
            return Response.of(errors.body(2, "Service temporarily unavailable", 1504044, transient=True))
        code, subcode, text = {
            FaultKind.TOKEN_EXPIRED: (190, 463, "Error validating access token: Session has expired."),
            FaultKind.TOKEN_REVOKED: (190, 460, "Error validating access token: The session has been invalidated."),
            FaultKind.ACCOUNT_INACTIVE: (200, 1487390, "(#200) Ad account is disabled or access was not granted."),
            FaultKind.TOO_MUCH_DATA: (
                100,
                1504018,
                "Please reduce the amount of data you're asking for, then retry your request",
            ),
        }[kind]
        return Response.of(errors.body(code, text, subcode), 400)

    def handle(self, request: Request, fault: Fault | None) -> Response:
        match = _PATH.fullmatch(request.path)
        if match is None or int(match[1]) not in _VERSIONS:
            raise errors.refused(2635, "(#2635) You are calling a deprecated or unknown version of the Ads API.")
        params = {**request.query, **(request.form() if request.body else {})}
        if match[2] == "oauth/access_token":
            return self._exchange(params)
        self._authenticate(request, params)
        route = (request.method, *match[2].split("/"))
        match route:
            case ("GET", "me", "adaccounts"):
                return self._list(request, params, entities.accounts(self._world), fault)
            case ("GET", node) if node.startswith("act_"):
                return Response.of(entities.chosen(entities.account(self._account(node)), self._fields(params)))
            case ("GET", node, "campaigns" | "adsets" as edge) if node.startswith("act_"):
                return self._entities(request, params, self._account(node), edge, fault)
            case ("GET", node, "insights") if node.startswith("act_"):
                asked = insights.asked(self._account(node), params, self._fields(params), self._at(params))
                return self._insights(request, params, asked, fault)
            case ("POST", node, "insights") if node.startswith("act_"):
                fields = self._posted_fields(params)
                asked = insights.asked(self._account(node), params, fields, self._clock())
                return Response.of({"report_run_id": self.jobs.submit(asked).id})
            case ("GET", run):
                return self._progress(run, fault)
            case ("GET", run, "insights"):
                return self._finished(request, params, run, fault)
        raise errors.refused(100, "Unsupported request. Unknown path components.", 33)

    def _exchange(self, params: Mapping[str, str]) -> Response:
        app = APPS["facebook"]
        if params.get("grant_type") != "fb_exchange_token":
            raise errors.refused(1, "Missing or unknown grant_type parameter.")
        if (params.get("client_id"), params.get("client_secret")) != (app["app_id"], app["app_secret"]):
            raise errors.refused(1, "Error validating client secret.")
        try:
            grant = self._tokens.exchange("facebook", params.get("fb_exchange_token", ""))
        except (TokenInvalidError, TokenRevokedError):
            raise errors.refused(190, "Error validating access token.", 460) from None
        return Response.of({"access_token": grant.access_token, "token_type": "bearer", "expires_in": grant.expires_in})

    def _authenticate(self, request: Request, params: Mapping[str, str]) -> None:
        token = params.get("access_token") or request.headers.get("authorization", "").removeprefix("Bearer ")
        if not token:
            raise errors.refused(2500, "An active access token must be used to query information.")
        try:
            self._tokens.check("facebook", token)
        except TokenExpiredError:
            raise errors.refused(190, "Error validating access token: Session has expired.", 463) from None
        except TokenRevokedError:
            raise errors.refused(190, "Error validating access token: The session was invalidated.", 460) from None
        except TokenInvalidError:
            raise errors.refused(190, "Invalid OAuth access token - Cannot parse access token") from None
        secret = APPS["facebook"]["app_secret"].encode()
        proof = hmac.new(secret, token.encode(), hashlib.sha256).hexdigest()
        given = params.get("appsecret_proof")
        if given is None:
            raise errors.refused(100, "API calls from the server require an appsecret_proof argument")
        if not hmac.compare_digest(given, proof):
            raise errors.refused(100, "Invalid appsecret_proof provided in the API argument")

    def _account(self, node: str) -> Account:
        try:
            return self._world.account("facebook", node.removeprefix("act_"))
        except KeyError:
            text = f"Unsupported get request. Object with ID '{node}' does not exist or cannot be loaded."
            raise errors.refused(100, text, 33) from None

    @staticmethod
    def _fields(params: Mapping[str, str]) -> tuple[str, ...]:
        return tuple(field.strip() for field in params.get("fields", "").split(",") if field.strip())

    @staticmethod
    def _posted_fields(params: Mapping[str, str]) -> tuple[str, ...]:
        try:
            fields = json.loads(params.get("fields", "[]"))
        except ValueError:
            fields = None
        if not isinstance(fields, list):
            raise errors.refused(100, "(#100) param fields must be an array.")
        return tuple(str(field) for field in fields)

    def _at(self, params: Mapping[str, str]) -> datetime:
        after = params.get("after")
        return datetime.fromisoformat(_Cursor.read(after).at) if after else self._clock()

    def _entities(
        self, request: Request, params: Mapping[str, str], account: Account, edge: str, fault: Fault | None
    ) -> Response:
        at = self._at(params)
        wanted = entities.statuses(params)
        found = entities.listed(self._world, account, edge, wanted, at)
        return self._list(request, params, found, fault, at)

    def _list(
        self,
        request: Request,
        params: Mapping[str, str],
        found: list[JSON],
        fault: Fault | None,
        at: datetime | None = None,
    ) -> Response:
        fields = self._fields(params)
        start, limit = self._place(params)
        rows = [entities.chosen(row, fields) for row in found[start : start + limit]]
        answer = self._page(request, params, rows, len(found) > start + limit, at or self._at(params), fault)
        return Response.of(answer, headers=errors.usage(insights=False, percent=3))

    def _insights(
        self, request: Request, params: Mapping[str, str], asked: insights.Asked, fault: Fault | None
    ) -> Response:
        start, limit = self._place(params)
        rows, more = insights.rows(self._series, asked, start, limit)
        answer = self._page(request, params, rows, more, asked.at, fault)
        return Response.of(answer, headers=errors.usage(insights=True, percent=5))

    @staticmethod
    def _place(params: Mapping[str, str]) -> tuple[int, int]:
        limit = params.get("limit", str(_DEFAULT_LIMIT))
        if not limit.isdigit() or int(limit) == 0:
            raise errors.refused(100, "(#100) param limit must be a positive integer.")
        if int(limit) > _LARGEST_LIMIT:
            raise errors.refused(100, "Please reduce the amount of data you're asking for, then retry", 1504018)
        start = _Cursor.read(params["after"]).start if params.get("after") else 0
        return start, int(limit)

    def _page(
        self,
        request: Request,
        params: Mapping[str, str],
        rows: list[JSON],
        more: bool,
        at: datetime,
        fault: Fault | None,
    ) -> JSON:
        here = _Cursor.read(params["after"]) if params.get("after") else _Cursor(0, 1, at.isoformat())
        ahead = _Cursor(here.start + len(rows), here.page + 1, here.at)
        if fault is not None and fault.kind is FaultKind.DOUBLED_PAGE:
            ahead, more = _Cursor(here.start, here.page + 1, here.at), True
        if fault is not None and fault.kind is FaultKind.REPEATED_CURSOR:
            ahead, more = here, True
        answer: JSON = {"data": malform(rows, fault)}
        if rows:
            answer["paging"] = {"cursors": {"before": here.text(), "after": ahead.text()}}
        if rows and more:
            query = urlencode({**params, "after": ahead.text()})
            answer["paging"]["next"] = f"{request.origin}/{request.host}{request.path}?{query}"
        return answer

    def _progress(self, run: str, fault: Fault | None) -> Response:
        kind = fault.kind if fault is not None else None
        stuck = kind is FaultKind.JOB_STUCK
        job = self.jobs.look(run, fail=kind is FaultKind.JOB_FAILED, stuck=stuck)
        if job is None:
            raise errors.refused(100, f"Unsupported get request. Object with ID '{run}' does not exist.", 33)
        state = JobState.RUNNING if stuck and not job.failed else self.jobs.state(job)
        name, percent = _PROGRESS[state]
        return Response.of(
            {
                "id": run,
                "account_id": job.asked.account.id,
                "async_status": name,
                "async_percent_completion": percent,
                "is_running": state in (JobState.RUNNING, JobState.WAITING),
                "date_start": job.asked.since.isoformat(),
                "date_stop": job.asked.until.isoformat(),
            }
        )

    def _finished(self, request: Request, params: Mapping[str, str], run: str, fault: Fault | None) -> Response:
        job = self.jobs.get(run)
        if job is None:
            raise errors.refused(100, f"Unsupported get request. Object with ID '{run}' does not exist.", 33)
        if self.jobs.state(job) is not JobState.DONE:
            text = "Error accessing adreport job: Loading Async Job"
            raise errors.refused(2601, text, 1815107, transient=True)
        return self._insights(request, params, job.asked, fault)
