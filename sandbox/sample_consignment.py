"""Consignment's part of the sample: a sale from draft to completed, beside a draft, an open sale and a cancelled one.

It is played by the application's own statements, each as the person who would ask. To fill again, also after a kill,
goes on where it stopped, and then changes nothing. What does not belong here: the statements
(sql/consignment/statements).
"""

import random
from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from typing import Any

from resources.d1 import D1, Param, Statement
from resources.sql_files import read_sql

SEED = 13
CONSIGNORS = 12
ITEMS_EACH = 5
ORGANIZER = "user-organizer"
SALE = "Autumn Kids Sale"
# A price tag in cents, and of ten items how many are sold.
CENTS = (300, 4_500, 50)
SOLD_OF_TEN = 7
_THINGS = (
    ("Rain jacket", "clothing", "98"), ("Snow boots", "shoes", "27"), ("Wooden train", "toys", None),
    ("Crème linen dress", "clothing", "110"), ("Balance bike", "vehicles", None), ("Picture books", "books", None),
    ("Winter overalls", "clothing", "86"), ("T-shirt, striped", "clothing", "104"), ("Building blocks", "toys", None),
)  # fmt: skip
_CONDITIONS = ("new", "like_new", "good", "fair")


@dataclass(frozen=True)
class Sale:
    """One event of the sample. opens: when drop-off opens. The sale follows a week later and lasts a day."""

    name: str
    opens: datetime
    most: int

    def at(self, **later: float) -> str:
        """A moment after drop-off opened, as D1 stores it."""
        return _text(self.opens + timedelta(**later))


def fill(d1: D1, until: datetime) -> str:
    """Play the sample's sales, as of `until`, in Consignment's D1. Returns what became of the sale that is over."""
    sellers = [f"user-consignor-{n:02}" for n in range(CONSIGNORS)]
    _sign_up(d1, sellers, _text(until - timedelta(days=40)))
    over = Sale(SALE, until - timedelta(days=20), CONSIGNORS)
    event = _organize(d1, over)
    if _status(d1, event) != "completed":
        _end(d1, over, event, _hand_in(d1, over, event, sellers))
    still_open = Sale("Winter Sports Swap", until - timedelta(days=2), CONSIGNORS)
    _hand_in(d1, still_open, _organize(d1, still_open), sellers[: CONSIGNORS // 2])
    _organize(d1, Sale("Spring Market", until + timedelta(days=90), 40))
    called_off = Sale("Summer Yard Sale", until - timedelta(days=60), 8)
    _move(d1, _organize(d1, called_off), "cancelled", called_off.at(days=-7))
    return _told(d1, event)


def _hand_in(d1: D1, sale: Sale, event: int, sellers: Sequence[str]) -> list[int]:
    """Publish a sale, and have its items brought and approved; their ids."""
    chance = random.Random(f"{SEED} {sale.name}")  # noqa: S311 (a sample, no secret)
    _move(d1, event, "published", sale.at(days=-10))
    _asked_all(d1, (ask for seller in sellers for ask in _bringing(sale, event, seller, chance)))
    items = sorted(int(row["id"]) for row in _asked(d1, "items_of_event", ORGANIZER, event))
    _asked_all(d1, [_ask("drop_off_item", ORGANIZER, item, sale.at(hours=6)) for item in items])
    _asked_all(d1, [_ask("judge_item", ORGANIZER, item, "approved", sale.at(hours=7)) for item in items])
    return items


def _end(d1: D1, sale: Sale, event: int, items: Sequence[int]) -> None:
    ends = {"sold": sale.at(days=7, hours=2), "returned": sale.at(days=8)}
    found = (("sold" if number % 10 < SOLD_OF_TEN else "returned", item) for number, item in enumerate(items))
    _asked_all(d1, (_ask("judge_item", ORGANIZER, item, status, ends[status]) for status, item in found))
    _move(d1, event, "completed", sale.at(days=10))


def _told(d1: D1, event: int) -> str:
    (sale,) = _asked(d1, "event", ORGANIZER, event)
    sums = _asked(d1, "sales_of_event", ORGANIZER, event)
    items, sold, total = (sum(row[name] for row in sums) for name in ("items", "sold", "total"))
    return (
        f"{sale['name']}: draft, published, {items} items of {len(sums)} consignors handed in, "
        f"{sold} sold for {total:,.2f}, {items - sold} returned, {sale['status']}"
    )


def _sign_up(d1: D1, users: Sequence[str], at: str) -> None:
    known = _asked_all(d1, [_ask("consignor", user) for user in users])
    new = [number for number, rows in enumerate(known) if not rows]
    _asked_all(d1, [_ask("write_consignor", users[number], *_details(number), at) for number in new])


def _details(number: int) -> list[Param]:
    contact = "phone" if number % 3 == 0 else "email"
    phone = f"+1 555 01{number:02}" if contact == "phone" else None
    return [f"Consignor {number:02}", f"consignor{number:02}@consignment.example", phone, None, contact]


def _organize(d1: D1, sale: Sale) -> int:
    """The id of the organiser's event, which is made as a draft where it is not there."""
    begins, ends, back = sale.at(days=7), sale.at(days=7, hours=9), sale.at(days=9)
    times: list[Param] = [sale.at(), sale.at(days=1), ends, back]
    details: list[Param] = [sale.name, None, begins, ends, "Town hall", sale.most]
    _asked(d1, "create_event", ORGANIZER, *details, *times, sale.at(days=-14))
    own = _asked(d1, "own_events", ORGANIZER)
    return next(int(row["id"]) for row in own if (row["name"], row["start_date"]) == (sale.name, begins))


def _move(d1: D1, event: int, status: str, at: str) -> None:
    _asked(d1, "move_event", ORGANIZER, event, status, at)


def _status(d1: D1, event: int) -> str:
    (row,) = _asked(d1, "event", ORGANIZER, event)
    return str(row["status"])


def _bringing(sale: Sale, event: int, seller: str, chance: random.Random) -> Iterator[Statement]:
    """What makes the items of a consignor. Barcodes say which item is which, so that no item comes twice."""
    for number in range(ITEMS_EACH):
        name, category, size = chance.choice(_THINGS)
        price, condition = chance.randrange(*CENTS) / 100, chance.choice(_CONDITIONS)
        details: list[Param] = [name, None, category, size, price, condition, f"{seller[-2:]}{number:03}"]
        yield _ask("create_item", seller, event, *details, sale.at(days=-5))


def _ask(statement: str, caller: str, *params: Param) -> Statement:
    return Statement(read_sql(f"consignment/statements/{statement}.sql"), [caller, *params])


def _asked(d1: D1, statement: str, caller: str, *params: Param) -> list[dict[str, Any]]:
    return _asked_all(d1, [_ask(statement, caller, *params)])[0]


def _asked_all(d1: D1, asks: Iterable[Statement]) -> list[list[dict[str, Any]]]:
    """The rows of statements that are asked in one transaction. Each may be asked again."""
    return [result.rows for result in d1.batch(asks, idempotent=True)]


def _text(at: datetime) -> str:
    return at.astimezone(UTC).isoformat(timespec="milliseconds").replace("+00:00", "Z")
