"""The rows of a query, from any place on, and how a row is written in JSON.

What does not belong here: envelopes, pages and tokens (`api`).
"""

from collections.abc import Iterator
from dataclasses import dataclass, replace
from datetime import datetime, timedelta
from functools import lru_cache
from itertools import islice

from sandbox.exchange import JSON
from sandbox.google.fields import FIELDS, Field, Form, Subject, Value
from sandbox.google.gaql import ParsedQuery
from sandbox.google.query import Days, holds
from sandbox.world.entities import Account, Campaign, Level
from sandbox.world.facts import NOTHING, Fact
from sandbox.world.series import Query, Series, identity, totals
from sandbox.world.world import World, exists, moment

_LEVELS: dict[str, Level] = {
    "customer": "account",
    "campaign": "campaign",
    "ad_group": "ad_group",
    "keyword_view": "keyword",
}


@dataclass(frozen=True, slots=True)
class Results:
    """The rows of one query over one account, as known at a moment. They are numbered before the filter, so that a
    page token can name the place to go on from."""

    world: World
    series: Series
    account: Account
    query: ParsedQuery
    days: Days | None
    at: datetime

    def page(self, start: int, size: int | None) -> tuple[list[JSON], int | None]:
        """Up to `size` rows from number `start` on, and the number to go on from (None: these were the last)."""
        if self.query.order:
            return self._ordered(start, size)
        # One more place than the limit would do is looked at, to know whether a row follows.
        rows: list[JSON] = []
        left = self._left(start)
        for number, subject in enumerate(self._subjects(start), start):
            if not self._kept(subject):
                continue
            if left is not None and len(rows) == left:
                return rows, None
            if size is not None and len(rows) == size:
                return rows, number
            rows.append(self._written(subject))
        return rows, None

    def _left(self, start: int) -> int | None:
        """How many rows the query's LIMIT still allows; the rows before `start` have used some of it up."""
        if self.query.limit is None or start == 0:
            return self.query.limit
        return self.query.limit - sum(self._kept(subject) for subject in islice(self._subjects(0), start))

    def _ordered(self, start: int, size: int | None) -> tuple[list[JSON], int | None]:
        subjects = [subject for subject in self._subjects(0) if self._kept(subject)]
        for field, descending in reversed(self.query.order):
            subjects.sort(key=lambda subject, field=field: _rank(FIELDS[field].value(subject)), reverse=descending)  # type: ignore[misc]
        subjects = subjects[: self.query.limit]
        stop = len(subjects) if size is None else start + size
        return [self._written(s) for s in subjects[start:stop]], stop if stop < len(subjects) else None

    def _kept(self, subject: Subject) -> bool:
        return all(
            holds(condition, FIELDS[condition.field].value(subject))
            for condition in self.query.conditions
            if condition.field != "segments.date"
        )

    def _subjects(self, start: int) -> Iterator[Subject]:
        if self.query.resource == "click_view":
            return islice(self._clicks(), start, None)
        if "segments.date" in self.query.fields:
            return self._daily(start)
        if any(field.startswith("metrics.") for field in self.query.fields):
            return islice(self._summed(), start, None)
        return islice(self._entities(), start, None)

    def _daily(self, start: int) -> Iterator[Subject]:
        """A row for each day that earned something: segmented, a row of zeros is not returned."""
        assert self.days is not None  # a selected segments.date has been checked for its range
        query = self._over(self.days)
        for row in self.series.slice(query, start):
            yield Subject(self.account, self.at, row.campaign, row.ad_group, row.keyword, row.fact, row.day)

    def _over(self, days: Days) -> Query:
        level = _LEVELS[self.query.resource]
        return Query(self.account, level, days.since, days.until, moment(self.account, self.at))

    def _summed(self) -> Iterator[Subject]:
        """One row an entity, the idle ones too: the sum over the asked days, or over all of history."""
        today = moment(self.account, self.at).today
        days = self.days or Days(self.world.today - timedelta(days=self.world.size.days), today)
        sums = {identity(row): row.fact for row in totals(self.series.slice(self._over(days), 0))}
        for subject in self._entities():
            parts = (subject.campaign, subject.group, subject.word)
            campaign, group, word = (part.id if part else 0 for part in parts)
            yield replace(subject, fact=sums.get((campaign, group, word), NOTHING))

    def _clicks(self) -> Iterator[Subject]:
        assert self.days is not None  # a query of click_view has been checked for its day
        day = self.days.since
        tree = self.world.tree(self.account)
        campaigns = {str(campaign.id): campaign for campaign in tree.campaigns}
        groups = {str(group.id): group for _, group in tree.ad_groups()}
        for click in self.world.clicks("google", self.account.id, day, self.at):
            group = groups.get(click.ad_group_id) if click.ad_group_id else None
            yield Subject(
                self.account,
                self.at,
                campaigns[click.campaign_id],
                group,
                fact=Fact(0, 1, 0, 0, 0),
                day=day,
                click=click,
            )

    def _entities(self) -> Iterator[Subject]:
        subject = Subject(self.account, self.at)
        match self.query.resource:
            case "customer":
                yield subject
            case "customer_client":
                for account in self.world.accounts("google"):
                    yield Subject(account, self.at)
            case "campaign_budget":
                yield from ({c.budget.id: replace(subject, campaign=c) for c in self._campaigns()}).values()
            case "campaign":
                yield from (replace(subject, campaign=campaign) for campaign in self._campaigns())
            case "ad_group":
                for campaign in self._campaigns():
                    yield from (replace(subject, campaign=campaign, group=group) for group in campaign.ad_groups)
            case _:
                yield from self._criteria()

    def _campaigns(self) -> Iterator[Campaign]:
        tree = self.world.tree(self.account)
        return (c for c in tree.campaigns if exists(c.timeline, self.account, self.at))

    def _criteria(self) -> Iterator[Subject]:
        for campaign in self._campaigns():
            for group in campaign.ad_groups:
                subject = Subject(self.account, self.at, campaign, group)
                yield from (replace(subject, word=word) for word in group.keywords)
                if group.keywords and self.query.resource == "ad_group_criterion":
                    # What was excluded is a criterion too: a query that forgets negative = FALSE meets it.
                    excluded = replace(group.keywords[0], id=group.keywords[0].id + 900, text="free")
                    yield replace(subject, word=excluded, negative=True)

    def _written(self, subject: Subject) -> JSON:
        row: JSON = {}
        for parents, name, field in _columns(self.query):
            value = field.value(subject)
            if value is not None:
                place = row
                for parent in parents:
                    place = place.setdefault(parent, {})
                place[name] = _in_form(field.form, value)
        if self.at >= self.world.new_field_at and "campaign" in row:
            row["campaign"]["servingTier"] = "TIER_2"
        return row


