"""The event record as JSON Schema, for those who write the landing zone. Pure.

`python -m assets.events.schema > deploy/worker/src/event.schema.json` writes it for the tracking Worker.
"""

import json
from typing import Any

import msgspec

from assets.events.record import FIELDS, Event

TITLE = "A line of a landed batch of events"
DIALECT = "https://json-schema.org/draft/2020-12/schema"


def schema() -> dict[str, Any]:
    """What a line must be. Unknown fields are allowed, because they are kept."""
    found = msgspec.json.schema(Event)["$defs"]["Event"]
    properties = {field.name: {"description": field.doc, **found["properties"][field.name]} for field in FIELDS}
    return {
        "$schema": DIALECT,
        "title": TITLE,
        "type": "object",
        "required": [field.name for field in FIELDS if field.required],
        "properties": properties,
    }


if __name__ == "__main__":
    print(json.dumps(schema(), indent=2, ensure_ascii=False))  # noqa: T201 (what the command is for)
