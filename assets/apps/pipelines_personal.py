"""Whose data the pipelines' own stores hold, the same for every application: Postgres, lake, archive. Data only.

What belongs here: entries of tables and prefixes that the pipelines make. What does not: the tables and keys of an
application, which are in its own file.
"""

from dataclasses import replace

from assets.apps.personal import Erasure, Holding, Sealed, Subject, registry

TAKEN_OBJECTS = "says which object was taken, so that it is not taken twice"
REFUSED_LINES = "lines are base64 in JSON in gzip, and may be damaged: an id is searched for in their bytes"
_COUNTS = "the counts stay; only the text in which an id lies is emptied"
_SKETCH = "counts distinct people; a hash leads to nobody once the id itself is erased"
_GRAINS = ("hourly", "daily", "weekly", "monthly")

EVENT_RECORD = Holding(
    "lake",
    "events",
    subjects=(("user", "user_id"), ("visitor", "anonymous_id")),
    personal="user_id anonymous_id session_id event_data page_url page_search page_hash referrer user_agent geo_region "
    "geo_city geo_timezone gclid fbclid",
    traces="event_id event_label page_title page_path utm_campaign utm_term utm_content",
    impersonal="org_tag timestamp event_type event_category event_action event_value page_hostname referrer_domain "
    "device_type viewport_width viewport_height screen_width screen_height browser_name browser_version "
    "browser_language os_name os_version geo_country utm_source utm_medium scroll_depth engagement_time "
    "page_load_time ttfb dom_content_loaded first_contentful_paint largest_contentful_paint consent_analytics "
    "consent_marketing",
    organisation="org_tag",
    one_person=True,
    erasure="delete",
    reason="by a rewrite of the data files; the files before it hold the rows until they are removed",
    doc="Something that was done on a site",
)
"""The event record: what a lake table of web events holds."""


def web_events(table: str, landing: str, quarantine: str) -> tuple[Holding, ...]:
    """The entries of an app's web events: its lake table, the prefixes of landed and of refused lines, and the keys of
    the family `summary`, which every such app has.
    """
    lines: tuple[Subject, ...] = (("user", "content.user_id"), ("visitor", "content.anonymous_id"))
    landed = Holding(
        "r2",
        landing,
        lines,
        personal="content",
        traces="key",
        organisation="content.org_tag",
        erasure="delete",
        doc="Something that was done on a site, as the site sent it",
    )
    refused = replace(
        landed,
        name=quarantine,
        traces="",
        impersonal="key",
        reason=REFUSED_LINES,
        doc="Something that was done on a site and that could not be taken, and why",
    )
    summary = Holding("kv", "summary", impersonal="key value")
    return (replace(EVENT_RECORD, name=table), landed, refused, summary)


def _table(name: str, *, personal: str = "", traces: str = "") -> Holding:
    """A table whose rows an erasure deletes."""
    return Holding("postgres", name, personal=personal, traces=traces, erasure="delete")


def _visits(name: str, erasure: Erasure, doc: str, *, personal: str, traces: str, reason: str = "") -> Holding:
    """A table whose column `visitor` is a hash of the visitor's id."""
    who: tuple[Subject, ...] = (("visitor", "visitor"),)
    return Holding(
        "postgres", name, hashed=who, personal=personal, traces=traces, erasure=erasure, reason=reason, doc=doc
    )


def _kept(name: str, reason: str, *, personal: str = "", traces: str = "", sealed: tuple[Sealed, ...] = ()) -> Holding:
    """A table that an erasure leaves as it is."""
    return Holding("postgres", name, personal=personal, traces=traces, erasure="keep", reason=reason, sealed=sealed)


def _blanked(name: str, reason: str, traces: str) -> Holding:
    """A table whose texts an erasure empties."""
    return Holding("postgres", name, traces=traces, erasure="blank", reason=reason)


