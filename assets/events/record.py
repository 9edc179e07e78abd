"""The event record: its 51 fields, defined here and nowhere else. Pure.

The lake's schema, the validation of landed lines and the documentation follow from `FIELDS`. What does not belong
here: what happens to an event, and which fields are personal, which is in assets/apps/pipelines_personal.py.
"""

from dataclasses import dataclass
from datetime import datetime
from enum import StrEnum
from typing import Annotated, Any

import msgspec

from assets.apps.pipelines_personal import EVENT_RECORD


class FieldKind(StrEnum):
    STRING = "string"
    INTEGER = "integer"
    NUMBER = "number"
    BOOLEAN = "boolean"
    TIMESTAMP = "timestamp"


@dataclass(frozen=True)
class Field:
    """One field of an event. shortest, longest: the bounds of a string, in characters."""

    name: str
    kind: FieldKind
    required: bool
    doc: str
    shortest: int = 0
    longest: int = 1024


def _text(name: str, doc: str, *, required: bool = False, longest: int = 1024) -> Field:
    return Field(name, FieldKind.STRING, required, doc, 0, longest)


def _key(name: str, doc: str, *, longest: int = 128) -> Field:
    return Field(name, FieldKind.STRING, True, doc, 1, longest)


def _number(name: str, doc: str) -> Field:
    return Field(name, FieldKind.NUMBER, False, doc)


def _integer(name: str, doc: str, *, required: bool = False) -> Field:
    return Field(name, FieldKind.INTEGER, required, doc)


FIELDS: tuple[Field, ...] = (
    _key("org_tag", "Organisation's data tag", longest=64),
    Field("timestamp", FieldKind.TIMESTAMP, True, "When it happened, UTC"),
    _key("session_id", "Session as the tracker sees it"),
    _text("user_id", "Authenticated user", longest=256),
    _key("anonymous_id", "Visitor's anonymous tracking id"),
    _key("event_id", "Unique id of the event within its organisation and UTC day"),
    _key("event_type", "page_view, click, conversion, …"),
    _text("event_data", "Custom data as a JSON string", longest=65_536),
    _text("event_category", "Category, e.g. ecommerce", longest=256),
    _text("event_action", "Action, e.g. purchase", longest=256),
    _text("event_label", "Label, e.g. a product id"),
    _number("event_value", "Value, e.g. revenue; from 1e15 on it is stored, not summed"),
    _text("page_url", "Full URL", required=True, longest=8192),
    _text("page_title", "Page title", required=True, longest=4096),
    _text("page_path", "URL path", required=True, longest=8192),
    _text("page_hostname", "Domain", required=True, longest=256),
    _text("page_search", "Query string", longest=8192),
    _text("page_hash", "URL fragment", longest=8192),
    _text("referrer", "Referring URL", longest=8192),
    _text("referrer_domain", "Referring domain", longest=256),
    _text("device_type", "mobile, desktop or tablet", required=True, longest=64),
    _integer("viewport_width", "Viewport width, pixels", required=True),
    _integer("viewport_height", "Viewport height, pixels", required=True),
    _integer("screen_width", "Screen width, pixels"),
    _integer("screen_height", "Screen height, pixels"),
    _text("browser_name", "Browser", required=True, longest=128),
    _text("browser_version", "Browser's version", longest=128),
    _text("browser_language", "Language tag, e.g. en-US", required=True, longest=64),
    _text("os_name", "Operating system", longest=128),
    _text("os_version", "Operating system's version", longest=128),
    _text("user_agent", "Full user agent", longest=4096),
    _text("geo_country", "Country, ISO 3166-1 alpha-2", longest=64),
    _text("geo_region", "Region", longest=256),
    _text("geo_city", "City", longest=256),
    _text("geo_timezone", "Time zone, IANA name", longest=128),
    _text("utm_source", "Campaign source", longest=512),
    _text("utm_medium", "Campaign medium", longest=512),
    _text("utm_campaign", "Campaign name", longest=512),
    _text("utm_term", "Campaign keyword", longest=512),
    _text("utm_content", "Ad variant", longest=512),
    _text("gclid", "Google click id", longest=512),
    _text("fbclid", "Facebook click id", longest=512),
    _number("scroll_depth", "Deepest scroll, per cent"),
    _number("engagement_time", "Engaged time, seconds"),
    _number("page_load_time", "Page load, milliseconds"),
    _number("ttfb", "Time to first byte, milliseconds"),
    _number("dom_content_loaded", "DOM content loaded, milliseconds"),
    _number("first_contentful_paint", "First contentful paint, milliseconds"),
    _number("largest_contentful_paint", "Largest contentful paint, milliseconds"),
    Field("consent_analytics", FieldKind.BOOLEAN, True, "Visitor agreed to analytics"),
    Field("consent_marketing", FieldKind.BOOLEAN, False, "Visitor agreed to marketing"),
)

NAMES: tuple[str, ...] = tuple(f.name for f in FIELDS)


def _annotation(field: Field) -> Any:
    match field.kind:
        case FieldKind.STRING:
            shape: Any = Annotated[str, msgspec.Meta(min_length=field.shortest, max_length=field.longest)]
        case FieldKind.INTEGER:
            shape = Annotated[int, msgspec.Meta(ge=-(2**63), le=2**63 - 1)]
        case FieldKind.NUMBER:
            shape = float
        case FieldKind.BOOLEAN:
            shape = bool
        case FieldKind.TIMESTAMP:
            shape = Annotated[datetime, msgspec.Meta(tz=True)]
    return shape if field.required else shape | None


# Required fields come first, because a struct wants fields without a default first. `NAMES` keeps the lake's order.
# gc=False, because an event refers to no container and the garbage collector takes a third of the time otherwise.
Event = msgspec.defstruct(
    "Event",
    [
        *((f.name, _annotation(f)) for f in FIELDS if f.required),
        *((f.name, _annotation(f), None) for f in FIELDS if not f.required),
    ],
    forbid_unknown_fields=True,
    gc=False,
)
"""One event as decoded from JSON: every field typed and bounded, an unknown field refused."""

DECODER: msgspec.json.Decoder[Any] = msgspec.json.Decoder(Event)
STRUCT_NAMES: tuple[str, ...] = Event.__struct_fields__


def markdown() -> str:
    """The fields as a Markdown table, for docs/events.md."""
    personal = EVENT_RECORD.personal_columns
    rows = [
        f"| `{f.name}` | {f.kind.value} | {_yes(f.required)} | {_yes(f.name in personal)} | {f.doc} |" for f in FIELDS
    ]
    return "\n".join(["| field | type | required | personal | meaning |", "| --- | --- | --- | --- | --- |", *rows])


def _yes(fact: bool) -> str:
    return "yes" if fact else ""


if __name__ == "__main__":
    print(markdown())  # noqa: T201 (what the command is for)
