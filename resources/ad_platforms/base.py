"""What the clients of all platforms do in one way: a session with fresh tokens, pacing, pages by cursor, split ranges.

What does not belong here: what one platform is asked, and how (its folder).
"""

from abc import ABC, abstractmethod
from collections.abc import Callable, Iterator, Mapping
from datetime import timedelta
from typing import Any, ClassVar

from requests import Response

from resources.ad_platforms.access import EARLY, Access, Grant, Tokens
from resources.ad_platforms.records import AccountDays, Page, PlatformError, RemoteJob, Stream
from resources.verdicts import Classify


class TooLargeError(PlatformError):
    """The platform refuses a report, or fails to make it; one of fewer days may succeed.

    certain: the platform says that the size is the reason. Else the same report may succeed the next time.
    """

    def __init__(self, code: str, message: str, *, certain: bool) -> None:
        super().__init__(code, message)
        self.certain = certain


class BaseClient(ABC):
    """A client of one connection. A platform says what it asks for, and gets answers that its `classify` calls OK."""

    title: ClassVar[str]
    classify: ClassVar[Classify]
    early: ClassVar[timedelta] = EARLY

    def __init__(self, access: Access) -> None:
        self._access = access
        self._tokens = Tokens(access, self._refreshed, early=self.early)
        self._session = access.session(self.title, self._headers, self._tokens.refresh)

    @property
    def requests(self) -> int:
        """How many requests were sent so far, retries, tokens and files included."""
        return self._session.sent

    def pages(self, stream: Stream, days: AccountDays | None = None, remote: RemoteJob | None = None) -> Iterator[Page]:
        """The stream's pages, in order. A report that is too large comes in parts."""
        for page in self._stream(stream, days, remote or RemoteJob()):
            page.context = {**page.context, "account": self._access.account_id}
            yield page

    def _stream(self, stream: Stream, days: AccountDays | None, remote: RemoteJob) -> Iterator[Page]:
        if stream is Stream.ACCOUNT:
            return self._account()
        if days is None:
            return self._list(stream)
        if stream.is_daily:
            return _in_parts(days, remote, lambda part: self._report(stream, part, remote))
        return self._clicks(days)

    def close(self) -> None:
        """Close idle connections."""
        self._session.close()

    @abstractmethod
    def _headers(self) -> Mapping[str, str]:
        """The secret headers of a request."""

    @abstractmethod
    def _refreshed(self, refresh_token: str) -> Grant:
        """A new token."""

    @abstractmethod
    def _account(self) -> Iterator[Page]:
        """The account itself."""

    @abstractmethod
    def _list(self, stream: Stream) -> Iterator[Page]:
        """The entities of a stream, the deleted ones too where the platform lists them."""

    @abstractmethod
    def _report(self, stream: Stream, days: AccountDays, remote: RemoteJob) -> Iterator[Page]:
        """The facts and conversions of days; a TooLargeError where they are too many for one report."""

    def _clicks(self, days: AccountDays) -> Iterator[Page]:
        raise PlatformError("no_clicks", f"{self.title} gives no clicks of {days.since}")

    def _ask(self, method: str, url: str, *, params: Mapping[str, str] | None = None, **content: Any) -> Response:
        """One request of the connection, with a token that is fresh."""
        self._tokens.keep_fresh()
        return self._session.request(
            method,
            self._access.url(url),
            params=params,
            idempotent=True,
            classify=type(self).classify,
            pacing_key=self._access.account_id,
            **content,
        )


def by_cursor(ask: Callable[[str], tuple[Page, str]], first: str = "") -> Iterator[Page]:
    """Pages until one has no cursor of a next one. `ask` gives the page of a cursor and the next cursor, or ''."""
    cursor, seen = first, {first}
    while True:
        page, cursor = ask(cursor)
        yield page
        if not cursor:
            return
        if cursor in seen:
            raise PlatformError("repeated_cursor", "the platform gave the same cursor twice", again=True)
        seen.add(cursor)


def _in_parts(days: AccountDays, remote: RemoteJob, ask: Callable[[AccountDays], Iterator[Page]]) -> Iterator[Page]:
    """The pages of all days: in ranges that were small enough before, and in halves of one that is refused.

    A range that failed without a reason is asked for once more, because a shorter one is remembered for good. Pages of
    a range that was refused later come again with its halves; rows with the same key count once.
    """
    length, tried_again = min(remote.days or days.length, days.length), False
    waiting = list(days.cut(length))[::-1]
    while waiting:
        part = waiting.pop()
        try:
            yield from ask(part)
        except TooLargeError as error:
            remote.id = None
            if not error.certain and not tried_again:
                tried_again = True
                waiting.append(part)
                continue
            if part.length == 1:
                raise
            length = (part.length + 1) // 2
            waiting += list(part.cut(length))[::-1]
        else:
            if part.length == length < (remote.days or days.length):
                remote.narrowed(length)