_POSTGRES = (
    _kept("ingest.batches", TAKEN_OBJECTS, traces="object_key"),
    _kept("ingest.quarantine", TAKEN_OBJECTS, traces="object_key"),
    _blanked("ingest.unknown_fields", "a sender may use an id as the name of a field", "field"),
    *(_blanked(f"rollups.{grain}", _COUNTS, "utm_campaign") for grain in _GRAINS),
    *(_blanked(f"rollups.{grain}_campaigns", _COUNTS, "utm_campaign") for grain in _GRAINS),
    *(_blanked(f"rollups.{grain}_pages", _COUNTS, "page_path") for grain in _GRAINS),
    *(_kept(f"rollups.{grain}_totals", _SKETCH, traces="visitor_sketch session_sketch") for grain in _GRAINS),
    _visits(
        "sessions.daily",
        "delete",
        "A visit to a site: when it was, on which pages it began and ended, and where it came from",
        personal="visitor session started_at ended_at",
        traces="landing_path exit_path first_campaign last_campaign",
    ),
    _visits(
        "attribution.touches",
        "delete",
        "A visit that came from a campaign",
        personal="visitor browser session at session_begins session_ends click",
        traces="utm_campaign utm_content campaign_key content_key campaign_id_key ad_id_key",
        reason="the credits of its day stay: they count, and name nobody",
    ),
    _visits(
        "attribution.conversions",
        "blank",
        "A purchase, or another goal of a site, with its value",
        personal="visitor browser",
        traces="event order_id refunded",
        reason="the organisation's revenue stays; without its event its hashes lead to nobody",
    ),
    Holding(
        "postgres",
        "attribution.sign_ins",
        hashed=(("visitor", "visitor"), ("user", "person")),
        personal="visitor person first_at last_at",
        erasure="delete",
        doc="A browser in which a user signed in, and when",
    ),
    _kept(
        "attribution.clicks",
        "the platform's report of a click, hashed; it leads to nobody once the visitor's touch is deleted",
        personal="click",
    ),
    _kept("attribution.click_days", "one hash of all unknown clicks of a day", traces="unknown"),
    _kept("ads.ad_accounts", "an account's own name, which its organisation chose", traces="name raw_data"),
    Holding(
        "postgres",
        "cache.entries",
        subjects=(("user", "tenant"),),
        traces="key hash",
        erasure="delete",
        reason="together with the key in KV; where the value is an organisation's, the tenant is that",
        doc="What is kept ready to be read fast, and until when",
    ),
    _table("cache.reads", traces="key"),
    _kept("cache.access_objects", TAKEN_OBJECTS, traces="object"),
    _kept("cache.access_refusals", TAKEN_OBJECTS, traces="object"),
    _table("media.images", personal="object_key"),
    _kept("media.listings", "the last name of a listing, overwritten by the next one", traces="after_key"),
    _kept("audit.entries", "who read or changed personal data stays known", traces="subject"),
    Holding(
        "postgres",
        "consent.choices",
        hashed=(("visitor", "subject"), ("user", "subject")),
        personal="subject at",
        erasure="delete",
        reason="what an erased person chose is of no use: their events are refused",
        doc="A choice about marketing",
    ),
    _kept("archive.tombstones", "a restore reads it and leaves out who was erased", traces="subject_hash"),
    _kept(
        "privacy.requests",
        "what identifies the person is sealed while the request is open, and dropped at its end",
        personal="sealed",
        traces="subject_hash exempt_hashes",
        sealed=(Sealed("sealed", binary=True),),
    ),
    _kept(
        "privacy.secrets",
        "a secret of the database, which keys the hashes of who was erased",
        traces="sealed",
        sealed=(Sealed("sealed", row="name", binary=True),),
    ),
)

_BACKED_UP = "goes once a verified backup holds it; an erasure deletes what is left, and a full backup follows"

_D1 = (
    Holding("d1", "backup_log", traces="key image", erasure="delete", reason=_BACKED_UP),
    Holding(
        "d1",
        "erasure_requests",
        personal="subject",
        erasure="blank",
        reason="the application puts a request here; whom it means is emptied when the request is taken over",
    ),
    Holding(
        "d1",
        "export_requests",
        personal="subject object_key url",
        erasure="blank",
        reason="whom it means is emptied when the export is made; the URL when it has expired",
    ),
    Holding("d1", "backup_noted", traces="k1 k2 k3 k4 k5 k6 k7 k8", erasure="delete", reason=_BACKED_UP),
)

