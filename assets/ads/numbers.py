"""The numbers of an entity's day, made of a report's rows in memory as a merge makes them in Postgres.

What does not belong here: reading rows and comparing numbers (audit.py).
"""

from collections.abc import Callable, Iterable
from decimal import ROUND_HALF_UP, Decimal
from typing import TypeAlias

from resources.ad_platforms import Conversion, Counting, Fact

# As the columns of the facts have them.
STORED_DIGITS = Decimal("0.000001")
NOTHING = (0, 0, Decimal(0), Decimal(0), Decimal(0))

Numbers: TypeAlias = tuple[int | Decimal, ...]
"""Impressions, clicks, spend, conversions and their value."""


def numbers(fact: Fact) -> Numbers:
    """The numbers of a row as Postgres stores them: further digits of a fraction are rounded, half away from zero."""
    return fact.impressions, fact.clicks, *map(_stored, (fact.spend, fact.conversions, fact.conversions_value))


def by_entity(
    rows: Iterable[Fact | Conversion], entity_of: Callable[[Fact | Conversion], str], counting: Counting | None
) -> dict[str, Numbers]:
    """The numbers of each entity on one day: parts added up, each of them once.

    counting: by which actions conversions are counted; None: as the rows say.
    """
    facts: dict[tuple[str, ...], Fact] = {}
    actions: dict[str, dict[tuple[str, ...], Conversion]] = {}
    for row in rows:
        entity = entity_of(row)
        if isinstance(row, Fact):
            facts[entity, *row.segments] = row
        else:
            actions.setdefault(entity, {})[row.action, row.window, *row.segments] = row
    found: dict[str, Numbers] = {}
    for (entity, *_), fact in facts.items():
        before = found.get(entity, NOTHING)
        found[entity] = tuple(a + b for a, b in zip(before, numbers(fact), strict=True))
    if counting is not None:
        for entity in found.keys() | actions.keys():
            counted = counting.of(actions.get(entity, {}).values())
            found[entity] = (*found.get(entity, NOTHING)[:3], *map(_stored, counted))
    return {entity: values for entity, values in found.items() if any(values)}


def _stored(amount: Decimal) -> Decimal:
    return amount.quantize(STORED_DIGITS, ROUND_HALF_UP)
