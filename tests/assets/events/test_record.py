"""The event record: the 51 fields of the tracking Worker's interface, and what follows from them."""

from pathlib import Path

from assets.apps.pipelines_personal import EVENT_RECORD
from assets.events.record import FIELDS, NAMES, Event, FieldKind, markdown
from tests.tables import EVENTS

DOCUMENT = Path(__file__).resolve().parents[3] / "docs/events.md"


def words(text: str) -> list[str]:
    return text.split()


STRINGS = words("""org_tag session_id user_id? anonymous_id event_id event_type event_data? event_category?
    event_action?
    event_label? page_url page_title page_path page_hostname page_search? page_hash? referrer? referrer_domain?
    device_type browser_name browser_version? browser_language os_name? os_version? user_agent? geo_country?
    geo_region? geo_city? geo_timezone? utm_source? utm_medium? utm_campaign? utm_term? utm_content? gclid?
    fbclid?""")
ORDER = words("""org_tag timestamp session_id user_id anonymous_id event_id event_type event_data event_category
    event_action event_label event_value page_url page_title page_path page_hostname page_search page_hash referrer
    referrer_domain device_type viewport_width viewport_height screen_width screen_height browser_name
    browser_version browser_language os_name os_version user_agent geo_country geo_region geo_city geo_timezone
    utm_source utm_medium utm_campaign utm_term utm_content gclid fbclid scroll_depth engagement_time
    page_load_time ttfb dom_content_loaded first_contentful_paint largest_contentful_paint consent_analytics
    consent_marketing""")
NUMBERS = words("""event_value? scroll_depth? engagement_time? page_load_time? ttfb? dom_content_loaded?
    first_contentful_paint? largest_contentful_paint?""")


def of_kind(kind: FieldKind) -> set[str]:
    return {f.name if f.required else f"{f.name}?" for f in FIELDS if f.kind is kind}


def test_the_fields_are_the_workers_in_its_order() -> None:
    assert len(ORDER) == 51
    assert list(NAMES) == ORDER


def test_each_field_has_the_workers_type_and_need() -> None:
    assert of_kind(FieldKind.STRING) == set(STRINGS)
    assert of_kind(FieldKind.NUMBER) == set(NUMBERS)
    assert of_kind(FieldKind.INTEGER) == {"viewport_width", "viewport_height", "screen_width?", "screen_height?"}
    assert of_kind(FieldKind.BOOLEAN) == {"consent_analytics", "consent_marketing?"}
    assert of_kind(FieldKind.TIMESTAMP) == {"timestamp"}


def test_the_registry_names_every_field_and_marks_those_that_say_who_someone_is() -> None:
    assert EVENT_RECORD.columns == set(NAMES)
    assert set(EVENT_RECORD.personal_columns) == {
        *words("user_id anonymous_id session_id event_data page_url page_search page_hash referrer user_agent"),
        *words("geo_region geo_city geo_timezone gclid fbclid"),
    }


def test_the_lake_and_the_decoder_follow() -> None:
    schema = EVENTS.schema()
    assert [f.name for f in schema.fields] == ORDER
    assert [f.field_id for f in schema.fields] == list(range(1, 52))
    assert [f.required for f in schema.fields] == [f.required for f in FIELDS]
    assert sorted(Event.__struct_fields__) == sorted(ORDER)
    assert [f.name for f in EVENTS.partition_spec().fields] == ["org_tag", "timestamp_day"]


def test_the_documentation_names_every_field() -> None:
    rows = markdown().splitlines()
    assert len(rows) == 2 + 51
    assert rows[2].startswith("| `org_tag` | string | yes |")
    assert all(f"| `{name}` |" in row for name, row in zip(ORDER, rows[2:], strict=True))
    marked = {row.split("`")[1] for row in rows[2:] if row.split("|")[4].strip() == "yes"}
    assert marked == set(EVENT_RECORD.personal_columns)
    assert markdown() in DOCUMENT.read_text()
