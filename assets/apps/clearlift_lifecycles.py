"""How long ClearLift's own tables are kept. What our own stores hold of it: pipelines_lifecycles.py. Pure."""

from assets.apps.lifecycle import LARGE_SHARE, Lifecycle, kept

_OWN = "goes with its organisation or user, by erasure"


def _short(name: str, time: str, days: int, not_archived: str) -> Lifecycle:
    return Lifecycle(
        "d1",
        name,
        time,
        not_archived=not_archived,
        delete_after_days=days,
        requires=("expired",),
        expires="expires_at",
        largest_share=LARGE_SHARE,
    )


LIFECYCLES = (
    kept("d1", "users", _OWN),
    kept("d1", "organizations", _OWN),
    kept("d1", "organization_members", _OWN, time="joined_at"),
    kept("d1", "platform_connections", _OWN),
    kept("d1", "org_tag_mappings", _OWN),
    kept("d1", "marketing_choices", "a refusal holds until its person agrees again"),
    _short("sessions", "created_at", 30, "a signed-in session says nothing once it is over"),
    _short("invitations", "expires_at", 0, "an invitation says nothing once it is over"),
)
