"""The values of attribution and unmatched_campaigns, in plain Python, from credits and touches that are recounted."""

from collections import Counter, defaultdict
from collections.abc import Callable, Iterable, Iterator, Mapping
from dataclasses import dataclass, field
from datetime import date, timedelta
from decimal import ROUND_HALF_UP, Decimal
from fractions import Fraction
from itertools import chain
from typing import Any

from tests.assets.attribution.attribution_stores import CURRENCIES, Campaign
from tests.assets.attribution.recount import MODELS

Period = tuple[date, date]
FIGURES = ("visits", "conversions", "revenue", "spend")
MICRO = Decimal("0.000001")
# A row of a value: model, currency, platform, account, campaign, reason, whether its rate is missing.
Key = tuple[str, str | None, str, str, str, str, bool]


@dataclass
class Sums:
    """Visits, conversions, revenue and spend of a range, and of the period before; in the reporting currency."""

    now: list[Decimal] = field(default_factory=lambda: [Decimal(0)] * 4)
    before: list[Decimal] = field(default_factory=lambda: [Decimal(0)] * 4)
    reported: list[Decimal] = field(default_factory=lambda: [Decimal(0)] * 2)
    unrated: bool = False

    def __add__(self, other: "Sums") -> "Sums":
        def added(one: list[Decimal], more: list[Decimal]) -> list[Decimal]:
            return [a + b for a, b in zip(one, more, strict=True)]

        return Sums(
            added(self.now, other.now),
            added(self.before, other.before),
            added(self.reported, other.reported),
            self.unrated or other.unrated,
        )


@dataclass(frozen=True)
class Books:
    """What is recounted: credits, spend (tag, campaign, day, amount), and the operator's rates by currency and day.

    chosen: the currency that an organisation chose, by tag; one that chose none has accounts in several. names: of
    campaigns, by tag and id.
    """

    credited: list[tuple[Any, ...]]
    spent: list[tuple[str, Campaign, date, Decimal]]
    rates: Mapping[tuple[str, date], Decimal]
    chosen: Mapping[str, str]
    names: Mapping[tuple[str, str], str]

    def rate(self, day: date, held: str, wanted: str | None) -> Decimal | None:
        """What one unit is in another currency, by the newest rates of the day and the seven before."""
        if held == wanted:
            return Decimal(1)
        days = [day - timedelta(days=n) for n in range(8)]
        ours, theirs = (
            next((self.rates[name, at] for at in days if (name, at) in self.rates), None)
            for name in (wanted or "", held)
        )
        return None if ours is None or theirs is None else ours / theirs

    def attribution(self, tag: str, now: Period, before: Period | None) -> dict[str, Any]:
        """The value of a tag and range. before: the period before, None where its first day was not credited."""
        rows = self._rows(tag, now)
        currencies = {key[:2] for key in rows} or {(model, None) for model in MODELS}
        ordered = sorted(currencies, key=lambda one: (list(MODELS).index(one[0]), one[1] is None, one[1]))
        items, rest, reasons, totals = [], [], [], []
        for model, currency in ordered:
            own = {key: sums for key, sums in rows.items() if key[:2] == (model, currency)}
            named = {"model": model, "currency": currency}
            listed = {key: sums for key, sums in own.items() if any(sums.now)}
            campaigns = {key: sums for key, sums in listed.items() if not key[5]}
            by_revenue, by_spend = _places(campaigns, 2, 3), _places(campaigns, 3, 2)
            first = [key for key in by_revenue if min(by_revenue[key], by_spend[key]) <= 50]
            items += [
                {
                    **named,
                    **_figures(own[key].now),
                    "previous": _figures(own[key].before) if before else None,
                    **dict(zip(("platform", "account_id", "campaign_id"), key[2:5], strict=True)),
                    "campaign": self.names[tag, key[4]],
                    "rate_missing": key[6],
                    "by_revenue": by_revenue[key],
                    "by_spend": by_spend[key],
                    **_ratios(*own[key].now[1:]),
                }
                for key in first
            ]
            others = [campaigns[key] for key in campaigns if key not in first]
            rest.append({**named, "campaigns": len(others), **_figures(sum(others, Sums()).now)})
            reasons += [
                {
                    **named,
                    "reason": key[5],
                    **_figures(sums.now),
                    "previous": _figures(sums.before) if before else None,
                }
                for key, sums in sorted(listed.items(), key=lambda row: row[0][5])
                if key[5]
            ]
            whole = sum(own.values(), Sums())
            totals.append((named, whole))
        return {
            "from": now[0],
            "to": now[1],
            "totals": [{**named, **_figures(sums.now), **_ratios(*sums.now[1:])} for named, sums in totals],
            "items": items,
            "rest": rest,
            "reasons": reasons,
            "reporting": self._reported(tag, rows),
            "previous": before
            and {
                "from": before[0],
                "to": before[1],
                "totals": [{**named, **_figures(sums.before)} for named, sums in totals],
            },
        }

    def _rows(self, tag: str, now: Period) -> dict[Key, Sums]:
        days: dict[tuple[Key, date], list[Decimal]] = defaultdict(lambda: [Decimal(0)] * 4)
        start = now[0] - (now[1] - now[0]) - timedelta(days=1)
        for day, key, amounts in chain(self._credits(tag), self._spend(tag)):
            if start <= day <= now[1]:
                days[key, day] = [had + more for had, more in zip(days[key, day], amounts, strict=True)]
        rows: dict[Key, Sums] = defaultdict(Sums)
        for (key, day), amounts in days.items():
            if day < now[0]:
                rows[key] += Sums(before=amounts)
                continue
            rate = self.rate(day, key[1] or "", self.chosen.get(tag))
            reported = [Decimal(0)] * 2 if rate is None else [amount * rate for amount in amounts[2:]]
            rows[key] += Sums(amounts, reported=reported, unrated=rate is None and any(amounts[2:]))
        return rows

    def _credits(self, tag: str) -> Iterator[tuple[date, Key, list[Decimal]]]:
        none, chosen = Decimal(0), self.chosen.get(tag, "")
        for _, org, day, *where, visits, _, model, said, conversions, revenue in self.credited:
            if org != tag:
                continue
            place: tuple[str, str, str, str] = tuple(where)
            account = CURRENCIES[place[0]] if place[0] else ""
            held, wanted = said or chosen or account, account or chosen or said
            for each in () if model else MODELS:
                yield day, (each, wanted or None, *place, False), [Decimal(visits), none, none, none]
            if not model:
                continue
            rate = Decimal(1) if held in ("", wanted) else self.rate(day, held, wanted)
            converted = none if rate is None else (revenue * rate).quantize(MICRO, ROUND_HALF_UP)
            yield day, (model, wanted or None, *place, False), [none, conversions, converted, none]
            if rate is None and revenue:
                yield day, (model, held, *place, True), [none, none, revenue, none]

    def _spend(self, tag: str) -> Iterator[tuple[date, Key, list[Decimal]]]:
        for org, one, day, amount in self.spent:
            for model in MODELS if org == tag else ():
                key = (model, CURRENCIES[one.platform], one.platform, one.account, one.id, "", False)
                yield day, key, [Decimal(0)] * 3 + [amount]

    def _reported(self, tag: str, rows: Mapping[Key, Sums]) -> dict[str, Any] | None:
        if tag not in self.chosen:
            return None
        totals = []
        for model in MODELS:
            whole = sum((sums for key, sums in rows.items() if key[0] == model), Sums())
            revenue, spend = (amount.quantize(MICRO, ROUND_HALF_UP) for amount in whole.reported)
            ratios = _ratios(whole.now[1], *whole.reported)
            totals.append({"model": model, "revenue": revenue, "spend": spend, **ratios, "complete": not whole.unrated})
        return {"currency": self.chosen[tag], "totals": totals}


