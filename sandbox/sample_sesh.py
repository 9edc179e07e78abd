"""Sesh's part of the sample: seeded users with their preferences, stock, symptoms and journal, and the catalogue.

The same seed and end time give the same rows, with fixed ids. To fill again therefore changes nothing. What does not
belong here: sessions (`sample_sesh_sessions`) and images (`sample_media`).
"""

import json
import random
from collections.abc import Iterator, Sequence
from datetime import UTC, datetime, timedelta
from typing import Any

from resources.d1 import D1

SEED = 11
USERS = 40
DISPENSARIES = 12
DAYS = 120

_STRAINS = (
    ("Blue Dream", "hybrid", 21.0, 0.1), ("Northern Lights", "indica", 18.0, 0.1), ("Sour Diesel", "sativa", 22.0, 0.2),
    ("Granddaddy Purple", "indica", 20.0, 0.1), ("Jack Herer", "sativa", 18.5, 0.1), ("OG Kush", "hybrid", 19.0, 0.3),
    ("Girl Scout Cookies (Thin Mint)", "hybrid", 24.0, 0.1), ("AK-47", "hybrid", 19.5, 0.2),
    ("Crème Brûlée", "hybrid", 20.0, 0.1), ("Harlequin", "sativa", 7.5, 9.0), ("Durban Poison", "sativa", 20.5, 0.1),
    ("Hindu Kush", "indica", 18.0, 0.2), ("Pineapple Express", "hybrid", 19.0, 0.1), ("ACDC", "hybrid", 1.5, 16.0),
    ("Purple Kush", "indica", 20.0, 0.1), ("Maui Wowie", "sativa", 17.5, 0.1),
)  # fmt: skip
_EFFECTS = ("relaxed", "happy", "euphoric", "uplifted", "creative", "focused", "sleepy", "hungry")
_FLAVORS = ("earthy", "citrus", "pine", "berry", "diesel", "sweet", "spicy", "herbal")
_CATEGORIES = (("flower", "3.5 g", "g"), ("pre-roll", "Pre-Roll", "piece"), ("vaporizer", "Cartridge", "piece"))
_BRANDS = ("Verdant Row", "Hollow Pine", "Meridian Farms")
_CITIES = (("Oakland", "CA", 37.80, -122.27), ("Portland", "OR", 45.52, -122.68), ("Denver", "CO", 39.74, -104.99))
_NAMES = ("Alder", "Juniper", "Sage", "Rowan", "Linden", "Hazel", "Maple", "Cedar", "Fern", "Willow", "Briar", "Laurel")
_SYMPTOMS = ("insomnia", "back pain", "anxiety", "nausea", "migraine")
_MOODS = ("calm", "cheerful", "tired", "restless")


def fill(d1: D1, until: datetime) -> dict[str, int]:
    """Put the sample's rows, as of `until`, into Sesh's D1. It changes no existing row. Returns rows by table."""
    counts: dict[str, int] = {}
    for table, key, rows in _tables(random.Random(SEED), until):  # noqa: S311 (a sample, no secret)
        d1.upsert(table, list(rows[0]), [list(row.values()) for row in rows], [key], update=[])
        counts[table] = len(rows)
    return counts


def _tables(rng: random.Random, until: datetime) -> Iterator[tuple[str, str, list[dict[str, Any]]]]:
    """Each table with its key and rows, parents before children."""
    first = until - timedelta(days=DAYS)
    users = [_user(rng, n, first) for n in range(USERS)]
    strains = [_strain(rng, n, first) for n in range(len(_STRAINS))]
    products = [_product(rng, strain, n, first) for strain in strains for n in range(len(_CATEGORIES))]
    dispensaries = [_dispensary(rng, n, first) for n in range(DISPENSARIES)]
    yield "users", "id", users
    yield "user_preferences", "userId", [_preferences(rng, user) for user in users]
    yield "strains", "id", strains
    yield "products", "id", products
    yield "dispensaries", "id", dispensaries
    yield "inventory", "id", [_stock(rng, user, n, products, until) for user in users for n in range(3)]
    yield "medical_symptoms", "id", [_symptom(rng, user, n, strains, until) for user in users[::2] for n in range(6)]
    yield "journal_entries", "id", [_entry(rng, user, n, strains, until) for user in users for n in range(5)]


def _user(rng: random.Random, n: int, first: datetime) -> dict[str, Any]:
    since = _text(first + timedelta(days=rng.uniform(0, 30)))
    return {
        "id": f"user-{n:03}",
        "email": f"user{n:03}@sesh.example",
        "displayName": f"{rng.choice(_NAMES)} {n:03}",
        "timeZone": rng.choice(("America/Los_Angeles", "America/Denver", "UTC")),
        "subscriptionTier": rng.choices(("free", "plus"), (3, 1))[0],
        **_dated(since),
    }


