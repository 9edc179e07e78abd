"""The application's statements as their headers describe them: the caller, and typed parameters.

A statement is asked as somebody who has no part in what others own, with every combination of the ids and values that
are there: what it then shows or changes of others is a leak.
"""

import itertools
import json
import re
from collections.abc import Iterator
from pathlib import Path
from typing import Any

from resources.d1 import D1, D1Error, Param
from resources.sql_files import ROOT
from tests.sql.consignment.database import NOW, REQUIRED, inserted

FOLDER = ROOT / "consignment" / "statements"
NAMES = sorted(file.stem for file in FOLDER.glob("*.sql"))
CALLER = "Caller: ?1."
PARAMETER = re.compile(r"\?(\d+) (\w+) (text|integer|real)( or null)?")
STRANGER, OWNER, SELLER = "stranger", "secret-owner", "secret-seller"
# Of rows that are there, and of what a caller may write.
VALUES: dict[str, list[Param]] = {
    "id": [1, 2],
    "event_id": [1, 2],
    "after_id": [0],
    "most": [100],
    "status": ["published", "cancelled", "completed", "approved", "rejected", "sold", "returned"],
    "words": ['"jacket"'],
    "category": ["clothing"],
    "barcode": ["secret-1", "secret-2", None],
    "now": [NOW],
    "price": [5.0],
    "condition": ["good"],
    "max_consignors": [9],
    "preferred_contact": ["email"],
}
TIMES = ("start_date", "end_date", "drop_off_start", "drop_off_end", "pick_up_start", "pick_up_end")
VALUES |= {name: [NOW] for name in TIMES}


def header(text: str) -> str:
    """The comment that a statement opens with, as one line."""
    lines = itertools.takewhile(lambda line: line.startswith("--"), text.splitlines())
    return " ".join(line.removeprefix("--").strip() for line in lines)


def code(text: str) -> str:
    """A statement without its comments."""
    return "\n".join(line for line in text.splitlines() if not line.startswith("--"))


def parameters(text: str) -> dict[int, tuple[str, str]]:
    """The parameters that a header lists beside the caller: name and type by number."""
    return {int(number): (name, type_) for number, name, type_, _ in PARAMETER.findall(header(text))}


def unsaid(text: str) -> list[str]:
    """What a header leaves open: the caller, or a parameter of the statement."""
    used = {int(number) for number in re.findall(r"\?(\d+)", code(text))}
    said = {1, *parameters(text)} if CALLER in header(text) else set(parameters(text))
    faults = [] if CALLER in header(text) else ["the caller is not named"]
    faults += [] if 1 in used else ["the caller is not used"]
    return faults + [f"?{number} is described or used alone" for number in sorted(used ^ said) if number != 1]


def fill(d1: D1) -> None:
    """A draft and a published event, with items of a seller in both: one approved, the rest nobody else's business."""
    private = {"user_id": SELLER, "name": "Secret jacket", "description": "secret jacket"}
    rows = [
        inserted("consignors", {"user_id": SELLER, "name": "Secret", "email": "secret@consignment.example"}),
        inserted("events", {"id": 1, "user_id": OWNER, "name": "Secret draft"}),
        inserted("events", {"id": 2, "user_id": OWNER, "name": "Open sale", "status": "published"}),
        inserted("inventory_items", {"id": 1, **private, "event_id": 2, "barcode": "secret-1"}),
        inserted("inventory_items", {"id": 2, **private, "event_id": 1, "barcode": "secret-2", "status": "approved"}),
        inserted(
            "inventory_items",
            {
                "id": 3,
                "user_id": SELLER,
                "event_id": 2,
                "name": "A jacket",
                "status": "approved",
                "barcode": "secret-3",
            },
        ),
    ]
    d1.batch(rows)


def leaks(d1: D1, text: str) -> list[str]:
    """What a statement shows or changes of others when a stranger asks it."""
    others = _others(d1)
    found = []
    for values in _combinations(text):
        try:
            shown = json.dumps(d1.query(code(text), values))
        except D1Error as error:
            # What a stranger writes may be refused; their own rows count for nothing here.
            if "constraint failed" not in error.message:
                raise
            shown = ""
        if "secret" in shown.lower():
            found.append(f"{values[1:]} shows {shown}")
        if _others(d1) != others:
            return [*found, f"{values[1:]} changes rows of others"]
    return found


def _combinations(text: str) -> Iterator[list[Param]]:
    listed = parameters(text)
    choices = [VALUES.get(name, ["something"]) for name, _ in (listed[n] for n in sorted(listed))]
    return ([STRANGER, *values] for values in itertools.product(*choices))


def _others(d1: D1) -> dict[str, list[dict[str, Any]]]:
    return {t: d1.query(f"select * from {t} where user_id <> ? order by id", [STRANGER]) for t in REQUIRED}


def text_of(name: str) -> str:
    """The text of a statement."""
    return Path(FOLDER / f"{name}.sql").read_text()
