"""The Graph API over HTTP: tokens, lists of campaigns, ad sets and ads, insights at once and as jobs.

What does not belong here: the rows of insights (`insights`) and of lists (`entities`).
"""

import hashlib
import hmac
import re
from collections.abc import Callable, Mapping
from dataclasses import replace
from datetime import datetime
from urllib.parse import urlencode

from sandbox.apps import APPS
from sandbox.cursors import Cursor
from sandbox.exchange import JSON, RefusedError, Request, Response, unanswered
from sandbox.faults import Fault, FaultKind, Purpose, Subject, malform
from sandbox.jobs import JobBook, JobState
from sandbox.limits import Limits
from sandbox.meta import entities, errors, insights
from sandbox.service import Service
from sandbox.tokens import TokenBook, TokenError, TokenExpiredError, TokenInvalidError, TokenRevokedError
from sandbox.world.entities import Platform
from sandbox.world.world import World

_PATH = re.compile(r"/v(\d+)\.0/(.+?)/?")
_COMMA = re.compile(r",(?![^{]*})")
_VERSIONS = range(23, 27)
_FIRST_RUN = 680_000_000_000_001
_DEFAULT_LIMIT = "25"
_LARGEST_LIMIT = 5_000
_PARAMS = frozenset(
    {"access_token", "appsecret_proof", "fields", "limit", "after", "effective_status", "level", "time_increment"}
    | {"time_range", "action_attribution_windows", "filtering", "summary"}
)
_TOO_MUCH = "Please reduce the amount of data you're asking for, then retry your request"
_BAD_TOKENS: dict[type[TokenError], tuple[str, int | None]] = {
    TokenExpiredError: ("Error validating access token: Session has expired.", 463),
    TokenRevokedError: ("Error validating access token: The session was invalidated.", 460),
    TokenInvalidError: ("Invalid OAuth access token - Cannot parse access token", None),
}
_TOO_MANY = ("Too many rows", "The report has too many rows. Ask for fewer days, or for a job.")
_PROGRESS = {
    JobState.WAITING: ("Job Not Started", 0),
    JobState.RUNNING: ("Job Running", 100),  # Meta does report 100 for a job that still runs
    JobState.DONE: ("Job Completed", 100),
    JobState.FAILED: ("Job Failed", 42),
}


def _cursor(text: str) -> Cursor:
    try:
        return Cursor.read(text)
    except ValueError:
        raise errors.refused(100, "(#100) Invalid cursors values") from None


_JOB_ERROR = {
    "error_code": 2601,
    "error_subcode": 1504038,
    "error_message": "Error accessing adreport job: Job failed",
    "error_user_title": "The report could not be made",
    "error_user_msg": "The report has too much data. Ask for fewer days.",
}