_R2 = (
    Holding(
        "r2", "data/", personal="content", erasure="delete", reason="files of lake tables, by the ids of the table"
    ),
    Holding(
        "r2",
        "archive/",
        personal="content",
        erasure="delete",
        reason="by the ids of the archived table; older manifests go too, as they give a deleted line's hash away",
    ),
    Holding(
        "r2",
        "exports/",
        personal="content",
        erasure="delete",
        reason="by the folder of the person, whose name is a hash under a key",
    ),
)

_CAMPAIGNS = "org_id id platform account_id native_id name status native_status currency source_updated_at updated_at"
_SEEN = "deleted_at last_seen_run_id raw_data"
_FACTS = """org_id date platform account_id impressions clicks spend conversions conversions_value currency time_zone
    attribution_window is_final sync_run_id"""


def _cuts(grain: str, window: str, people: str, exact: str = "") -> str:
    """The impersonal columns of a grain's roll-ups. people: those that count them. exact: one more of the totals."""
    counts = f"app org_tag {window} events {people} value"
    return f"""
    rollups.{grain}: event_type utm_source utm_medium device_type geo_country {counts}
    rollups.{grain}_totals: app org_tag {window} events visitors sessions value {exact}
    rollups.{grain}_pages: page_hostname {counts}
    rollups.{grain}_sources: source utm_medium {counts}
    rollups.{grain}_campaigns: utm_source utm_medium {counts}
    """


