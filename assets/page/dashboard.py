"""The page of one organisation: what KV serves to its dashboard, and nothing else. Pure.

What does not belong here: asking KV (served.py). The page is served and never stored, because paths of pages and
names of campaigns are texts of others.
"""

from collections.abc import Iterator, Sequence
from datetime import UTC, datetime, timedelta

from assets.page import figures
from assets.page.blocks import (
    Block,
    Cell,
    Chart,
    Column,
    Figure,
    Figures,
    Line,
    Link,
    Note,
    Page,
    Section,
    Standing,
    Table,
)
from assets.page.values import (
    Account,
    Attribution,
    Credit,
    Ranked,
    Series,
    Served,
    Summary,
    Sums,
    Top,
    Unmatched,
)
from assets.windows import DAY, HOUR

MODEL = "last"
MOST = 15
COUNTS = ("daily_sessions", "daily_visitors")


def made(served: Served, links: Sequence[tuple[str, Sequence[Link]]] = ()) -> Page:
    """The page. links: ways to other pages."""
    sections = [
        _section("summary", "Summary", _summed(served), served, _summary(served)),
        _section("series", "Over time", "", served, _series(served)),
        _ranked(served, "top_pages", "Pages", ("page",), "views"),
        _ranked(served, "top_sources", "Sources", ("source", "medium"), "events"),
        _ranked(served, "top_campaigns", "Campaigns by their tags", ("campaign", "source", "medium"), "events"),
        _section("attribution", "Attribution", "Amounts of two currencies are never added.", served, _credits(served)),
        _section(
            "unmatched_campaigns", "Tags that name no campaign", "Values of utm_campaign.", served, _unmatched(served)
        ),
        _section("connections", "Ad accounts", "", served, _accounts(served)),
    ]
    standing = Standing.UNKNOWN if not served.values else Standing.PLAIN
    said = "Everything here is what Workers KV answered."
    return Page(f"{served.app} {served.org_tag}: {served.range}", said, served.now, sections, standing, links)


def _section(name: str, title: str, says: str, served: Served, blocks: Sequence[Block]) -> Section:
    if name in served.faults:
        note = Note(f"No data: {served.faults[name]}. Next: clearlift cache status", Standing.UNKNOWN)
        return Section(name, title, says, [note], Standing.UNKNOWN)
    return Section(name, title, says, blocks)


def _summed(served: Served) -> str:
    found = served.value("summary", Summary)
    return f"{found.since} to {found.to}, whole UTC days." if found else ""


def _summary(served: Served) -> Sequence[Block]:
    found = served.value("summary", Summary)
    if found is None:
        return []
    almost = "" if found.exact else ", ± 1.1 %"
    words = {
        "events": "",
        "page_views": "",
        "visitors": f"distinct{almost}",
        "sessions": f"distinct{almost}",
        "event_value_sum": "of all events, in any currency",
    }
    shown = [
        Figure(
            name.replace("_", " "),
            figures.count(getattr(found, name)),
            ", ".join(filter(None, (word, _change(found, found.previous, name)))),
        )
        for name, word in words.items()
    ]
    return [Figures(shown)]


def _change(now: Sums, before: Sums | None, name: str) -> str:
    """Against the period before."""
    if before is None:
        return "no data of the period before"
    was = getattr(before, name)
    return f"{(getattr(now, name) - was) / was * 100:+.1f} %" if was else "none in the period before"


def _series(served: Served) -> Sequence[Block]:
    found = served.value("series", Series)
    if found is None:
        return []
    hourly = served.range == "1d"
    step = HOUR if hourly else DAY
    start, end = _moment(found.since), min(_moment(found.to) + DAY, served.now)
    moments = list(_steps(start, end, step))
    points = {_moment(point.at): point for point in found.items}
    lines = [
        Line(name, [float(getattr(points[at], name)) if at in points else 0.0 for at in moments])
        for name in ("events", "visitors", "sessions")
    ]
    unit = f"a {'hour' if hourly else 'day'}; visitors and sessions are distinct in it"
    return [Chart("Events, visitors, sessions", unit, moments, lines, step="hour" if hourly else "day")]


def _steps(start: datetime, end: datetime, step: timedelta) -> Iterator[datetime]:
    while start < end:
        yield start
        start += step


def _moment(text: str) -> datetime:
    """A day, or a moment, of a value; without a zone it is UTC."""
    at = datetime.fromisoformat(text)
    return at.astimezone(UTC) if at.tzinfo else at.replace(tzinfo=UTC)


