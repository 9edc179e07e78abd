"""Growth: leads, onboarding, events, experiments and WhatsApp accounts of a platform, in a Postgres of its own."""

from assets.apps.app import App
from assets.apps.growth_lifecycles import LIFECYCLES
from assets.apps.growth_personal import PERSONAL

APP = App(
    name="growth",
    title="Growth",
    owner="team:growth-data",
    tables={},
    postgres_migrations="growth/postgres",
    own_lifecycles=LIFECYCLES,
    personal=PERSONAL,
)
