"""Growth: leads, onboarding, events, experiments and WhatsApp accounts of a platform, in a Postgres of its own."""

from assets.apps.app import App
from assets.apps.growth_lifecycles import LIFECYCLES
from assets.apps.growth_personal import PERSONAL
from assets.apps.growth_queries import QUERIES
from assets.apps.model import CacheFamily, Experiments, Growth

APP = App(
    name="growth",
    title="Growth",
    owner="team:growth-data",
    tables={},
    postgres_migrations="growth/postgres",
    growth=Growth(
        statements="growth",
        events="analytics.events",
        aggregations="analytics.event_aggregations",
        metrics="analytics.metrics",
        leads="marketing.leads",
        onboarding="onboarding.sessions",
        accounts="whatsapp.accounts",
        templates="whatsapp.templates",
        reports="reports/growth/",
    ),
    cache=(
        CacheFamily(
            "leads",
            "Leads by source and status, by range of days",
            "dashboard:leads:{range}",
            "app_postgres",
            "growth/cache/leads.sql",
            (("leads", "phones"),),
        ),
        CacheFamily(
            "onboarding",
            "Onboardings by step and status, by range of days",
            "dashboard:onboarding:{range}",
            "app_postgres",
            "growth/cache/onboarding.sql",
            (("onboarding", "inactive"),),
        ),
    ),
    experiments=Experiments(
        table="experiments.experiments",
        assignments="experiments.assignments",
        events="analytics.events",
        exposures="growth/experiment_exposures.sql",
        outcomes="growth/experiment_outcomes.sql",
    ),
    own_lifecycles=LIFECYCLES,
    personal=PERSONAL,
    hot_queries=QUERIES,
)
