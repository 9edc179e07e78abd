"""The HTTP session of all services: time-outs, bounded retries, pacing, redacted logs and errors.

What does not belong here: any one service; what an answer means (verdicts.py).
"""

import itertools
import logging
import random
import threading
import time
import uuid
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from functools import partial
from typing import Any, BinaryIO
from urllib.parse import urlsplit

import requests
from requests.adapters import HTTPAdapter
from urllib3.exceptions import ConnectTimeoutError, NewConnectionError

from resources.declined import DeclinedError
from resources.pacing import Pacing
from resources.rate_limits import announced_pause
from resources.redaction import Secrets, named_secrets, route_of
from resources.unreachable import where_to_look
from resources.verdicts import Answer, Classify, Verdict, by_status

log = logging.getLogger(__name__)

CHUNK_BYTES = 1 << 20
TRANSIENT = (
    requests.ConnectionError,
    requests.Timeout,
    requests.exceptions.ChunkedEncodingError,
    requests.exceptions.ContentDecodingError,
)


class HttpError(Exception):
    """A request failed and will not be repeated.

    `status` is None if no answer came. `code` and `message` are the service's own. `retry_after` is in seconds, where
    the service named a wait.
    """

    def __init__(
        self,
        route: str,
        status: int | None,
        code: str | None,
        message: str,
        *,
        retry_after: float | None = None,
        request_id: str = "",
    ) -> None:
        self.route = route
        self.status = status
        self.code = code
        self.message = message
        self.retry_after = retry_after
        self.request_id = request_id
        answer = "no answer" if status is None else f"HTTP {status}"
        service_code = f" (code {code})" if code else ""
        # Not of the next base, because that of NoAnswerError takes other arguments.
        Exception.__init__(self, f"{route}: {answer}{service_code}: {message} [request {request_id}]")

    def __reduce__(self) -> tuple[Any, ...]:
        state = {"retry_after": self.retry_after, "request_id": self.request_id}
        return _rebuilt, ((self.route, self.status, self.code, self.message), state)


class NoAnswerError(HttpError, DeclinedError):
    """No answer came: the service cannot be reached, or is too slow. The next step names its host, and the variable
    that says where it is.
    """

    retryable = True

    def __init__(self, route: str, code: str | None, message: str, next_step: str, **options: Any) -> None:
        HttpError.__init__(self, route, None, code, message, **options)
        self.reason, self.next_step = str(self.args[0]), next_step

    def __reduce__(self) -> tuple[Any, ...]:
        again = partial(NoAnswerError, retry_after=self.retry_after, request_id=self.request_id)
        return again, (self.route, self.code, self.message, self.next_step)


def _rebuilt(values: tuple[str, int | None, str | None, str], state: dict[str, Any]) -> HttpError:
    return HttpError(*values, **state)


@dataclass(frozen=True, slots=True)
class Patience:
    """How long a request may take.

    Seconds: to connect, between two bytes (`read`), of all waits before retries (`waiting`), before the first retry,
    and before any later one at most.
    """

    connect: float = 10.0
    read: float = 60.0
    waiting: float = 600.0
    tries: int = 6
    first_wait: float = 0.5
    longest_wait: float = 60.0

    def back_off(self, attempt: int) -> float:
        """Seconds to wait after this try, counted from 1: twice as long each time."""
        return min(self.longest_wait, self.first_wait * 2.0 ** (attempt - 1))


@dataclass(slots=True)
class _Request:
    method: str
    url: str
    route: str
    idempotent: bool
    classify: Classify
    authorize: bool
    arguments: dict[str, Any] = field(repr=False)
    id: str = ""
    auth_version: int = 0


def connections() -> HTTPAdapter:
    """Connections that are kept open between requests. They carry no credentials: each request has its own."""
    return HTTPAdapter(pool_connections=8, pool_maxsize=16)


