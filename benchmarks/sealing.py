"""Sealing beside bare AES-GCM, and 100,000 rows of a D1 moved, found and given a new key.

`bare` does for each value what no layout could do without: a random nonce, one AESGCM call with the place of the value,
base64. The rest is ours: the layout, the check of a value, the choice of its key.
"""

import base64
import os
import shutil
from collections.abc import Callable, Mapping
from typing import Any

from cryptography.hazmat.primitives.ciphers.aead import AESGCM

from assets.apps.sesh import APP
from assets.sealing.change_keys import change_key
from assets.sealing.d1 import D1Fields
from assets.sealing.fields import Field, fields_of
from assets.sealing.lookup import ids_of
from assets.sealing.move import Sealer
from benchmarks import dataset, measure
from resources import migrations
from resources.d1 import EmbeddedD1
from resources.keyring import Keyring

VALUES = 200_000
ROWS = int(os.environ.get("SEALING_ROWS", "100000"))
RING = Keyring({1: b"1" * 32})
PLACE = {"table": "users", "column": "emailEncrypted"}
NONCE = 12


def main() -> None:
    """Print both tables."""
    measured = measure.contest("benchmarks.sealing", ("bare_seal", "seal", "bare_open", "open_", "seal_one"), runs=5)
    measure.table(
        f"{VALUES:,} addresses sealed and opened",
        ["contender", "seconds", "values/s", "of bare"],
        [
            [
                name.strip("_").replace("_", " "),
                f"{m.seconds:.2f}",
                f"{VALUES / m.seconds:,.0f}",
                f"{measured['bare_open' if 'open' in name else 'bare_seal'].seconds / m.seconds:.2f}",
            ]
            for name, m in measured.items()
        ],
    )
    stores = measure.contest("benchmarks.sealing", ("moved", "changed", "looked_up"), runs=1)
    measure.table(
        f"{ROWS:,} rows of a D1 with a change log, embedded",
        ["what", "seconds", "CPU seconds", "peak MB", "rows/s"],
        [
            [
                name.replace("_", " "),
                f"{m.seconds:.1f}",
                f"{m.cpu:.1f}",
                f"{m.peak_mb:,.0f}",
                f"{m.details['rows'] / m.seconds:,.0f}",
            ]
            for name, m in stores.items()
        ],
    )


def bare_seal() -> Callable[[], None]:
    """AESGCM itself."""
    values, cipher = _values(), AESGCM(b"1" * 32)

    def work() -> None:
        nonces = os.urandom(NONCE * VALUES)
        for n, (row, value) in enumerate(values):
            nonce = nonces[n * NONCE : (n + 1) * NONCE]
            base64.b64encode(nonce + cipher.encrypt(nonce, value.encode(), row.encode())).decode()

    return work


def bare_open() -> Callable[[], None]:
    """AESGCM itself."""
    values, cipher = _values(), AESGCM(b"1" * 32)
    nonce = bytes(NONCE)
    sealed = [(row, base64.b64encode(nonce + cipher.encrypt(nonce, v.encode(), row.encode()))) for row, v in values]

    def work() -> None:
        for row, text in sealed:
            data = base64.b64decode(text)
            cipher.decrypt(data[:NONCE], data[NONCE:], row.encode()).decode()

    return work


def seal() -> Callable[[], None]:
    """Ours, page by page."""
    values = _values()

    def work() -> None:
        for start in range(0, VALUES, 1_000):
            RING.seal_texts(values[start : start + 1_000], **PLACE)

    return work


def seal_one() -> Callable[[], None]:
    """Ours, value by value."""
    values = _values()

    def work() -> None:
        for row, value in values:
            RING.seal_text(value, **PLACE, row=row)

    return work


def open_() -> Callable[[], None]:
    """Ours, page by page."""
    values = _values()
    sealed = list(zip([row for row, _ in values], RING.seal_texts(values, **PLACE), strict=True))

    def work() -> None:
        for start in range(0, VALUES, 1_000):
            RING.open_texts(sealed[start : start + 1_000], **PLACE)

    return work


def moved() -> Callable[[], Mapping[str, Any]]:
    """Every address in clear sealed, read back, blanked."""
    store, field = D1Fields(_d1("moved")), _field()

    def work() -> Mapping[str, Any]:
        found = Sealer(store, RING).move(field)
        assert (found.blanked, found.left) == (ROWS, 0)
        return {"rows": ROWS}

    return work


def changed() -> Callable[[], Mapping[str, Any]]:
    """Every address sealed again with a new key."""
    store, field = D1Fields(_d1("changed")), _field()
    Sealer(store, RING).move(field)
    ring = RING.with_new_key()

    def work() -> Mapping[str, Any]:
        assert change_key(store, field, ring).sealed == ROWS
        return {"rows": ROWS}

    return work


def looked_up() -> Callable[[], Mapping[str, Any]]:
    """Addresses looked up one by one, by their indexes of two keys."""
    store, field = D1Fields(_d1("looked-up")), _field()
    Sealer(store, RING).move(field)
    ring, wanted = RING.with_new_key(), range(0, ROWS, max(1, ROWS // 1_000))

    def work() -> Mapping[str, Any]:
        for n in wanted:
            assert ids_of(store, field, ring, f"Person{n}@Sesh.example") == [f"u{n}"]
        return {"rows": len(wanted)}

    return work


def _values() -> list[tuple[str, str]]:
    return [(f"user-{n}", f"person{n}@example.com") for n in range(VALUES)]


def _field() -> Field:
    return next(fields_of(APP, "d1"))


def _d1(name: str) -> EmbeddedD1:
    folder = dataset.ROOT / "sealing" / name
    shutil.rmtree(folder, ignore_errors=True)
    d1 = EmbeddedD1(folder / "sesh.sqlite")
    migrations.up(migrations.D1AppliedMigrations(d1), "sesh/d1")
    d1.upsert("users", ["id", "email"], ([f"u{n}", f"person{n}@sesh.example"] for n in range(ROWS)), ["id"])
    return d1