@lru_cache(maxsize=64)
def _columns(query: ParsedQuery) -> tuple[tuple[tuple[str, ...], str, Field], ...]:
    """Where in a row each field goes: the objects around it, its name, the field. Worked out once a query, because
    doing so for each row took most of the time of a page."""
    # Google always adds the resource names of the resources that a query selects from.
    roots = dict.fromkeys([query.resource, *(field.split(".")[0] for field in query.fields)])
    names = [f"{root}.resource_name" for root in roots if f"{root}.resource_name" in FIELDS]
    columns = []
    for field in dict.fromkeys([*names, *query.fields]):
        *parents, name = (_camel(part) for part in field.split("."))
        columns.append((tuple(parents), name, FIELDS[field]))
    return tuple(columns)


def field_mask(query: ParsedQuery) -> str:
    return ",".join(".".join(_camel(part) for part in field.split(".")) for field in query.fields)


def _camel(name: str) -> str:
    first, *rest = name.split("_")
    return first + "".join(word.title() for word in rest)


def _in_form(form: Form, value: Value) -> Value:
    if form is Form.INT64:
        return str(value)
    if isinstance(value, float) and value.is_integer():
        return int(value)  # protobuf writes a whole double without a point
    return value


def _rank(value: Value) -> tuple[bool, Value]:
    return value is not None, value or 0 if not isinstance(value, str) else value
