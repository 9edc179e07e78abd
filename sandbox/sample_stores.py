"""How the sample gets into the stores: its organisations into D1, its batches into the landing zone, its connections.

Each step can run again, because rows have fixed ids, and batches have fixed keys and bytes. A marker object stores when
the sample ends, so that a later run lands no other sample. What does not belong here: what the sample contains.
"""

import gzip
import json
from collections.abc import Callable
from datetime import UTC, datetime

import msgspec

from assets.ads.connections import COLUMN
from assets.apps.clearlift import APP as CLEARLIFT
from assets.events import landing
from resources.d1 import D1
from resources.keyring import Keyring
from resources.r2 import ObjectStore
from sandbox.sample import ORGANISATIONS, Batch
from sandbox.sample_clicks import PaidClicks
from sandbox.server import Sandbox
from sandbox.world.catalogue import Size
from sandbox.world.entities import PLATFORMS, Platform
from sandbox.world.world import World

MARKER = "sample/events.json"
LANDED = "sample/landed.json"
WORLD = "sample/ads.json"
SEED = 7
SIZE = Size()
TABLE = "platform_connections"
OWNER = "user-sample-owner"


def marked(store: ObjectStore) -> datetime | None:
    """When the landed sample ends. None: no sample was landed."""
    if not store.exists(MARKER):
        return None
    return datetime.fromisoformat(msgspec.json.decode(store.get(MARKER))["until"])


def mark(store: ObjectStore, until: datetime) -> datetime:
    """Store when a sample ends, before any of it lands. Returns the end that was stored first."""
    store.put_if_absent(MARKER, msgspec.json.encode({"until": until.isoformat()}))
    return marked(store) or until


def finish(store: ObjectStore) -> None:
    """Store that the whole sample has landed."""
    store.put(LANDED, b"{}")


def land(store: ObjectStore, batch: Batch) -> str:
    """Put one batch into the landing zone as the Worker does. Returns its key."""
    key = f"{landing.zone(CLEARLIFT).hour_prefix(batch.arrival)}batch-{batch.arrival:%M}.ndjson.gz"
    # The same bytes, put again, would count as another delivery.
    store.put_if_absent(key, gzip.compress(b"\n".join(batch.lines) + b"\n", compresslevel=6, mtime=0))
    return key


def fill_d1(d1: D1) -> None:
    """Put the sample's user, organisations, members and tags into D1 as the application writes them."""
    d1.upsert(
        "users",
        ["id", "email", "issuer", "access_sub", "name"],
        [[OWNER, "owner@sample.example", "https://sample.example", "sample-owner", "Sample Owner"]],
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
        [[_id(org.tag), OWNER, "owner"] for org in ORGANISATIONS],
        ["organization_id", "user_id"],
    )
    d1.upsert(
        "org_tag_mappings",
        ["id", "organization_id", "short_tag", "is_active"],
        [[f"tag-{org.tag}", _id(org.tag), org.tag, int(org.active)] for org in ORGANISATIONS],
        ["id"],
    )


def sandbox(store: ObjectStore, clock: Callable[[], datetime], port: int = 0) -> Sandbox:
    """The ad platforms of the sample, not yet started. Every run serves the world of the first run."""
    seed, since = _world(store, clock())
    begun = clock()
    # A world depends on its first day. It starts at the first run's time, and its clock then moves to now.
    today = since.astimezone(UTC).date()
    platforms = Sandbox(seed, lambda: since + (clock() - begun), today=today, size=SIZE, port=port)
    platforms.clock.set(clock())
    return platforms


def paid_clicks(store: ObjectStore, until: datetime) -> PaidClicks:
    """The clicks that bring the sample's sessions, from the world that its platforms serve."""
    seed, since = _world(store, until)
    world = World(seed, since.astimezone(UTC).date(), SIZE)
    owned: dict[str, list[tuple[Platform, str]]] = {}
    places = ((platform, account.id) for platform in PLATFORMS for account in world.accounts(platform))
    for number, place in enumerate(places):
        owned.setdefault(_owner(number), []).append(place)
    return PaidClicks(world, owned, until)


def _world(store: ObjectStore, now: datetime) -> tuple[int, datetime]:
    """The seed of the sample's world, and the time of the first run."""
    store.put_if_absent(WORLD, msgspec.json.encode({"seed": SEED, "since": now.isoformat()}))
    world = msgspec.json.decode(store.get(WORLD))
    return world["seed"], datetime.fromisoformat(world["since"])


def _owner(number: int) -> str:
    """The tag of the organisation that owns the sandbox's account of this number."""
    owners = [org for org in ORGANISATIONS if org.active]
    return owners[number % len(owners)].tag


def fill_connections(d1: D1, keyring: Keyring, platforms: Sandbox) -> int:
    """Put a connection for every account of the sandbox into D1 and return their number. The active organisations share
    the accounts. It changes no existing connection, because its tokens may have been rotated."""
    rows = []
    for number, account in enumerate(platforms.connections()):
        org = _id(_owner(number))
        row = f"{org}-{account.platform}-{account.account_id}"
        sealed = keyring.seal_text(json.dumps(account.credentials), table=TABLE, column=COLUMN, row=row)
        rows.append([row, org, account.platform, account.account_id, account.account_name, OWNER, "{}", sealed])
    columns = ["id", "organization_id", "platform", "account_id", "account_name", "connected_by", "settings", COLUMN]
    d1.upsert(TABLE, columns, rows, ["id"], update=[])
    return len(rows)


def _id(tag: str) -> str:
    return f"org-{tag}"
