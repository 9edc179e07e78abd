"""ClearLift: web analytics and ad platforms for organisations."""

from assets.apps.app import App
from assets.apps.clearlift_lifecycles import LIFECYCLES
from assets.apps.clearlift_personal import PERSONAL
from assets.apps.model import AdAccounts, Audience, CacheFamily, Ranking, Table

_TABLES = (
    Table("users", "People who sign in"),
    Table("sessions", "Signed-in sessions"),
    Table("organizations", "Workspaces"),
    Table("organization_members", "Who belongs to which workspace"),
    Table("platform_connections", "Connected ad accounts"),
    Table("org_tag_mappings", "Which data tag is whose"),
    Table("invitations", "Invitations to a workspace"),
    Table("marketing_choices", "Who refused marketing or the sale of their data, or agreed again"),
)


def _dashboard(name: str, doc: str, *reads: tuple[str, str], ranking: Ranking | None = None) -> CacheFamily:
    key = f"dashboard:{{org_tag}}:{name}:{{range}}"
    return CacheFamily(
        name,
        f"{doc}, by organisation and range of days",
        key,
        "postgres",
        f"clearlift/cache/{name}.sql",
        (*reads, ("d1", "org_tag_mappings")),
        ranking=ranking,
    )


def _top(name: str, doc: str, names: tuple[str, ...], figures: tuple[str, ...]) -> CacheFamily:
    return _dashboard(name, doc, ("rollups", "daily"), ranking=Ranking(name.removeprefix("top_"), names, figures))


_DISTINCT = ("daily_sessions", "daily_visitors")


_CACHE = (
    _dashboard(
        "series", "Points in time: hours of the day, days of longer ranges", ("rollups", "hourly"), ("rollups", "daily")
    ),
    _top("top_pages", "The most viewed pages", ("hostname", "path"), ("views", *_DISTINCT)),
    _top("top_sources", "Where visits come from", ("source", "medium"), ("events", *_DISTINCT, "event_value_sum")),
    _top(
        "top_campaigns",
        "Campaigns by their events",
        ("campaign", "source", "medium"),
        ("events", *_DISTINCT, "event_value_sum"),
    ),
    _dashboard(
        "attribution",
        "Campaigns with what they brought and cost, by model",
        ("attribution", "daily"),
        ("rollups", "daily"),
    ),
    _dashboard(
        "unmatched_campaigns",
        "Values of utm_campaign that name no campaign, with those that they resemble",
        ("attribution", "touches"),
        ("ads", "campaigns"),
    ),
    CacheFamily(
        "connections",
        "How the ad accounts of an organisation are synced, by its tag",
        "connections:{org_tag}",
        "d1",
        "clearlift/cache/connections.sql",
        (("d1", "platform_connections"), ("d1", "org_tag_mappings")),
    ),
    CacheFamily(
        "org_tags",
        "An organisation's tags",
        "organization:{organization_id}:tags",
        "d1",
        "clearlift/cache/org_tags.sql",
        (("d1", "org_tag_mappings"),),
        ("short_tag",),
    ),
    CacheFamily(
        "campaigns",
        "An organisation's campaigns on all platforms",
        "organization:{organization_id}:campaigns",
        "postgres",
        "clearlift/cache/campaigns.sql",
        (("ads", "campaigns"),),
        ("platform", "account_id", "native_id"),
    ),
    CacheFamily(
        "platforms",
        "Platforms of which accounts can be connected",
        "reference:platforms",
        "d1",
        "clearlift/cache/platforms.sql",
        (("d1", "platform_connections"),),
        ("platform",),
    ),
    CacheFamily(
        "currencies",
        "Currencies of the ad accounts",
        "reference:currencies",
        "postgres",
        "clearlift/cache/currencies.sql",
        (("ads", "campaigns"),),
        ("currency",),
    ),
)

APP = App(
    name="clearlift",
    title="ClearLift",
    owner="team:clearlift-data",
    tables={table.name: table for table in _TABLES},
    d1_migrations="clearlift/d1",
    audience=Audience(
        org_tags="clearlift/org_tags.sql",
        org_tags_table="org_tag_mappings",
        landing="landing/events/",
        receipts="landing/receipts/",
        quarantine="quarantine/events/",
        table="clearlift.events",
        folder="data/events",
        choices="clearlift/marketing_choices.sql",
        choices_read=("marketing_choices", "org_tag_mappings"),
    ),
    ad_accounts=AdAccounts(
        table="platform_connections",
        connections="clearlift/ad_connections.sql",
        named="clearlift/ad_connections_named.sql",
        raw="raw/ads/",
        rules="clearlift/attribution_rules.sql",
        rules_read=("organizations", "org_tag_mappings"),
    ),
    cache=_CACHE,
    own_lifecycles=LIFECYCLES,
    personal=PERSONAL,
)
