"""Values that lie in the stores for certain: a search that does not find them is blind, and proves nothing.

In R2 they are planted, in each format that objects have. In a database it is the checksum of its newest migration, in
KV a key that the index knows, in Dagster's storage the newest run. What belongs here: these values. What does not: the
search.
"""

import base64
import gzip
import io
import json
import secrets
import zipfile
from collections.abc import Iterator, Mapping
from contextlib import contextmanager

import pyarrow as pa
import pyarrow.parquet as pq
from dagster import DagsterInstance

from assets.apps import App
from assets.rooms import Rooms
from assets.search import d1, history, keys, objects, postgres
from resources.declined import DeclinedError
from resources.sql_files import read_sql


class BlindSearchError(DeclinedError):
    """What lies in a store for certain was not found there."""

    retryable = True

    def __init__(self, places: list[str]) -> None:
        super().__init__(
            f"the search is blind in {', '.join(places)}: it did not find what lies there for certain",
            "run the same again; where it stays so, `clearlift doctor` says what of these stores does not answer",
        )


@contextmanager
def planted(rooms: Rooms, app: App, instance: DagsterInstance) -> Iterator[Mapping[str, tuple[str, int]]]:
    """By place, what lies there for the length of the block, and how often at least it must be found."""
    token = secrets.token_hex(16)
    found: dict[str, tuple[str, int]] = {}
    for place, text in _known(rooms, app, instance):
        found[place] = text, 1
    store, forms = rooms.object_store, _forms(token)
    names = [f"search/{app.name}/{form}" for form in forms]
    for name, data in zip(names, forms.values(), strict=True):
        store.put(name, data)
    try:
        yield {**found, objects.PLACE: (token, len(names))}
    finally:
        store.delete(names)


def _known(rooms: Rooms, app: App, instance: DagsterInstance) -> Iterator[tuple[str, str]]:
    newest = "select checksum from {} order by applied_at desc, number desc limit 1"
    if app.d1_migrations is not None:
        yield d1.PLACE, rooms.d1(app).query(newest.format("pipelines_migrations"))[0]["checksum"]
    ours = rooms.postgres_of_login.fetch(newest.format("pipelines.migrations"))
    yield postgres.PLACE, ours[0]["checksum"]
    if app.postgres_migrations is not None:
        own = rooms.app_postgres(app).fetch(newest.format("pipelines.migrations"))
        yield postgres.OWN_PLACE, own[0]["checksum"]
    if app.has_kv:
        beyond = {"app": app.name, "until": rooms.clock() + rooms.kv(app).settles_within}
        yield from ((keys.PLACE, row["key"]) for row in rooms.postgres.fetch(read_sql("search/known_key.sql"), beyond))
    if (run := history.known_run(instance)) is not None:
        yield history.PLACE, run


def _forms(token: str) -> dict[str, bytes]:
    """Objects that hold a text, by their names: each shows it in one form alone."""
    line = json.dumps({"line": 1, "raw": base64.b64encode(f'{{"id":"{token}"}}'.encode()).decode()}).encode()
    table, packed = io.BytesIO(), io.BytesIO()
    # Without statistics, the text lies in a compressed dictionary alone.
    values = pa.table({"id": [token] * 3})
    pq.write_table(values, table, compression="zstd", write_statistics=False)
    with zipfile.ZipFile(packed, "w", zipfile.ZIP_DEFLATED) as file:
        file.writestr("canary.json", json.dumps([token] * 3))
    return {
        "canary.json": json.dumps({"id": token}).encode(),
        "canary.ndjson.gz": gzip.compress(line),
        "canary.parquet": table.getvalue(),
        "canary.zip": packed.getvalue(),
    }
