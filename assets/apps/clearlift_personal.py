"""Whose data ClearLift's own tables, prefixes and keys hold, and what an erasure does to it. Data only."""

from assets.apps.personal import Holding, Sealed, registry

_D1 = (
    Holding(
        "d1",
        "users",
        subjects=(("member", "id"),),
        personal="email name identity_nonce access_sub avatar_url",
        emails="email",
        identifying="access_sub",
        traces="email_encrypted email_hash identity_nonce_encrypted",
        sealed=(
            Sealed("email_encrypted", "email", index="email_hash", blank=""),
            Sealed("identity_nonce_encrypted", "identity_nonce"),
        ),
        erasure="delete",
        reason="after all rows that name the member: two references to it are not null and delete nothing",
    ),
    Holding(
        "d1",
        "sessions",
        subjects=(("member", "user_id"),),
        personal="token ip_address user_agent",
        traces="ip_address_encrypted",
        sealed=(Sealed("ip_address_encrypted", "ip_address", row="token"),),
        erasure="delete",
    ),
    Holding(
        "d1",
        "organizations",
        personal="settings",
        traces="name slug",
        organisation="id",
        erasure="keep",
        reason="the organisation's own, for as long as it stays",
    ),
    Holding(
        "d1",
        "organization_members",
        subjects=(("member", "user_id"),),
        mentions=(("member", "invited_by"),),
        organisation="organization_id",
        erasure="delete",
    ),
    Holding(
        "d1",
        "platform_connections",
        mentions=(("member", "connected_by"),),
        personal="settings settings_encrypted",
        traces="account_name",
        organisation="organization_id",
        blanked_by="clearlift/succeed_member.sql",
        sealed=(Sealed("settings_encrypted", "settings", fields=("oauth", "app")),),
        erasure="blank",
        reason="the row is the organisation's: another member takes the place, the tokens are emptied; it goes where "
        "nobody is left",
    ),
    Holding(
        "d1",
        "invitations",
        subjects=(("invitee", "email"), ("member", "invited_by")),
        personal="email token",
        traces="email_encrypted email_hash",
        emails="email",
        organisation="organization_id",
        sealed=(Sealed("email_encrypted", "email", index="email_hash", blank=""),),
        erasure="delete",
    ),
    Holding("d1", "org_tag_mappings", organisation="organization_id"),
)

_CHOICES = Holding(
    "d1",
    "marketing_choices",
    subjects=(("user", "subject"), ("visitor", "subject")),
    personal="subject subject_kind choice chosen_at",
    organisation="organization_id",
    erasure="delete",
)

_KV = (
    *(
        Holding("kv", family, traces="value", erasure="remake", reason="made of texts that may hold an id")
        for family in ("top_pages", "top_campaigns", "unmatched_campaigns")
    ),
    Holding("kv", "connections", traces="value", erasure="remake", reason="an ad account's name may be a person's"),
)

PERSONAL = registry(
    *_D1,
    _CHOICES,
    *_KV,
    impersonal={
        "d1": """
            users: issuer created_at last_login_at updated_at
            sessions: created_at expires_at
            organizations: id settings.branding settings.features created_at updated_at subscription_tier
            organization_members: organization_id role joined_at
            platform_connections: id organization_id platform account_id connected_at last_synced_at sync_status
                sync_error is_active settings.sync_config
            org_tag_mappings: id organization_id short_tag is_active created_at updated_at
            invitations: id organization_id expires_at created_at
            marketing_choices: id organization_id
        """,
        "r2": "raw/ads/ access/clearlift/ quarantine/access/clearlift/: key content",
        "kv": """
            series top_sources attribution org_tags campaigns platforms currencies: key value
            top_pages top_campaigns unmatched_campaigns connections: key
        """,
    },
)
