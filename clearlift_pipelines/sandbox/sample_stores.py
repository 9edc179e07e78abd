"""Putting the sample into the stores: its organisations into D1, its batches into the landing zone.

Both may be done again: rows have fixed ids, batches fixed keys and bytes. The marker object remembers when the sample
ended, so that a later run does not land another one.
"""

import gzip
from datetime import datetime

import msgspec

from assets.events import landing
from clearlift_pipelines.sandbox.sample import ORGANISATIONS, Batch
from resources.d1 import D1
from resources.r2 import ObjectStore

MARKER = "sample/events.json"
LANDED = "sample/landed.json"


def marked(store: ObjectStore) -> datetime | None:
    """When the landed sample ends; None where none was landed."""
    if not store.exists(MARKER):
        return None
    return datetime.fromisoformat(msgspec.json.decode(store.get(MARKER))["until"])


def mark(store: ObjectStore, until: datetime) -> datetime:
    """Remember a sample's end before any of it lands; returns the end that was remembered first."""
    store.put_if_absent(MARKER, msgspec.json.encode({"until": until.isoformat()}))
    return marked(store) or until


def finish(store: ObjectStore) -> None:
    """Remember that all of the sample has landed."""
    store.put(LANDED, b"{}")


def land(store: ObjectStore, batch: Batch) -> str:
    """Put one batch into the landing zone as the Worker would; returns its key."""
    key = f"{landing.hour_prefix(batch.arrival)}batch-{batch.arrival:%M}.ndjson.gz"
    store.put(key, gzip.compress(b"\n".join(batch.lines) + b"\n", compresslevel=6, mtime=0))
    return key


def fill_d1(d1: D1) -> None:
    """Users, organisations, members and tags of the sample, as ClearLift's own application would have made them."""
    owner = "user-sample-owner"
    d1.upsert(
        "users",
        ["id", "email", "issuer", "access_sub", "name"],
        [[owner, "owner@sample.example", "https://sample.example", "sample-owner", "Sample Owner"]],
        ["id"],
    )
    d1.upsert(
        "organizations",
        ["id", "name", "slug", "subscription_tier"],
        [[_id(org.tag), org.name, org.slug, org.tier] for org in ORGANISATIONS],
        ["id"],
    )
    d1.upsert(
        "organization_members",
        ["organization_id", "user_id", "role"],
        [[_id(org.tag), owner, "owner"] for org in ORGANISATIONS],
        ["organization_id", "user_id"],
    )
    d1.upsert(
        "org_tag_mappings",
        ["id", "organization_id", "short_tag", "is_active"],
        [[f"tag-{org.tag}", _id(org.tag), org.tag, int(org.active)] for org in ORGANISATIONS],
        ["id"],
    )


def _id(tag: str) -> str:
    return f"org-{tag}"