def _preferences(rng: random.Random, user: dict[str, Any]) -> dict[str, Any]:
    widgets = rng.sample(("sessions", "inventory", "symptoms", "journal", "strains"), 4)
    layout = {
        "columns": 2,
        "widgets": [{"name": name, "row": n // 2, "column": n % 2} for n, name in enumerate(widgets)],
    }
    return {
        "userId": user["id"],
        "preferences": _json({"theme": rng.choice(("light", "dark")), "units": "metric", "weekStart": "monday"}),
        "dashboardLayout": _json(layout) if rng.random() < 0.8 else None,
        "createdAt": user["createdAt"],
        "updatedAt": user["updatedAt"],
    }


def _strain(rng: random.Random, n: int, first: datetime) -> dict[str, Any]:
    name, kind, thc, cbd = _STRAINS[n]
    return {
        "id": f"strain-{n:03}",
        "name": name,
        "type": kind,
        "description": f"{name}: {kind}, mostly {rng.choice(_FLAVORS)}.",
        "thcPercent": thc,
        "cbdPercent": cbd,
        "effects": _json(rng.sample(_EFFECTS, 3)),
        "flavors": _json(rng.sample(_FLAVORS, 2)),
        **_dated(_text(first)),
    }


def _product(rng: random.Random, strain: dict[str, Any], n: int, first: datetime) -> dict[str, Any]:
    category, form, unit = _CATEGORIES[n]
    return {
        "id": f"product-{strain['id'][-3:]}-{n}",
        "strainId": strain["id"],
        "name": f"{strain['name']} {form}",
        "brand": rng.choice(_BRANDS),
        "category": category,
        "thcPercent": strain["thcPercent"],
        "cbdPercent": strain["cbdPercent"],
        "attributes": _json({"unit": unit}),
        **_dated(_text(first)),
    }


def _dispensary(rng: random.Random, n: int, first: datetime) -> dict[str, Any]:
    city, region, latitude, longitude = _CITIES[n % len(_CITIES)]
    return {
        "id": f"dispensary-{n:03}",
        "name": f"{_NAMES[n % len(_NAMES)]} & Co.",
        "city": city,
        "region": region,
        "country": "US",
        "latitude": round(latitude + rng.uniform(-0.1, 0.1), 5),
        "longitude": round(longitude + rng.uniform(-0.1, 0.1), 5),
        "openingHours": _json({"weekdays": "09:00-21:00", "weekends": "10:00-20:00"}),
        **_dated(_text(first)),
    }


def _stock(
    rng: random.Random, user: dict[str, Any], n: int, products: Sequence[dict[str, Any]], until: datetime
) -> dict[str, Any]:
    product = rng.choice(products)
    bought = _text(until - timedelta(days=rng.uniform(1, 60)))
    return {
        "id": f"stock-{user['id'][-3:]}-{n}",
        "userId": user["id"],
        "strainId": product["strainId"],
        "productId": product["id"],
        "dispensaryId": f"dispensary-{rng.randrange(DISPENSARIES):03}",
        "quantity": round(rng.uniform(0, 7), 1),
        "unit": json.loads(product["attributes"])["unit"],
        "priceCents": rng.randrange(1_000, 6_000, 50),
        "currency": "USD",
        "purchasedAt": bought,
        **_dated(bought),
    }


def _symptom(
    rng: random.Random, user: dict[str, Any], n: int, strains: Sequence[dict[str, Any]], until: datetime
) -> dict[str, Any]:
    at, before = _text(until - timedelta(days=rng.uniform(0, 60))), rng.randint(4, 9)
    return {
        "id": f"symptom-{user['id'][-3:]}-{n}",
        "userId": user["id"],
        "strainId": rng.choice(strains)["id"],
        "symptom": rng.choice(_SYMPTOMS),
        "severityBefore": before,
        "severityAfter": rng.randint(1, before),
        "timestamp": at,
        **_dated(at),
    }


def _entry(
    rng: random.Random, user: dict[str, Any], n: int, strains: Sequence[dict[str, Any]], until: datetime
) -> dict[str, Any]:
    at, strain, mood = _text(until - timedelta(days=rng.uniform(0, 60))), rng.choice(strains), rng.choice(_MOODS)
    return {
        "id": f"entry-{user['id'][-3:]}-{n}",
        "userId": user["id"],
        "strainId": strain["id"],
        "title": f"Evening with {strain['name']}",
        "content": f"Felt {mood} after an hour; would take it again.",
        "mood": mood,
        "tags": _json(rng.sample(("evening", "weekend", "sleep", "music", "pain"), 2)),
        "timestamp": at,
        **_dated(at),
    }


def _dated(at: str) -> dict[str, str]:
    return {"createdAt": at, "updatedAt": at}


def _json(value: object) -> str:
    return json.dumps(value, ensure_ascii=False, separators=(",", ":"))


def _text(at: datetime) -> str:
    return at.astimezone(UTC).isoformat(timespec="milliseconds").replace("+00:00", "Z")
