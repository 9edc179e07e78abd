"""Sesh: people track their sessions, what they have at home, how they feel, and read about strains and products."""

from assets.apps.app import App
from assets.apps.model import CacheAside, CacheFamily, Extraction, LoggedTable, Media, Points, Table, Variant
from assets.apps.sesh_lifecycles import LIFECYCLES
from assets.apps.sesh_personal import PERSONAL
from assets.apps.sesh_series import METRIC_SERIES, POINTS, SERIES

_TABLES = (
    Table("users", "People who sign in"),
    Table("user_preferences", "A user's settings and dashboard layout"),
    Table("strains", "Strains and what is known of them"),
    Table("products", "The catalogue of products"),
    Table("dispensaries", "Where products are sold"),
    Table("inventory", "What a user has at home"),
    Table("medical_symptoms", "How a user's symptoms were before and after"),
    Table("journal_entries", "What a user wrote down"),
)


def _family(name: str, key: str, doc: str, table: str, gathered_by: tuple[str, ...] = ()) -> CacheFamily:
    return CacheFamily(name, doc, key, "d1", f"sesh/cache/{name}.sql", (("d1", table),), gathered_by)


# Terms are the words of a name, ASCII letters in lower case, all others as they are; the schema says where words end.
_CACHE = (
    _family("strains_list", "strains:list", "Active strains in brief, by name", "strains", ("name", "id")),
    _family("strain", "strain:{id}", "All that is known of a strain", "strains"),
    _family(
        "search_strains", "search:strains:{term}", "Ids of active strains by a word of the name", "strains", ("id",)
    ),
    _family("products_list", "products:list", "Active products in brief, by name", "products", ("name", "id")),
    _family("product", "product:{id}", "All that is known of a product", "products"),
    _family(
        "search_products", "search:products:{term}", "Ids of active products by a word of the name", "products", ("id",)
    ),
    _family("dispensaries_list", "dispensaries:list", "Active dispensaries in brief", "dispensaries", ("name", "id")),
    _family("dispensary", "dispensary:{id}", "All that is known of a dispensary", "dispensaries"),
    _family("user_preferences", "user:{id}:preferences", "A user's settings", "user_preferences"),
    _family(
        "dashboard_layout",
        "user:{id}:dashboard:layout",
        "A user's dashboard layout",
        "user_preferences",
    ),
)

_CACHE_ASIDE = (
    CacheAside("users", ("user:{id}:profile",)),
    CacheAside("strains", ("strain:{id}:products", "strain:{id}:reviews")),
    CacheAside("products", ("product:{id}:details", "strain:{strainId}:products")),
    CacheAside("dispensaries", ("dispensary:{id}:details",)),
    CacheAside("inventory", ("user:{userId}:inventory",)),
    CacheAside("medical_symptoms", ("user:{userId}:symptoms",)),
    CacheAside("journal_entries", ("user:{userId}:journal", "journal:{id}")),
)

_CHANGES = (
    LoggedTable("users", "id", ("id",), unique=("email",)),
    LoggedTable("user_preferences", "userId", ("userId",)),
    LoggedTable("strains", "id", ("id",)),
    LoggedTable("products", "id", ("id", "strainId")),
    LoggedTable("dispensaries", "id", ("id",)),
    LoggedTable("inventory", "id", ("id", "userId")),
    LoggedTable("medical_symptoms", "id", ("id", "userId")),
    LoggedTable("journal_entries", "id", ("id", "userId")),
)

_MEDIA = Media(
    "user-media",
    (Variant("thumbnail", 200, 80), Variant("medium", 800, 80), Variant("original", None, 85)),
    "sessions",
    series="sessions",
)

APP = App(
    name="sesh",
    title="Sesh",
    owner="team:sesh-data",
    tables={table.name: table for table in _TABLES},
    d1_migrations="sesh/d1",
    cache=_CACHE,
    cache_aside=_CACHE_ASIDE,
    own_lifecycles=LIFECYCLES,
    personal=PERSONAL,
    media=_MEDIA,
    series=SERIES,
    points=Points(POINTS, prefix="sesh/points/", quarantine="quarantine/points/", users="users"),
    metrics=METRIC_SERIES,
    extractions=(Extraction("products", "id", "unit", "attributes", "$.unit"),),
    changes=_CHANGES,
)
