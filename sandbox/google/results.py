"""The rows of a query, from any row on, in their JSON form.

What does not belong here: answers, pages and tokens (`api`).
"""

from collections.abc import Iterator
from dataclasses import dataclass, replace
from datetime import datetime
from functools import lru_cache
from itertools import islice

from sandbox.exchange import JSON, unanswered
from sandbox.google.fields import FIELDS, Field, Form, Item, Value
from sandbox.google.gaql import ParsedQuery
from sandbox.google.query import Days, holds
from sandbox.world.actions import actions
from sandbox.world.entities import Account, Level
from sandbox.world.facts import Fact
from sandbox.world.series import Query, Series
from sandbox.world.world import Row, World

_LEVELS: dict[str, Level] = {
    "customer": "account",
    "campaign": "campaign",
    "ad_group": "ad_group",
    "ad_group_ad": "ad",
    "keyword_view": "keyword",
}


@dataclass(frozen=True, slots=True)
class Results:
    """The rows of one query over one account at a moment. Their numbers do not depend on the filter."""

    world: World
    series: Series
    account: Account
    query: ParsedQuery
    days: Days | None
    at: datetime

    def page(self, start: int, size: int) -> tuple[list[JSON], int | None]:
        """Up to `size` rows from row `start` on, and the row to continue from (None: there are no more rows)."""
        rows: list[JSON] = []
        for number, item in enumerate(self._items(start), start):
            if self._passes(item):
                if len(rows) == size:
                    return rows, number
                rows.append(self._written(item))
        return rows, None

    def _passes(self, item: Item) -> bool:
        return all(
            holds(condition, FIELDS[condition.field].value(item))
            for condition in self.query.conditions
            if condition.field != "segments.date"
        )

    def _items(self, start: int) -> Iterator[Item]:
        if self.query.resource == "click_view":
            return islice(self._clicks(), start, None)
        if "segments.date" in self.query.fields:
            return self._daily(start)
        if self.days is not None or any(field.startswith("metrics.") for field in self.query.fields):
            raise unanswered("queries for metrics without segments.date")
        return islice(self._entities(), start, None)

    def _daily(self, start: int) -> Iterator[Item]:
        """An item for each day with metrics. Google returns no row of zeros when a query selects the date."""
        assert self.days is not None  # the days of a query that selects segments.date were checked
        query = Query(self.account, _LEVELS[self.query.resource], self.days.since, self.days.until, self.at)
        if any(field.startswith("segments.conversion_action") for field in self.query.fields):
            rows = self.series.slice(query, 0)
            items = (
                replace(item, action=one) for item in map(self._item, rows) for one in actions("google", item.fact)
            )
            yield from islice(items, start, None)
        else:
            yield from map(self._item, self.series.slice(query, start))

    def _item(self, row: Row) -> Item:
        return Item(self.account, self.at, row.campaign, row.ad_group, row.keyword, row.fact, row.day, ad=row.ad)

    def _clicks(self) -> Iterator[Item]:
        assert self.days is not None  # the day of a query of click_view was checked
        day = self.days.since
        for click in self.world.clicks("google", self.account.id, day, self.at):
            yield Item(
                self.account,
                self.at,
                click.leaf.campaign,
                click.leaf.ad_group,
                ad=click.leaf.ad,
                fact=Fact(0, 1, 0, 0, 0, 0),
                day=day,
                click_id=click.click_id,
            )

    def _entities(self) -> Iterator[Item]:
        account, at = self.account, self.at
        if self.query.resource == "customer":
            yield Item(account, at)
            return
        if self.query.resource == "customer_client":
            yield Item(account, at, client=account)
            return
        for campaign in self.world.begun(account, at):
            if self.query.resource == "campaign":
                yield Item(account, at, campaign)
                continue
            for group in campaign.ad_groups:
                if self.query.resource == "ad_group":
                    yield Item(account, at, campaign, group)
                    continue
                if self.query.resource == "ad_group_ad":
                    yield from (Item(account, at, campaign, group, ad=ad) for ad in group.ads)
                    continue
                for word in group.keywords:
                    yield Item(account, at, campaign, group, word)
                if group.keywords and self.query.resource == "ad_group_criterion":
                    # A negative keyword is a criterion too. A query without negative = FALSE gets it.
                    negative = replace(group.keywords[0], id=group.keywords[0].id + 900, text="free")
                    yield Item(account, at, campaign, group, negative, negative=True)

    def _written(self, item: Item) -> JSON:
        row: JSON = {}
        for parents, name, field in _columns(self.query):
            value = field.value(item)
            if value is not None:
                place = row
                for parent in parents:
                    place = place.setdefault(parent, {})
                place[name] = _in_form(field.form, value)
        if self.at >= self.world.new_field_at and "campaign" in row:
            row["campaign"]["servingTier"] = "TIER_2"
        return row


class ManagerResults(Results):
    """A manager account has clients, and no campaigns of its own."""

    def _entities(self) -> Iterator[Item]:
        if self.query.resource == "customer":
            yield Item(self.account, self.at, manager=self.account.id)
        elif self.query.resource == "customer_client":
            for client in self.world.accounts("google"):
                yield Item(self.account, self.at, client=client, manager=self.account.id)


@lru_cache(maxsize=64)
def _columns(query: ParsedQuery) -> tuple[tuple[tuple[str, ...], str, Field], ...]:
    """For each field of a row: the objects around it, its name, the field. Cached, because computing this for each row
    took most of the time of a page."""
    # Google adds the resource names of all resources that a query selects from.
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
