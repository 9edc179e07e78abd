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
# A row of a value: model, currency, platform, account, campaign, reason.
Key = tuple[str, str | None, str, str, str, str]


@dataclass
class Sums:
    """Visits, conversions, revenue and spend of a range, and of the period before; in the reporting currency."""

    now: list[Decimal] = field(default_factory=lambda: [Decimal(0)] * 4)
    before: list[Decimal] = field(default_factory=lambda: [Decimal(0)] * 4)
    reported: list[Decimal] = field(default_factory=lambda: [Decimal(0)] * 2)
    # Whether a part of the revenue stands in another currency: of the range, and of the period before.
    apart: tuple[bool, bool] = (False, False)
    # Whether some revenue, or some spend, has no rate to the reporting currency.
    unrated: tuple[bool, bool] = (False, False)

    def __add__(self, other: "Sums") -> "Sums":
        def added(one: list[Decimal], more: list[Decimal]) -> list[Decimal]:
            return [a + b for a, b in zip(one, more, strict=True)]

        return Sums(
            added(self.now, other.now),
            added(self.before, other.before),
            added(self.reported, other.reported),
            _either(self.apart, other.apart),
            _either(self.unrated, other.unrated),
        )


def _either(one: tuple[bool, bool], other: tuple[bool, bool]) -> tuple[bool, bool]:
    return one[0] or other[0], one[1] or other[1]