_IMPERSONAL = f"""
    ingest.runs: app ingest_id state started_at committed_at snapshot_id sequence arrived
    ingest.batches: app etag sha256 ingest_id bytes received stored doubled conflicting quarantined without_consent
        first_event last_event landed_at
    ingest.quarantine: app sha256 line reason field value kept ingest_id replayed_as replayed_at
    ingest.without_consent: ingest_id org_tag hour event_type events
    ingest.unknown_fields: ingest_id events
    ingest.streamed: app source table_uuid snapshot_id sequence rows lines batches landed_at
    {_cuts("hourly", "hour", "visitors sessions")}
    {_cuts("daily", "day", "visitors sessions")}
    {_cuts("weekly", "week", "daily_visitors daily_sessions", "exact")}
    {_cuts("monthly", "month", "daily_visitors daily_sessions", "exact")}
    rollups.windows: app grain window_start org_tag version snapshot_id sequence wanted events built_at pending
    rollups.followed: app snapshot_id sequence followed_at
    sessions.daily: app org_tag day origin duration_seconds events page_views bounced landing_hostname exit_hostname
        first_source first_medium last_source last_medium
    sessions.windows: app day version snapshot_id sequence tracker recomputed built_at pruned
    attribution.organizations: app org_tag org_id conversion_types window_days types_change people_tag sources
        join_devices refund_types currency own_hosts
    attribution.models: model every_touch first_touch last_touch middle_touches half_life_days ordinal
    attribution.exchange_rates: app currency day rate
    attribution.windows: app day version snapshot_id sequence types_change touches conversions built_at changed credited
        pruned bots
    attribution.touches: app day org_tag named_platform click_parameter platform account_id campaign_id reason ad_id
    attribution.sign_ins: app day org_tag
    attribution.conversions: app day org_tag at value refund currency bot credit_day
    attribution.labels: app org_id label kind platform account_id campaign_id text key since until
    attribution.ad_labels: app org_id label kind campaign_id ad_id text key
    attribution.clicks: app org_id platform account_id campaign_id ad_id
    attribution.click_days: app org_id account_id day asked_at
    attribution.credits: app day org_tag account_day platform account_id campaign_id reason visits ad_id
        model currency conversions revenue
    ads.ad_accounts: app org_id id platform account_id connection_id status native_status currency time_zone updated_at
        counted_actions
    ads.campaigns: app {_CAMPAIGNS} {_SEEN} budget budget_type budget_id created_at
    ads.campaign_names: app org_id campaign_id platform account_id name since until
    ads.ad_groups: app {_CAMPAIGNS} {_SEEN} campaign_id bid_amount budget budget_type created_at
    ads.ads: app org_id id ad_group_id platform account_id native_id name status native_status creative_id creative_kind
        headline body landing_page url_parameters created_at source_updated_at updated_at {_SEEN}
    ads.keywords: app org_id id ad_group_id platform account_id native_id text match_type status native_status bid
        quality_score currency source_updated_at updated_at {_SEEN}
    ads.campaign_metrics_daily: app campaign_id {_FACTS}
    ads.ad_group_metrics_daily: app ad_group_id {_FACTS}
    ads.ad_metrics_daily: app ad_id {_FACTS}
    ads.keyword_metrics_daily: app keyword_id {_FACTS}
    ads.conversions_daily: app org_id level entity_id date action attribution_window label platform account_id count
        value currency is_counted is_final sync_run_id
    ads.sync_runs: app id connection_id org_id platform account_id mode started_at finished_at status error_code error
        notes requests
    ads.sync_slices: app id run_id connection_id org_id platform account_id stream since until final_until observed_at
        state remote_job_id attempts pages rows inserted updated deleted error_code error raw_prefix finished_at
    ads.sync_state: app connection_id stream org_id platform account_id synced_through observed_at run_id slice_id
        updated_at
    ads.sync_ranges: app connection_id stream org_id platform account_id longest_days found_at
    ads.restatements: app id org_id platform account_id campaign_id date seen_at sync_run_id currency impressions_before
        impressions_after clicks_before clicks_after spend_before spend_after conversions_before conversions_after
        conversions_value_before conversions_value_after
    experiments.looks: app experiment day name has_ended exposed planned_total ln_evidence mismatched days_left
        looked_at
    experiments.results: app experiment day metric variant is_guardrail fewer_is_better is_control exposed total squares
        difference difference_low difference_high lift lift_low lift_high p detectable_lift verdict why
    audit.entries: seq at app actor work act store place columns rows hash
    audit.followed: app store first_transaction first_id first_changed_at last_transaction last_id
    consent.choices: app org_tag subject_kind source refuses
    cache.entries: namespace family bytes expires_at written_at
    cache.reads: namespace family day reads hits
    cache.access_objects: namespace sha256 lines refused reads hits ingested_at
    cache.access_refusals: namespace line reason field value kept replayed_as replayed_at
    media.images: app etag state reason kept variants bytes_in bytes_out width height changed_at
    media.listings: app listed_at
    archive.revisions: app table_name quarter bucket revision state started_at sealed_at rows rows_added packed_bytes
        line_bytes parts checksum manifest_sha256 snapshot code_version slices
    archive.tombstones: app subject_kind erased_at keyed
    privacy.requests: app id kind origin state plan exemption received_at changed_at waits_until ended_at why receipt
    privacy.steps: app request position place rows objects written gone_by done_at
    privacy.secrets: name
    sealing.keys: key_id first_seen_at unreferenced_since retired_at seals
    retention.deletions: id app store name place intended_rows intended_bytes rows bytes run began_at settled_at why
    retention.pruned_days: app org_tag day quarter commit_id settled rows marked_at
    analysts.readers: login app org_id
    health.looks: app name looked_at
    health.findings: app name subject severity message command since shown_from seen_at resolved_at sent
    health.alerts: key made_at title body severity tries next_at sent_at
    health.samples: measure subject at value
    health.requests: store class day requests
    pacing.buckets: key free_at
    pipelines.migrations: folder number name checksum applied_at
    lake.iceberg_tables: catalog_name table_namespace table_name metadata_location previous_metadata_location
        iceberg_type
    lake.iceberg_namespace_properties: catalog_name namespace property_key property_value
"""

PIPELINES = registry(
    *_POSTGRES,
    *_D1,
    *_R2,
    impersonal={
        "postgres": _IMPERSONAL,
        "d1": "pipelines_migrations: folder number name checksum applied_at\n"
        "backup_log: id table_name changed_at\nbackup_noted: id table_name\n"
        "erasure_requests: id kind organisation requested_at state why changed_at\n"
        "export_requests: id kind organisation requested_at state why expires_at changed_at",
        "r2": "data/ archive/ exports/: key\nlake/ search/ audit/ compliance/ pages/ privacy/receipts/: key content",
    },
)