def _places(rows: Mapping[Key, Sums], *by: int) -> dict[Key, int]:
    def order(key: Key) -> tuple[Any, ...]:
        return *(-rows[key].now[figure] for figure in by), *key[2:5], key[6]

    return {key: place for place, key in enumerate(sorted(rows, key=order), 1)}


def _figures(amounts: Iterable[Decimal]) -> dict[str, Decimal]:
    return dict(zip(FIGURES, amounts, strict=True))


def _ratios(conversions: Decimal, revenue: Decimal, spend: Decimal) -> dict[str, Decimal | None]:
    def of(whole: Decimal, parts: Decimal) -> Decimal:
        return (whole / parts).quantize(MICRO, ROUND_HALF_UP)

    return {
        "cpa": of(spend, conversions) if spend and conversions else None,
        "roas": of(revenue, spend) if spend else None,
    }


def unmatched(
    touched: Iterable[tuple[str, date, str, str]], campaigns: Iterable[Campaign], tag: str, now: Period
) -> dict[str, Any]:
    """The value of a tag and range. touched: tag, day, utm_campaign and reason of each touch."""
    of_range = [row for row in touched if row[0] == tag and now[0] <= row[1] <= now[1]]
    found = Counter((name, reason) for _, _, name, reason in of_range if name and reason in _UNMATCHED)
    own = [campaign for campaign in campaigns if campaign.org == f"org-{tag}"]
    ranked = sorted(found, key=lambda row: (-found[row], row))[:50]
    return {
        "from": now[0],
        "to": now[1],
        "items": [
            {
                "utm_campaign": name,
                "reason": reason,
                "touches": found[name, reason],
                "last_day": max(day for _, day, *rest in of_range if rest == [name, reason]),
                "resembles": [{"campaign_id": one.id, "campaign": one.name} for one in _nearest(name, own)],
            }
            for name, reason in ranked
        ],
    }


_UNMATCHED = ("unknown_campaign", "ambiguous_campaign")


def _nearest(name: str, campaigns: Iterable[Campaign]) -> list[Campaign]:
    likeness: Callable[[Campaign], Fraction] = lambda one: _likeness(name, one.name)  # noqa: E731
    near = [one for one in campaigns if likeness(one) >= Fraction(3, 10)]
    return sorted(near, key=lambda one: (-likeness(one), one.id))[:3]


def _likeness(one: str, other: str) -> Fraction:
    ours, theirs = ({f"  {text.lower()} "[n : n + 3] for n in range(len(text) + 1)} for text in (one, other))
    return Fraction(len(ours & theirs), len(ours | theirs))
