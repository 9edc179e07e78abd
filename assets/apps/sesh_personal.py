"""Whose data Sesh's own tables, prefixes and keys hold, and what an erasure does to it. Data only."""

from assets.apps.personal import ROW, Holding, Sealed, Subject, registry
from assets.apps.pipelines_personal import REFUSED_LINES, TAKEN_OBJECTS

_OWN: tuple[Subject, ...] = (("user", "userId"),)
_LINES: tuple[Subject, ...] = (("user", "content.userId"),)


def _own(name: str, personal: str, reason: str = "", *sealed: Sealed, doc: str = "") -> Holding:
    """A table whose rows are a user's, by userId."""
    traces = " ".join(rule.into for rule in sealed)
    return Holding(
        "d1", name, _OWN, personal=personal, traces=traces, sealed=sealed, erasure="delete", reason=reason, doc=doc
    )


_D1 = (
    Holding(
        "d1",
        "users",
        subjects=(("user", "id"),),
        personal="email displayName avatarImageId timeZone profile",
        emails="email",
        traces="emailEncrypted emailHash",
        sealed=(Sealed("emailEncrypted", "email", index="emailHash", blank=ROW),),
        erasure="delete",
    ),
    _own("user_preferences", "preferences dashboardLayout"),
    _own("inventory", "quantity priceCents details purchasedAt"),
    _own(
        "medical_symptoms",
        "symptom severityBefore severityAfter details timestamp",
        "",
        Sealed("symptomEncrypted", "symptom", blank=""),
        Sealed("detailsEncrypted", "details", blank="{}"),
    ),
    _own(
        "journal_entries",
        "title content mood tags imageIds timestamp",
        "",
        Sealed("titleEncrypted", "title"),
        Sealed("contentEncrypted", "content", blank=""),
    ),
    _own(
        "sessions_*", "userId notes details rating amount timestamp", doc="What a user consumed, when, and how it was"
    ),
    _own("points_*", "userId at measures", doc="What a user's device measured during a session"),
    *(
        _own(
            f"metrics_{grain}",
            "userId entries total least most",
            "no reference deletes them with the user; the sums of all users together stay",
            doc="A figure of a user's sessions and measurements, for a span of time",
        )
        for grain in ("*", "daily", "weekly", "monthly")
    ),
    Holding(
        "d1",
        "change_log",
        subjects=(("user", "row_id"), ("user", "old_keys.userId"), ("user", "new_keys.userId")),
        personal="row_id old_keys new_keys",
        erasure="delete",
        doc="A change of a row of a user: which row and when, without what was changed",
        reason="last, once all readers are past it: a deletion of a person's rows writes their ids here again",
    ),
    _own("pruned_sessions", "", "after the media of the session", doc="A session whose images are being deleted"),
    Holding(
        "d1",
        "partitions",
        traces="copiedTo",
        erasure="keep",
        reason="the key of the last copied row, overwritten while the month is folded",
    ),
    Holding("d1", "point_objects", traces="objectKey", erasure="keep", reason=TAKEN_OBJECTS),
    Holding("d1", "point_quarantine", traces="objectKey", erasure="keep", reason=TAKEN_OBJECTS),
)

_R2 = (
    Holding(
        "r2",
        "sesh/points/",
        _LINES,
        personal="content",
        traces="key",
        erasure="delete",
        doc="A measurement, as a device sent it",
    ),
    Holding(
        "r2",
        "quarantine/points/",
        _LINES,
        personal="content",
        erasure="delete",
        reason=REFUSED_LINES,
        doc="A measurement that could not be taken, and why",
    ),
    Holding(
        "r2",
        "access/sesh/",
        traces="content",
        erasure="keep",
        reason="counts the reads of keys, some of which name a person; deleted after 8 days",
    ),
    Holding(
        "r2",
        "quarantine/access/sesh/",
        traces="content",
        erasure="keep",
        reason="refused lines of the access log; deleted after 9 days",
    ),
    *(
        Holding("r2", prefix, (("user", "key.userId"),), personal="key content", erasure="delete", doc=doc)
        for prefix, doc in (
            ("user-media/", "An image or video that a user uploaded, or a smaller copy of it"),
            ("quarantine/user-media/", "An image that a user uploaded and that could not be read"),
        )
    ),
)

_KV = (
    *(
        Holding("kv", family, (("user", "key.id"),), personal="value", erasure="delete")
        for family in ("user_preferences", "dashboard_layout", "user:{id}:profile")
    ),
    *(
        Holding("kv", family, (("user", "key.userId"),), personal="value", erasure="delete")
        for family in ("user:{userId}:inventory", "user:{userId}:symptoms", "user:{userId}:journal")
    ),
    Holding(
        "kv",
        "journal:{id}",
        personal="value",
        traces="key",
        erasure="delete",
        reason="by the ids of the person's entries, which are read before the entries are deleted",
    ),
    Holding("kv", "strain:{id}:reviews", traces="value", erasure="remake", reason="people write reviews"),
)

PERSONAL = registry(
    *_D1,
    *_R2,
    *_KV,
    impersonal={
        "d1": """
            users: subscriptionTier createdAt updatedAt
            user_preferences: createdAt updatedAt
            inventory: id strainId productId dispensaryId unit currency createdAt updatedAt
            medical_symptoms journal_entries: id sessionId strainId createdAt updatedAt
            sessions_*: id strainId productId method unit durationSeconds createdAt updatedAt
            points_*: sessionId seq
            metrics_* metrics_daily metrics_weekly metrics_monthly: windowStart metric
            change_log: id table_name operation changed_at
            change_log_readers: reader last_id read_at
            pruned_sessions: sessionId
            partitions: family name startsAt endsAt grain state rowCount checksum createdAt updatedAt
            partition_families: family version
            job_places: job place updatedAt
            stale_metrics: grain windowStart
            point_objects: etag sha256 received stored doubled quarantined ingestedAt
            point_quarantine: sha256 line reason field value kept quarantinedAt replayedAs replayedAt
            strains: id name type description thcPercent cbdPercent effects flavors attributes isActive createdAt
                updatedAt
            products: id strainId name brand category description thcPercent cbdPercent attributes isActive unit
                createdAt updatedAt
            dispensaries: id name address city region country latitude longitude openingHours attributes isActive
                createdAt updatedAt
            strain_terms: term strainId
            product_terms: term productId
        """,
        "r2": "quarantine/points/ access/sesh/ quarantine/access/sesh/: key",
        "kv": """
            strains_list strain search_strains products_list product search_products: key value
            dispensaries_list dispensary: key value
            strain:{id}:products product:{id}:details strain:{strainId}:products dispensary:{id}:details: key value
            strain:{id}:reviews: key
        """,
    },
)