class Meta(Service):
    """Meta's API. The platform's slug is `facebook`."""

    platform: Platform = "facebook"
    hosts = ("graph.facebook.com",)

    def __init__(self, world: World, tokens: TokenBook, clock: Callable[[], datetime], limits: Limits) -> None:
        super().__init__(world, tokens, clock, limits)
        self._jobs: JobBook[insights.Insights] = JobBook(_FIRST_RUN)

    def subject(self, request: Request) -> Subject:
        match = _PATH.fullmatch(request.path)
        if match is None or match[2] == "oauth/access_token":
            return Subject(purpose=Purpose.PAGE if match is None else Purpose.TOKEN)
        node, *edges = match[2].split("/")
        job = self._jobs.get(node)
        account = job.report.query.account.id if job else node.removeprefix("act_") if node.startswith("act_") else None
        purpose = Purpose.SUBMIT if request.method == "POST" else Purpose.PAGE
        if job is not None and not edges:
            purpose = Purpose.POLL
        try:
            page = _cursor(request.query["after"]).page if request.query.get("after") else 1
        except RefusedError:
            page = 1
        return Subject(account, page, purpose)

    def refusal(self, fault: Fault) -> Response:
        match fault.kind:
            case FaultKind.RATE_LIMITED:
                text = "(#80004) There have been too many calls to this ad-account. Wait a bit and try again."
                headers = errors.usage(insights=False, percent=100, wait_seconds=fault.retry_after)
                return Response.of(errors.body(80004, text, 2446079, transient=True), 400, headers)
            case FaultKind.ERROR_IN_200:
                return Response.of(errors.body(2, "Service temporarily unavailable", 1504044, transient=True))
            case FaultKind.TOO_MUCH_DATA:
                return errors.refused(100, _TOO_MUCH, 1504018).response
        text = "(#200) Ad account is disabled or access was not granted."
        return errors.refused(200, text, 1487390).response

    def bad_token(self, problem: type[TokenError]) -> RefusedError:
        return errors.refused(190, *_BAD_TOKENS[problem])

    def unknown_account(self, account_id: str) -> RefusedError:
        return errors.no_object(f"act_{account_id}")

    def handle(self, request: Request, fault: Fault | None) -> Response:
        match = _PATH.fullmatch(request.path)
        if match is None or int(match[1]) not in _VERSIONS:
            raise errors.refused(2635, "(#2635) You are calling a deprecated or unknown version of the Ads API.")
        params = {**request.query, **(request.form() if request.body else {})}
        if match[2] == "oauth/access_token":
            return self._exchange(params)
        self._authenticate(request, params)
        if unknown := params.keys() - _PARAMS:
            raise unanswered(f"the parameters {', '.join(sorted(unknown))}")
        node, *edges = match[2].split("/")
        account = self._account(node.removeprefix("act_")) if node.startswith("act_") else None
        here = _cursor(params["after"]) if params.get("after") else Cursor("", 0, 1, self._clock().isoformat())
        at = datetime.fromisoformat(here.at)
        match (request.method, *edges):
            case ("GET",) if account is not None:
                return Response.of(entities.chosen(entities.account(account), self._fields(params)))
            case ("GET", "campaigns" | "adsets" | "ads" as edge) if account is not None:
                listed = entities.listed(self._world, account, edge, params, at)
                limit = self._limit(params)
                rows = [entities.chosen(row, self._fields(params)) for row in listed[here.start : here.start + limit]]
                answer = self._page(request, params, here, rows, len(listed) > here.start + limit, fault)
                return Response.of(answer, headers=errors.usage(insights=False, percent=3))
            case ("GET", "insights") if account is not None:
                wanted = self._small_enough(insights.checked(account, params, self._fields(params), at))
                return self._insights(request, params, here, wanted, fault)
            case ("POST", "insights") if account is not None:
                wanted = insights.checked(account, params, errors.array(params, "fields"), at)
                return Response.of({"report_run_id": self._jobs.submit(wanted).id})
            case ("GET",):
                return self._progress(node, fault)
            case ("GET", "insights"):
                return self._finished(request, params, here, node, fault)
        raise errors.refused(100, "Unsupported request. Unknown path components.", 33)

    def _exchange(self, params: Mapping[str, str]) -> Response:
        app = APPS["facebook"]
        if params.get("grant_type") != "fb_exchange_token":
            raise errors.refused(1, "Missing or unknown grant_type parameter.")
        if (params.get("client_id"), params.get("client_secret")) != (app["app_id"], app["app_secret"]):
            raise errors.refused(1, "Error validating client secret.")
        try:
            grant = self._tokens.exchange("facebook", params.get("fb_exchange_token", ""))
        except TokenError:
            raise errors.refused(190, "Error validating access token.", 460) from None
        return Response.of({"access_token": grant.access_token, "token_type": "bearer", "expires_in": grant.expires_in})

    def _authenticate(self, request: Request, params: Mapping[str, str]) -> None:
        token = params.get("access_token") or request.headers.get("authorization", "").removeprefix("Bearer ")
        if not token:
            raise errors.refused(2500, "An active access token must be used to query information.")
        self._check_token(token)
        expected = hmac.new(APPS["facebook"]["app_secret"].encode(), token.encode(), hashlib.sha256).hexdigest()
        proof = params.get("appsecret_proof")
        if proof is None:
            raise errors.refused(100, "API calls from the server require an appsecret_proof argument")
        if not hmac.compare_digest(proof, expected):
            raise errors.refused(100, "Invalid appsecret_proof provided in the API argument")

    @staticmethod
    def _fields(params: Mapping[str, str]) -> tuple[str, ...]:
        # A comma within braces parts the fields of a field.
        return tuple(field.strip() for field in _COMMA.split(params.get("fields", "")) if field.strip())

    @staticmethod
    def _limit(params: Mapping[str, str]) -> int:
        limit = params.get("limit", _DEFAULT_LIMIT)
        if not limit.isdigit() or int(limit) == 0:
            raise errors.refused(100, "(#100) param limit must be a positive integer.")
        if int(limit) > _LARGEST_LIMIT:
            raise errors.refused(100, _TOO_MUCH, 1504018)
        return int(limit)

    def _small_enough(self, wanted: insights.Insights) -> insights.Insights:
        if self._series.count(wanted.query) > self._limits.meta_rows:
            raise errors.refused(100, "(#100) Invalid parameter", 1487534, said=_TOO_MANY)
        return wanted

    def _insights(
        self, request: Request, params: Mapping[str, str], here: Cursor, wanted: insights.Insights, fault: Fault | None
    ) -> Response:
        rows, more = insights.rows(self._series, wanted, here.start, self._limit(params))
        answer = self._page(request, params, here, rows, more, fault)
        return Response.of(answer, headers=errors.usage(insights=True, percent=5))

    @staticmethod
    def _page(
        request: Request, params: Mapping[str, str], here: Cursor, rows: list[JSON], more: bool, fault: Fault | None
    ) -> JSON:
        """A page of a list, with the address of the next one if `more` rows follow."""
        answer: JSON = {"data": malform(rows, fault)}
        end = replace(here, start=here.start + len(rows), page=here.page + 1)
        following = here.following(end.start if more else None, fault)
        if rows:
            answer["paging"] = {"cursors": {"before": here.text(), "after": (following or end).text()}}
        if rows and following is not None:
            query = urlencode({**params, "after": following.text()})
            answer["paging"]["next"] = f"{request.origin}/{request.host}{request.path}?{query}"
        return answer

    def _progress(self, run: str, fault: Fault | None) -> Response:
        job = self._jobs.poll(run, fault)
        if job is None:
            raise errors.no_object(run)
        too_large = job.state is JobState.DONE and self._series.count(job.report.query) > self._limits.meta_job_rows
        name, percent = _PROGRESS[JobState.FAILED if too_large else job.state]
        return Response.of(
            {
                **(_JOB_ERROR if too_large else {}),
                "id": run,
                "account_id": job.report.query.account.id,
                "async_status": name,
                "async_percent_completion": percent,
                "is_running": job.state in (JobState.RUNNING, JobState.WAITING),
                "date_start": job.report.query.since.isoformat(),
                "date_stop": job.report.query.until.isoformat(),
            }
        )

    def _finished(
        self, request: Request, params: Mapping[str, str], here: Cursor, run: str, fault: Fault | None
    ) -> Response:
        job = self._jobs.get(run)
        if job is None:
            raise errors.no_object(run)
        if job.state is not JobState.DONE or self._series.count(job.report.query) > self._limits.meta_job_rows:
            text = "Error accessing adreport job: Loading Async Job"
            raise errors.refused(2601, text, 1815107, transient=True)
        return self._insights(request, params, here, job.report, fault)