@dataclass(frozen=True)
class Books:
    """What is recounted: credits, spend (tag, campaign, day, amount), and the operator's rates by currency and day.

    chosen: the currency that an organisation chose, by tag; one that chose none has accounts in several. names: of
    campaigns, by tag and id. since: the first day with an event, by tag.
    """

    credited: list[tuple[Any, ...]]
    spent: list[tuple[str, Campaign, date, Decimal]]
    rates: Mapping[tuple[str, date], Decimal]
    chosen: Mapping[str, str]
    names: Mapping[tuple[str, str], str]
    since: dict[str, date] = field(default_factory=dict)

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
        now = max(now[0], self.since[tag]), now[1]
        rows = self._rows(tag, before, now)
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
                    **_figures(own[key]),
                    "previous": _before(own[key]) if before else None,
                    **dict(zip(("platform", "account_id", "campaign_id"), key[2:5], strict=True)),
                    "campaign": self.names[tag, key[4]],
                    "by_revenue": by_revenue[key],
                    "by_spend": by_spend[key],
                    **_ratios(own[key]),
                }
                for key in first
            ]
            others = [campaigns[key] for key in campaigns if key not in first]
            rest.append({**named, "campaigns": len(others), **_figures(sum(others, Sums()))})
            reasons += [
                {
                    **named,
                    "reason": key[5],
                    **_figures(sums),
                    "previous": _before(sums) if before else None,
                }
                for key, sums in sorted(listed.items(), key=lambda row: row[0][5])
                if key[5]
            ]
            whole = sum(own.values(), Sums())
            totals.append((named, whole))
        return {
            "from": now[0],
            "to": now[1],
            "totals": [{**named, **_figures(sums), **_ratios(sums)} for named, sums in totals],
            "items": items,
            "rest": rest,
            "reasons": reasons,
            "reporting": self._reported(tag, rows),
            "previous": before
            and {
                "from": before[0],
                "to": before[1],
                "totals": [{**named, **_before(sums)} for named, sums in totals],
            },
        }

    def _rows(self, tag: str, before: Period | None, now: Period) -> dict[Key, Sums]:
        days: dict[tuple[Key, date], list[Decimal]] = defaultdict(lambda: [Decimal(0)] * 4)
        rows: dict[Key, Sums] = defaultdict(Sums)
        for day, key, amounts, apart in chain(self._credits(tag), self._spend(tag)):
            if (before or now)[0] <= day <= now[1]:
                days[key, day] = [had + more for had, more in zip(days[key, day], amounts, strict=True)]
                rows[key] += Sums(apart=(apart and day >= now[0], apart and day < now[0]))
        for (key, day), amounts in days.items():
            if day < now[0]:
                rows[key] += Sums(before=amounts)
                continue
            rate = self.rate(day, key[1] or "", self.chosen.get(tag))
            reported = [Decimal(0)] * 2 if rate is None else [amount * rate for amount in amounts[2:]]
            unrated = rate is None and amounts[2] != 0, rate is None and amounts[3] != 0
            rows[key] += Sums(amounts, reported=reported, unrated=unrated)
        return rows

    def _credits(self, tag: str) -> Iterator[tuple[date, Key, list[Decimal], bool]]:
        none, chosen = Decimal(0), self.chosen.get(tag, "")
        for _, org, day, *where, visits, _, model, said, conversions, revenue in self.credited:
            if org != tag:
                continue
            place: tuple[str, str, str, str] = tuple(where)
            account = CURRENCIES[place[0]] if place[0] else ""
            held, wanted = said or chosen or account, account or chosen or said
            for each in () if model else MODELS:
                yield day, (each, wanted or None, *place), [Decimal(visits), none, none, none], False
            if not model:
                continue
            rate = Decimal(1) if held in ("", wanted) else self.rate(day, held, wanted)
            converted = none if rate is None else (revenue * rate).quantize(MICRO, ROUND_HALF_UP)
            apart = rate is None and revenue != 0
            yield day, (model, wanted or None, *place), [none, conversions, converted, none], apart
            if apart:
                yield day, (model, held, *place), [none, none, revenue, none], apart

    def _spend(self, tag: str) -> Iterator[tuple[date, Key, list[Decimal], bool]]:
        for org, one, day, amount in self.spent:
            for model in MODELS if org == tag else ():
                key = (model, CURRENCIES[one.platform], one.platform, one.account, one.id, "")
                yield day, key, [Decimal(0)] * 3 + [amount], False

    def _reported(self, tag: str, rows: Mapping[Key, Sums]) -> dict[str, Any] | None:
        if tag not in self.chosen:
            return None
        totals = []
        for model in MODELS:
            whole = sum((sums for key, sums in rows.items() if key[0] == model), Sums())
            revenue, spend = (amount.quantize(MICRO, ROUND_HALF_UP) for amount in whole.reported)
            complete = not any(whole.unrated)
            cpa = None if whole.unrated[1] else _divided(whole.reported[1], whole.now[1])
            roas = _divided(whole.reported[0], whole.reported[1], of_nothing=True) if complete else None
            ratios = {"cpa": cpa, "roas": roas}
            totals.append({"model": model, "revenue": revenue, "spend": spend, **ratios, "complete": complete})
        return {"currency": self.chosen[tag], "totals": totals}


def _places(rows: Mapping[Key, Sums], *by: int) -> dict[Key, int]:
    def order(key: Key) -> tuple[Any, ...]:
        return *(-rows[key].now[figure] for figure in by), *key[2:5]

    return {key: place for place, key in enumerate(sorted(rows, key=order), 1)}


def _figures(sums: Sums) -> dict[str, Any]:
    return {**dict(zip(FIGURES, sums.now, strict=True)), "rate_missing": sums.apart[0]}


def _before(sums: Sums) -> dict[str, Any]:
    return {**dict(zip(FIGURES, sums.before, strict=True)), "rate_missing": sums.apart[1]}


def _ratios(sums: Sums) -> dict[str, Decimal | None]:
    _, conversions, revenue, spend = sums.now
    roas = None if sums.apart[0] else _divided(revenue, spend, of_nothing=True)
    return {"cpa": _divided(spend, conversions), "roas": roas}


def _divided(whole: Decimal, parts: Decimal, *, of_nothing: bool = False) -> Decimal | None:
    """None where there are no parts; where the whole is 0, too, unless 0 says something."""
    if not parts or not (whole or of_nothing):
        return None
    return (whole / parts).quantize(MICRO, ROUND_HALF_UP)


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
