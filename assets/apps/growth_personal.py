"""Whose data Growth's own tables hold, and what an erasure does to it. Data only."""

from assets.apps.personal import Holding, Sealed, Unsealed, registry

_TABLES = (
    Holding(
        "app_postgres",
        "marketing.leads",
        subjects=(("lead", "id"), ("lead", "email_key")),
        one_person=True,
        personal="email email_key phone phone_e164 phone_extension company_name company_key name utm metadata",
        emails="email email_key",
        identifying="phone phone_e164",
        traces="name_encrypted",
        sealed=(Sealed("name_encrypted", "name"),),
        unsealed=(
            Unsealed(
                "email email_key phone phone_e164",
                "the database decides by them: who may see a lead, which captures are one lead, what a number is",
            ),
        ),
        doc="What somebody left who was interested: an address, a phone number, where they came from",
        erasure="delete",
    ),
    Holding(
        "app_postgres",
        "marketing.lead_interactions",
        subjects=(("lead", "lead_id"),),
        personal="notes metadata",
        doc="A contact with somebody who was interested: a call, a message, a note",
        erasure="delete",
    ),
    Holding(
        "app_postgres",
        "onboarding.sessions",
        subjects=(("user", "user_id"), ("lead", "lead_id")),
        one_person=True,
        personal="session_token metadata",
        doc="A way through the onboarding, and how far it went",
        erasure="delete",
    ),
    Holding(
        "app_postgres",
        "onboarding.step_activities",
        personal="error metadata",
        traces="session_id",
        doc="What somebody did in a step of the onboarding",
        erasure="delete",
        reason="goes with its session",
    ),
    Holding(
        "app_postgres",
        "analytics.events",
        subjects=(("user", "user_id"), ("lead", "lead_id"), ("visitor", "session_id")),
        one_person=True,
        personal="properties user_agent",
        traces="referrer page",
        doc="What somebody did on the site or in the application",
        erasure="delete",
    ),
    Holding(
        "app_postgres",
        "experiments.assignments",
        subjects=(("user", "user_id"), ("visitor", "session_id")),
        one_person=True,
        doc="Which variant of a test somebody was shown",
        erasure="delete",
    ),
    Holding(
        "app_postgres",
        "whatsapp.accounts",
        subjects=(("user", "user_id"), ("lead", "lead_id")),
        one_person=True,
        personal="waba_id phone_number_id display_phone business_name access_token_ciphertext",
        identifying="waba_id phone_number_id display_phone",
        sealed=(Sealed("access_token_ciphertext", binary=True),),
        doc="A phone number of a WhatsApp Business Account",
        erasure="delete",
    ),
    Holding(
        "app_postgres",
        "whatsapp.templates",
        personal="components",
        traces="account_id rejection_reason",
        doc="A message template of such an account",
        erasure="delete",
        reason="goes with its account",
    ),
    Holding(
        "app_postgres",
        "pipelines.erasure_requests",
        personal="subject",
        erasure="blank",
        reason="the application puts a request here; whom it means is emptied when the request is taken over",
    ),
    Holding(
        "app_postgres",
        "pipelines.export_requests",
        personal="subject object_key url",
        erasure="blank",
        reason="whom it means is emptied when the export is made; the URL when it has expired",
    ),
    Holding(
        "app_postgres",
        "pipelines.audit_log",
        traces="row_id user_id",
        erasure="keep",
        reason="ids alone, which lead to nothing once their rows are gone; it proves the erasure too",
    ),
    Holding(
        "app_postgres",
        "pipelines.rate_limits",
        traces="client",
        erasure="keep",
        reason="a salted hash of an address, which is gone after a day",
    ),
)

PERSONAL = registry(
    *_TABLES,
    impersonal={
        "app_postgres": """
            marketing.leads: phone_read_at country source first_source status capture_count last_captured_at
                capture_window_at capture_window_count consent created_at updated_at
            marketing.lead_interactions: id kind channel occurred_at created_at
            onboarding.sessions: id status current_step progress_percentage signup_completed_at
                business_info_completed_at whatsapp_setup_completed_at bot_setup_completed_at testing_completed_at
                launch_completed_at started_at last_activity_at completed_at abandoned_at created_at updated_at
            onboarding.step_activities: id step kind duration_seconds occurred_at
            analytics.events: id type name country created_at ingested_at
            analytics.event_aggregations: period window_start type name country events sessions users updated_at
            analytics.metrics: metric day dimension value numerator denominator updated_at
            experiments.experiments: id key name status variants traffic_share audience primary_metric
                guardrail_metrics minimum_exposure planned_total alpha started_at ended_at created_at updated_at
            experiments.assignments: id experiment_id variant country bucket assigned_at first_exposed_at
            whatsapp.accounts: id status quality_rating token_expires_at last_synced_at created_at updated_at
            whatsapp.templates: id name language category status submitted_at reviewed_at created_at updated_at
            pipelines.pending_events: event_id occurred_at
            pipelines.stale_windows: kind window_start
            pipelines.audit_log: id changed_at made_by table_name operation columns new_values
            pipelines.erasure_requests: id kind organisation requested_at state why changed_at
            pipelines.export_requests: id kind organisation requested_at state why expires_at changed_at
            pipelines.rate_limits: minute n
            pipelines.settings: is_only_row rate_limit_header rate_limit_position rate_limit_client_per_minute
                rate_limit_email_per_hour rate_limit_salt
            pipelines.migrations: folder number name checksum applied_at
        """,
        "r2": "access/growth/ quarantine/access/growth/ reports/growth/: key content",
        "kv": "leads onboarding: key value",
    },
)
