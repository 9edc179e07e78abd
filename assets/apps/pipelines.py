"""The pipelines themselves: what belongs to no app, as the owner of jobs and assets over the stores that apps share.

It is none of `APPS`: no room brings anything for it because of its data. What does not belong here: how long our tables
are kept, and whose their rows are (pipelines_lifecycles.py, pipelines_personal.py).
"""

from assets.apps.app import App

MIGRATIONS = "pipelines/postgres"
PIPELINES = App(
    name="pipelines",
    title="ClearLift Pipelines",
    owner="team:pipelines-data",
    tables={},
    postgres_migrations=MIGRATIONS,
)

# Databases that were migrated before there was a second app know the folder by the name of the first.
FORMER_NAMES = {MIGRATIONS: "clearlift/postgres"}
CATALOG_SCHEMA = "lake"
"""The schema of the lake's catalog, whose tables pyiceberg makes."""
ORGANISATION_COLUMNS = ("org_id", "org_tag")
"""In which columns of our tables an organisation's id is."""
NOT_SET_BACK = frozenset(
    {
        "audit.entries",
        "audit.followed",
        "pipelines.migrations",
        f"{CATALOG_SCHEMA}.iceberg_namespace_properties",
        f"{CATALOG_SCHEMA}.iceberg_tables",
    }
)
"""Tables that a restore over what is live leaves as they are: the schema is what it is, and the lake is restored by
itself. The audit trail goes on: what was noted since the backup was done.
"""
PROBES = "doctor"
"""The folder of R2 in which a look puts an object and deletes it."""
REMEMBERED = frozenset(
    {"archive.tombstones", "consent.choices", "privacy.requests", "privacy.secrets", "privacy.steps"}
)
"""Tables to which such a restore only adds: who was erased, now or then, stays erased, under the secret of now, and who
refused still does.
"""
REMEMBERED_OF_APPS = frozenset({"pipelines.audit_log"})
"""The same of an app's own database: who changed what stays known."""