def _ranked(served: Served, name: str, title: str, names: Sequence[str], count: str) -> Section:
    says = "Daily sessions and visitors are distinct within a day and summed over the days."
    found = served.value(name, Top)
    columns = [Column(text) for text in names] + [
        Column(text.replace("_", " "), number=True) for text in (count, *COUNTS)
    ]
    items = found.items if found else []
    rows = [[*_named(one, names), *_counts(one, count)] for one in items[:MOST]]
    if found is not None and len(items) > MOST:
        rows.append(["and the others listed", *[""] * (len(names) - 1), *_sums(items[MOST:], count)])
    if found is not None and (number := found.rest.pages or found.rest.sources or found.rest.campaigns):
        rows.append([f"and {number:,} more", *[""] * (len(names) - 1), *_counts(found.rest, count)])
    table = Table(f"{title}, the most {count} first", columns, rows, empty="nothing in this range")
    return _section(name, title, says, served, [table])


def _named(one: Ranked, names: Sequence[str]) -> list[str]:
    return [one.hostname + one.path if name == "page" else getattr(one, name) for name in names]


def _counts(one: Ranked, count: str) -> list[str]:
    return [figures.count(getattr(one, name)) for name in (count, *COUNTS)]


def _sums(items: Sequence[Ranked], count: str) -> list[str]:
    return [figures.count(sum(getattr(one, name) for one in items)) for name in (count, *COUNTS)]


def _credits(served: Served) -> Sequence[Block]:
    found = served.value("attribution", Attribution)
    if found is None:
        return []
    if found.since is None:
        return [Note("No data: no day with events is credited yet.", Standing.UNKNOWN)]
    amounts = [Column(name, number=True) for name in ("visits", "conversions", "revenue", "spend", "CPA", "ROAS")]
    models = [[one.model, *_amounts(one)] for one in found.totals]
    best = sorted((one for one in found.items if one.model == MODEL), key=lambda one: (one.by_revenue, one.campaign_id))
    campaigns = [[one.platform, one.campaign or one.campaign_id, *_amounts(one)] for one in best[:MOST]]
    reasons = [[one.reason, *_amounts(one)[:3]] for one in found.reasons if one.model == MODEL]
    unrated = any(one.rate_missing for one in found.totals)
    apart = " ROAS is not known where revenue has no exchange rate." if unrated else ""
    return [
        Note(f"{found.since} to {found.to}, days of the ad accounts.{apart}"),
        Table("One row a model and currency", [Column("model"), *amounts], models),
        Table(
            f"Campaigns by the model `{MODEL}`, the most revenue first",
            [Column("platform"), Column("campaign"), *amounts],
            campaigns,
            empty="nothing was credited or spent",
            left_out=len(best) - len(campaigns),
        ),
        Table(
            f"Without a campaign, by the model `{MODEL}`", [Column("reason"), *amounts[:3]], reasons, empty="nothing"
        ),
    ]


def _amounts(one: Credit) -> list[str]:
    return [
        figures.count(one.visits),
        figures.count(one.conversions),
        figures.money(one.revenue, one.currency),
        figures.money(one.spend, one.currency),
        figures.money(one.cpa, one.currency),
        figures.ratio(one.roas),
    ]


def _unmatched(served: Served) -> Sequence[Block]:
    found = served.value("unmatched_campaigns", Unmatched)
    items = found.items if found else []
    rows = [[one.utm_campaign, one.reason, figures.count(one.touches), one.last_day] for one in items[:MOST]]
    columns = [Column("utm_campaign"), Column("reason"), Column("touches", number=True), Column("last day")]
    return [
        Table(
            "The most touches first", columns, rows, empty="every tag names a campaign", left_out=len(items) - len(rows)
        )
    ]


def _accounts(served: Served) -> Sequence[Block]:
    items = served.value("connections", list) or []
    rows = [_account(one) for one in items if isinstance(one, Account)]
    columns = [Column("platform"), Column("account"), Column("state"), Column("synced last")]
    return [Table("One row an ad account", columns, rows, empty="none is connected")]


def _account(one: Account) -> list[str | Cell]:
    state = one.sync_status or "never synced"
    standing = {"success": Standing.GOOD, "error": Standing.CRITICAL}.get(state, Standing.UNKNOWN)
    shown = Cell(state, standing) if one.is_active else "not active"
    return [
        one.platform,
        one.account_id,
        shown,
        figures.moment(_moment(one.last_synced_at) if one.last_synced_at else None),
    ]
