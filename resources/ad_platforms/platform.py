"""What a platform declares of itself, and the protocol of its clients.

What belongs here: the form of the declaration, and what follows from it alone. What does not: any platform's own words
(its folder).
"""

from collections.abc import Callable, Collection, Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from decimal import Decimal
from typing import BinaryIO, Protocol, TypeAlias

from resources.ad_platforms.access import Access
from resources.ad_platforms.records import (
    AccountDays,
    Conversion,
    Notes,
    Page,
    PlatformError,
    Record,
    RemoteJob,
    Status,
    Stream,
)
from resources.http import HttpError
from resources.pacing import Rate

# Our own errors that every stream of the account would meet, and those of OAuth 2.0.
ACCOUNT_ERRORS = frozenset(
    {"account_not_found", "app_not_configured", "manager_account", "no_credentials", "no_token", "no_window"}
    # Where one answer is another account's, an empty one may be too, and would be taken for days of zero.
    | {"other_account"}
    | {"token_expired", "invalid_client", "invalid_grant", "unauthorized_client"}
)


class Client(Protocol):
    """A client of one connection. Failures are HttpError, PlatformError or MalformedPageError.

    requests: how many were sent so far, retries, tokens and files included.
    """

    @property
    def requests(self) -> int: ...

    def pages(self, stream: Stream, days: AccountDays | None = None, remote: RemoteJob | None = None) -> Iterator[Page]:
        """The pages of a stream. Daily streams need `days`, at most `longest_days` of them; clicks a single one."""

    def close(self) -> None:
        """Close idle connections."""


ReadPage: TypeAlias = Callable[[Stream, BinaryIO, Mapping[str, str], Notes], Iterator[Record]]


@dataclass(frozen=True)
class Counting:
    """Which actions are 'the' conversions of an entity's day.

    alternatives: of each inner tuple the first action that is there counts, because a platform gives one event under
    several names; empty: all actions. windows: empty for all. says: the rule for people, one sentence.
    """

    alternatives: tuple[tuple[str, ...], ...] = ()
    windows: tuple[str, ...] = ()
    says: str = ""

    def of(self, conversions: Iterable[Conversion]) -> tuple[Decimal, Decimal]:
        """Count and value of one entity's day."""
        by_action: dict[str, list[Conversion]] = {}
        for conversion in conversions:
            for name in {conversion.action, conversion.label or conversion.action}:
                by_action.setdefault(name, []).append(conversion)
        if self.alternatives:
            found = [next((by_action[name] for name in names if name in by_action), []) for names in self.alternatives]
            counted = {id(one): one for group in found for one in group}
        else:
            counted = {id(one): one for group in by_action.values() for one in group}
        within = [one for one in counted.values() if not self.windows or one.window in self.windows]
        return sum((one.count for one in within), Decimal(0)), sum((one.value for one in within), Decimal(0))


Windows: TypeAlias = Mapping[str, Mapping[int, str]]
"""Of each setting of an attribution window, the days that it may be and the platform's word for them ('' for none); the
first ones are the default."""


def attribution(title: str, windows: Windows, options: Mapping[str, str]) -> str:
    """The windows of conversions by a connection's settings, such as `7d_click+1d_view`.

    Raises:
        PlatformError: the platform has no such window; the text names those that it has.
    """
    for name in options:
        if name.endswith("_window") and name not in windows:
            raise PlatformError("no_window", f"{title} has no {name}: remove it from sync_config")
    words = []
    for name, by_days in windows.items():
        days = str(options.get(name, next(iter(by_days))))
        found = {str(known): word for known, word in by_days.items()}
        if days not in found:
            offered = "; ".join(f"{one} {', '.join(map(str, sorted(known)))}" for one, known in windows.items())
            raise PlatformError("no_window", f"{title} returns no {name} of {days} days; there are: {offered}")
        words.append(found[days])
    return "+".join(word for word in words if word) or "platform_default"


@dataclass(frozen=True)
class Platform:
    """One platform. `read` makes records of a page, new or stored, without a request.

    account_rate, app_rate: of requests, below the platform's limits. credentials: what belongs to a registered
    application as a whole; the rest may be each connection's own. statuses, account_statuses: the platform's words that
    we know. account_codes: the codes of its errors that concern the whole account; one with a subcode counts as its
    code too. windows: the attribution windows that can be set. names: the alternatives of an action that a connection
    names.
    """

    name: str
    title: str
    open: Callable[[Access], Client]
    read: ReadPage
    streams: Collection[Stream]
    longest_days: int
    account_rate: Rate
    app_rate: Rate
    credentials: tuple[str, ...]
    statuses: Mapping[str, Status]
    account_statuses: Mapping[str, Status]
    account_codes: frozenset[str]
    counting: Counting
    windows: Windows = field(default_factory=dict)
    names: Callable[[str], tuple[str, ...]] = field(default=lambda action: (action,))

    def counts(self, actions: Sequence[str]) -> Counting:
        """The counting of a connection that names its actions; the platform's own where it names none."""
        return Counting(tuple(self.names(action) for action in actions)) if actions else self.counting

    def attribution(self, options: Mapping[str, str]) -> str:
        """The windows of conversions by a connection's settings; see `attribution`."""
        return attribution(self.title, self.windows, options)

    def concerns_account(self, error: BaseException) -> bool:
        """Whether an error ends the whole connection. Any other ends the stream that met it."""
        if not isinstance(error, PlatformError | HttpError):
            return False
        codes = {error.code or "", (error.code or "").partition("/")[0]}
        is_unauthorized = isinstance(error, HttpError) and error.status == 401
        return is_unauthorized or bool(codes & (ACCOUNT_ERRORS | self.account_codes))
