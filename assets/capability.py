"""What a room brings to the graph of an app, and the parts that this is made of.

Each room has a module `capability.py` with one function, `bring(app, site)`. What belongs here: the vocabulary of these
modules (jobs, ticks, watches, requests). What does not: findings (finding.py), the work of a room, and how this becomes
Dagster's definitions (automation.py).
"""

from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, replace
from datetime import date, datetime, timedelta
from enum import Enum
from typing import Any

from dagster import AssetKey, AssetSelection, Config, MaterializeResult

from assets.apps import App
from assets.finding import HealthCheck
from assets.partitions import Calendar
from assets.rooms import Rooms
from assets.thresholds import DEFAULTS, Thresholds
from assets.windows import DAY, Window, daily_key, runs_of

# An asset of the app at hand: its capability and its name.
Object = tuple[str, str]
# Windows of the past that one tick asks for: seven days of hours.
MADE_UP = 168


@dataclass(frozen=True)
class Site:
    """Where the graph is built: what every room may need to know of it. Stores open when an asset or watch asks.

    late_horizon: how far back late data reopens windows by itself. cache_writes: keys of a cache family that one run
    may write. kept_backups: of how many days, weeks and months the newest verified backup is kept. erasure_wait: how
    long a request to be erased waits, in which it can be cancelled. sealed_apps: whose
    personal columns are sealed. plain_hashes: whether an address is found by a plain SHA-256. thresholds: from
    which value on something is a finding. late_pause: how long a window that was built waits until late data builds it
    again.
    """

    rooms: Rooms
    calendar: Calendar
    late_horizon: timedelta
    cache_writes: int
    kept_backups: tuple[int, int, int]
    sealed_apps: frozenset[str] = frozenset()
    plain_hashes: bool = False
    erasure_wait: timedelta = timedelta(days=3)
    thresholds: Thresholds = DEFAULTS
    late_pause: timedelta = timedelta(hours=1)


@dataclass(frozen=True)
class Job:
    """Assets that are made together. Its full name starts with the app's.

    longest: a run that takes longer is ended, because it hangs. alone: its runs work under one lock from begin to end,
    so that a second one waits in the queue, and not in a process. urgent: its runs start before all others, and have a
    place that no other job takes.
    """

    name: str
    selection: AssetSelection
    description: str
    longest: timedelta
    retried: bool = True
    alone: bool = False
    urgent: bool = False


@dataclass(frozen=True)
class Request:
    """One run that a tick or a watch asks for.

    key: what the run would do; it is told apart by this from other requests of its tick or watch. state: what made it
    due, such as the newest batch. It is asked for again after a failure, or when a run succeeded and it is still due,
    at the pace of pace.py; with `once`, a success settles the state. since: when it became due; runs that began later,
    no matter who asked for them, and made all of `assets` settle it too. partitions: first and last partition key.
    config: the configuration of assets. assets: only these of the job. job: which job, where a watch has several.
    parts: asked for instead when the last run for this request failed, so that one part that fails does not hold back
    the others; by a watch until the request is due again.
    """

    key: str = ""
    partitions: tuple[str, str] | None = None
    config: Mapping[Object, Config] | None = None
    assets: Sequence[Object] | None = None
    job: str | None = None
    state: str = ""
    once: bool = False
    since: datetime | None = None
    parts: "Sequence[Request]" = ()


class AfterGap(Enum):
    """What a tick does about its moments that nobody evaluated, because the daemon or the code location was away.

    Dagster evaluates only the newest of them.
    """

    CATCHES_UP = "asks for every window that is missing"
    LATEST = "asks once, for its newest moment"
    SKIPS = "waits for its next moment"


@dataclass(frozen=True)
class Tick:
    """A job by the clock (UTC): `asks` gives the requests of the moment that the cron line names.

    The `asks` of a tick that catches up gives every window that its ledger lacks, not only the newest.
    """

    name: str
    cron: str
    job: str
    description: str
    after_gap: AfterGap
    asks: Callable[[datetime], Iterable[Request]] = lambda _: (Request(),)


@dataclass(frozen=True)
class Watch:
    """Jobs because something happened: `asks` looks at the stores and gives requests, or a text that says why not.

    It is asked every `seconds`, keeps no state, and has to answer within 60 s (Dagster's limit). `asks` is handed what
    writes a warning to the log. Work of a second or two needs no run: `asks` does it and gives the asset's result.
    """

    name: str
    jobs: tuple[str, ...]
    description: str
    asks: Callable[[Callable[[str], None]], Iterator[Request | str | MaterializeResult[None]]]
    seconds: int = 60


@dataclass(frozen=True)
class Capability:
    """What a room brings for one app; empty where the app has no need of it. health: looks for what is wrong."""

    assets: Sequence[Any] = ()
    jobs: Sequence[Job] = ()
    ticks: Sequence[Tick] = ()
    watches: Sequence[Watch] = ()
    health: Sequence[HealthCheck] = ()


def days_again(windows: Iterable[Window], state: str) -> Iterator[Request]:
    """A request for each range of days that changed. state: the last commit that may have changed them."""
    for window in windows:
        first, last = daily_key(window.start.date()), daily_key((window.end - DAY).date())
        yield Request(f"{first}-{last}", (first, last), state=state)


def made_up(
    missing: Sequence[Window], usual: datetime, key: Callable[[datetime], str], assets: Sequence[Object] | None = None
) -> Iterator[Request]:
    """Requests for missing windows (in order): one for those from `usual` on, and one for each gap before.

    key: the partition key of a window's start. assets: what of the job is made of the windows before `usual`. A gap
    whose run fails is asked for again day by day.
    """

    def request(windows: Sequence[Window], only: Sequence[Object] | None) -> Request:
        first, last = key(windows[0].start), key(windows[-1].start)
        return Request(first if first == last else f"{first}-{last}", (first, last), assets=only)

    for windows in runs_of([window for window in missing if window.start >= usual]):
        yield request(windows, None)
    past = [window for window in missing if window.start < usual][-MADE_UP:]
    for windows in reversed(runs_of(past)):
        days: dict[date, list[Window]] = {}
        for window in windows:
            days.setdefault(window.start.date(), []).append(window)
        whole = request(windows, assets)
        parts = [request(day, assets) for day in days.values()] if len(days) > 1 else []
        yield replace(whole, parts=parts)


def one_day(day: date) -> Request:
    """A request for one daily partition, or for the week or month that begins with it."""
    return Request(partitions=(daily_key(day), daily_key(day)))


def op_name(key: Sequence[str]) -> str:
    """The name of the op that makes an asset, by which a run's configuration names it."""
    return AssetKey(list(key)).to_python_identifier()


def assets_of(app: App, *objects: Object) -> AssetSelection:
    """Assets of an app as a selection."""
    return AssetSelection.assets(*([app.name, *name] for name in objects))


def job_name(app: App, name: str) -> str:
    """The full name of an app's job."""
    return f"{app.name}_{name}"
