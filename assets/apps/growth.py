"""Growth: leads, onboarding, events, experiments and WhatsApp accounts of a platform, in a Postgres of its own."""

from assets.apps.app import App
from assets.apps.growth_lifecycles import LIFECYCLES
from assets.apps.growth_personal import PERSONAL
from assets.apps.model import Growth

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
    own_lifecycles=LIFECYCLES,
    personal=PERSONAL,
)