class Session:
    """Requests to one service; safe to share among threads. `setting`: the variable that says where it is, if one does.

    `auth` gives the secret headers of each try, so that it follows a refresh. `refresh` renews them after a REFRESH
    verdict, once a request. `pacing` delays requests by their `pacing_key`. `transport`: connections that sessions of
    several credentials share; it is its maker's to close.
    """

    def __init__(
        self,
        name: str,
        *,
        setting: str | None = None,
        auth: Callable[[], Mapping[str, str]] | None = None,
        refresh: Callable[[], None] | None = None,
        pacing: Pacing | None = None,
        patience: Patience | None = None,
        transport: HTTPAdapter | None = None,
        clock: Callable[[], float] = time.monotonic,
        sleep: Callable[[float], None] = time.sleep,
        jitter: Callable[[], float] = random.random,
    ) -> None:
        self.name = name
        self._setting = setting
        self._auth = auth
        self._refresh = refresh
        self._pacing = pacing
        self._patience = patience or Patience()
        self._clock = clock
        self._sleep = sleep
        self._jitter = jitter
        self._lock = threading.Lock()
        self._auth_version = 0
        self._counter = itertools.count(1)
        self.sent = 0
        self._http = requests.Session()
        self._shares = transport is not None
        for scheme in ("https://", "http://"):
            self._http.mount(scheme, transport or connections())

    def __repr__(self) -> str:
        return f"Session({self.name!r})"

    def request(
        self,
        method: str,
        url: str,
        *,
        params: Mapping[str, Any] | None = None,
        json: Any = None,
        data: bytes | Mapping[str, str] | None = None,
        headers: Mapping[str, str] | None = None,
        idempotent: bool | None = None,
        classify: Classify = by_status,
        pacing_key: str = "",
        route: str | None = None,
        authorize: bool = True,
        stream: bool = False,
    ) -> requests.Response:
        """The answer that `classify` calls OK, or an `HttpError`.

        `idempotent` allows a retry when it is unknown whether the request was done (None: true for GET, HEAD, PUT and
        DELETE, as HTTP says). `route` replaces host and path in logs and errors, for a path with personal data.
        `stream` leaves the body unread: close the response. Redirects are followed only with `authorize=False`, so
        that no secret is sent to another host.
        """
        if idempotent is None:
            idempotent = method.upper() in {"GET", "HEAD", "OPTIONS", "PUT", "DELETE"}
        arguments = {"params": params, "json": json, "data": data, "headers": dict(headers or {}), "stream": stream}
        request = _Request(method, url, route or route_of(url), idempotent, classify, authorize, arguments)
        return self._until_settled(request, pacing_key, consume=None)

    def download(self, url: str, destination: BinaryIO, *, authorize: bool = False, route: str | None = None) -> int:
        """Stream a body to a seekable `destination`; its bytes. A body that is cut short is fetched again."""
        begin = destination.tell()
        written = 0

        def consume(response: requests.Response) -> None:
            nonlocal written
            destination.seek(begin)
            destination.truncate()
            written = 0
            for chunk in response.iter_content(CHUNK_BYTES):
                written += destination.write(chunk)

        request = _Request(
            "GET", url, route or route_of(url), True, by_status, authorize, {"headers": {}, "stream": True}
        )
        self._until_settled(request, "", consume)
        return written

    def pause(self, seconds: float) -> None:
        """Wait between two polls, with the session's own sleep."""
        self._sleep(seconds)

    def close(self) -> None:
        """Close idle connections, unless they are shared; the next request opens new ones."""
        if not self._shares:
            self._http.close()

    def _until_settled(
        self, request: _Request, pacing_key: str, consume: Callable[[requests.Response], None] | None
    ) -> requests.Response:
        waited = 0.0
        refreshed = False
        attempt = 0
        while True:
            attempt += 1
            if self._pacing is not None:
                self._pacing.take(pacing_key)
            response, verdict = self._try(request, attempt, consume)
            self._heed(pacing_key, response, verdict)
            if response is not None and verdict.answer is Answer.OK:
                return response
            error = self._error(request, response, verdict)
            if response is not None:
                response.close()
            if verdict.answer is Answer.REFRESH and self._refresh is not None and not refreshed:
                refreshed = True
                self._make_fresh(request.auth_version)
                continue
            wait = self._wait(attempt, verdict.after)
            out_of_patience = attempt >= self._patience.tries or waited + wait > self._patience.waiting
            may_retry = verdict.answer is Answer.RETRY and (request.idempotent or verdict.rejected)
            if not may_retry or out_of_patience:
                raise error
            self._sleep(wait)
            waited += wait

    def _try(
        self, request: _Request, attempt: int, consume: Callable[[requests.Response], None] | None
    ) -> tuple[requests.Response | None, Verdict]:
        request.id = uuid.uuid4().hex
        self.sent = next(self._counter)
        began = self._clock()
        status: int | str = "failed"
        try:
            response = self._send(request)
            verdict = request.classify(response)
            if consume is not None and verdict.answer is Answer.OK:
                with response:
                    consume(response)
            status = response.status_code
        except TRANSIENT as error:
            # Not chained and without its text, because that holds the URL with the query string.
            return None, Verdict(Answer.RETRY, rejected=_never_sent(error), message=type(_cause(error)).__name__)
        except requests.RequestException as error:
            return None, Verdict(Answer.FATAL, message=type(error).__name__)
        finally:
            elapsed = (self._clock() - began) * 1000
            log.info(
                "%s %s %s in %.0f ms, try %d, request %s",
                request.method,
                request.route,
                status,
                elapsed,
                attempt,
                request.id,
            )
        return response, verdict

    def _send(self, request: _Request) -> requests.Response:
        arguments = dict(request.arguments)
        secret = {}
        if request.authorize and self._auth is not None:
            request.auth_version = self._auth_version
            secret = dict(self._auth())
        arguments["headers"] = {**arguments["headers"], "X-Request-Id": request.id}

        def sign(prepared: requests.PreparedRequest) -> requests.PreparedRequest:
            # An auth object, because an entry for the host in .netrc would replace plain headers.
            prepared.headers.update(secret)
            return prepared

        return self._http.request(
            request.method,
            request.url,
            auth=sign,
            timeout=(self._patience.connect, self._patience.read),
            allow_redirects=not request.authorize,
            **arguments,
        )

    def _make_fresh(self, seen_version: int) -> None:
        """Refresh once for all threads that used the same expired token."""
        with self._lock:
            if seen_version == self._auth_version and self._refresh is not None:
                self._refresh()
                self._auth_version += 1

    def _heed(self, pacing_key: str, response: requests.Response | None, verdict: Verdict) -> None:
        """Delay the other requests of the key too, because the service asked one of them to wait."""
        if self._pacing is None or response is None:
            return
        pause = announced_pause(response.headers)
        if verdict.rejected and verdict.after is not None:
            pause = max(pause, verdict.after)
        if pause > 0:
            self._pacing.bucket(pacing_key).close_for(min(pause, self._patience.waiting))

    def _wait(self, attempt: int, after: float | None) -> float:
        if after is None:
            return self._patience.back_off(attempt) * (0.5 + self._jitter() / 2)
        return after + self._patience.first_wait * self._jitter()

    def _error(self, request: _Request, response: requests.Response | None, verdict: Verdict) -> HttpError:
        headers = self._auth() if self._auth is not None else {}
        sent = request.arguments
        forms = (sent.get(part) for part in ("params", "json", "data"))
        named = (value for form in forms if isinstance(form, Mapping) for value in named_secrets(form))
        # Of `Bearer TOKEN` the token alone, because the first word is in many an innocent text.
        secrets = Secrets([*(value.split()[-1] for value in headers.values() if value.strip()), *named])
        route = f"{request.method} {request.route}"
        code = verdict.code and secrets.redact(verdict.code)
        message = secrets.redact(verdict.message) or "no reason was given"
        if response is None:
            next_step = where_to_look(urlsplit(request.url).hostname or "its host", self._setting)
            return NoAnswerError(route, code, message, next_step, retry_after=verdict.after, request_id=request.id)
        status = response.status_code
        return HttpError(route, status, code, message, retry_after=verdict.after, request_id=request.id)


def _cause(error: Exception) -> Exception:
    inner = error.args[0] if error.args else None
    reason = getattr(inner, "reason", inner)
    return reason if isinstance(reason, Exception) else error


def _never_sent(error: Exception) -> bool:
    return isinstance(_cause(error), NewConnectionError | ConnectTimeoutError)
