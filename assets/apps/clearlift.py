"""ClearLift: web analytics and ad platforms for organisations."""

from assets.apps.model import App, Audience, Table

_TABLES = (
    Table("users", "People who sign in", frozenset({"email", "name", "identity_nonce", "access_sub", "avatar_url"})),
    Table("sessions", "Signed-in sessions", frozenset({"token", "ip_address", "user_agent"})),
    Table("organizations", "Workspaces", frozenset({"settings"})),
    Table("organization_members", "Who belongs to which workspace"),
    Table("platform_connections", "Connected ad accounts", frozenset({"settings", "settings_encrypted"})),
    Table("org_tag_mappings", "Which data tag is whose"),
    Table("invitations", "Invitations to a workspace", frozenset({"email", "token"})),
)

CLEARLIFT = App(
    name="clearlift",
    title="ClearLift",
    owner="team:clearlift-data",
    tables={table.name: table for table in _TABLES},
    d1_migrations="clearlift/d1",
    audience=Audience(org_tags="events/org_tags.sql"),
)
