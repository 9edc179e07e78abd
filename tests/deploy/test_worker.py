"""The tracking Worker on Cloudflare's own runtime: what it takes, refuses and lands, whatever fails or is killed."""

import gzip
import json
import os
import random
import re
import subprocess
import time
from collections import Counter
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from contextlib import suppress
from datetime import UTC, date, datetime
from pathlib import Path
from typing import Any

import psutil
import pytest
import requests
from hypothesis import given, settings
from hypothesis import strategies as st
from jsonschema import Draft202012Validator

from assets.apps.clearlift import APP as CLEARLIFT
from assets.apps.sesh import APP as SESH
from assets.events import landing
from assets.events.record import NAMES
from assets.events.schema import schema
from assets.events.validation import Admission, sift
from assets.points.landing import zone as points_zone
from assets.windows import midnight
from resources.r2 import Bucket, BucketObjectStore, ObjectStore
from sandbox import sample
from tests.deploy.tracking import EVENT, SECRETS, SOURCES, key, post, served
from tests.workerd.local_runtime import Workerd, skip_without_runtime

pytestmark = pytest.mark.xdist_group("workerd")

PAGE = Path(__file__).resolve().parents[2] / "docs" / "landing.md"
ADMISSION = Admission(
    {"a3f7c2": True, "b8e9d1": True}, datetime(2020, 1, 1, tzinfo=UTC), datetime(2100, 1, 1, tzinfo=UTC)
)


@pytest.fixture(scope="module")
def worker(request: pytest.FixtureRequest, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Workerd]:
    """The Worker over an R2 that never fails."""
    skip_without_runtime(request, "the tracking Worker")
    with served(tmp_path_factory.mktemp("worker"), origins="https://shop.example, https://other.example") as local:
        yield local


def landed(objects: ObjectStore, prefix: str) -> dict[str, list[dict[str, Any]]]:
    """The lines of each object below a prefix."""
    return {
        info.key: [json.loads(line) for line in gzip.decompress(objects.get(info.key)).splitlines()]
        for info in objects.list(prefix)
    }


def waited(objects: ObjectStore, prefix: str, count: int, seconds: float = 30) -> list[dict[str, Any]]:
    """All lines below a prefix, as soon as there are so many."""
    until = time.monotonic() + seconds
    while True:
        lines = [line for found in landed(objects, prefix).values() for line in found]
        if len(lines) >= count or time.monotonic() > until:
            return lines
        time.sleep(0.2)


def objects_of(local: Workerd) -> BucketObjectStore:
    return BucketObjectStore(
        Bucket(
            endpoint=local.s3_endpoint,
            name=local.bucket,
            access_key_id=local.access_key_id,
            secret_access_key=local.secret_access_key,
        )
    )


def test_events_land_as_lines_of_the_record(worker: Workerd) -> None:
    browser = {"user-agent": "Mozilla/5.0", "x-forwarded-for": "203.0.113.9"}
    one = post(worker, {**EVENT, "event_id": "one", "org_tag": "b8e9d1", "user_agent": "a lie"}, headers=browser)
    assert (one.status_code, one.json()) == (202, {"accepted": 1, "without_consent": 0, "refused": []})
    several = [{**EVENT, "event_id": f"array{n}", "timestamp": "2026-11-20T10:00:00+01:00"} for n in range(3)]
    assert post(worker, several).json()["accepted"] == 3
    lines = "\n".join(json.dumps({**EVENT, "event_id": f"line{n}", "shop": {"colour": "red"}}) for n in range(2))
    beacon = requests.post(f"{worker.url}/events?key={key('b8e9d1', secret=SECRETS[1])}", data=lines, timeout=30)
    assert beacon.json()["accepted"] == 2

    found = waited(objects_of(worker), "landing/events/", 6)
    by_id = {line["event_id"]: line for line in found}
    assert by_id.keys() == {"one", "array0", "array1", "array2", "line0", "line1"}
    assert (by_id["one"]["org_tag"], by_id["one"]["user_agent"]) == ("a3f7c2", "Mozilla/5.0")
    assert by_id["array0"]["timestamp"] == "2026-11-20T10:00:00+01:00"
    assert (by_id["line1"]["org_tag"], by_id["line1"]["shop"]) == ("b8e9d1", {"colour": "red"})
    assert "203.0.113.9" not in json.dumps(found)
    zone = landing.zone(CLEARLIFT)
    keys = [info.key for info in objects_of(worker).list("landing/events/")]
    assert all(zone.is_batch(name) for name in keys)
    sifted = sift(b"\n".join(json.dumps(line).encode() for line in found), ADMISSION)
    assert (sifted.received, sifted.refusals) == (6, [])


def test_without_consent_nothing_lands(worker: Workerd) -> None:
    events = [{**EVENT, "event_id": "silent", "consent_analytics": agreed} for agreed in (False, True, "yes", None)]
    answer = post(worker, [{**event, "event_id": f"consent{n}"} for n, event in enumerate(events)]).json()
    assert answer == {
        "accepted": 1,
        "without_consent": 1,
        "refused": [
            {"index": 2, "field": "consent_analytics", "reason": "wrong_type"},
            {"index": 3, "field": "consent_analytics", "reason": "missing_field"},
        ],
    }


@pytest.mark.parametrize(
    ("body", "status"),
    [
        (b"", 202),
        (b"not json", 400),
        (b'{"a": 1}\n{"b"', 400),
        (b"\xff\xfe\x00", 400),
        (b"[" * 200_000, 400),
        (b"7", 422),
        (b"null", 422),
        (b'[[], "x", null]', 422),
        (b'{"__proto__": {"consent_analytics": true}, "constructor": 1}', 422),
        (b'{"event_id": "' + b"x" * 2**20 + b'"}', 413),
        (b"[" + b"0," * 500 + b"0]", 413),
        (json.dumps({**EVENT, "event_data": "x" * 65_537}).encode(), 422),
        (json.dumps({**EVENT, "session_id": " "}).encode(), 422),
        (json.dumps({**EVENT, "timestamp": "yesterday"}).encode(), 422),
    ],
)
def test_a_hostile_body_is_refused_in_one_answer(worker: Workerd, body: bytes, status: int) -> None:
    answer = post(worker, body)
    assert answer.status_code == status
    assert set(answer.json()) <= {"error", "accepted", "without_consent", "refused"}


def test_a_key_names_its_organisation_and_nothing_else(worker: Workerd) -> None:
    good = key("a3f7c2")
    wrong = [
        *("", "a3f7c2", "a3f7c2.", good[:-1], good + "A", good.swapcase(), f"b8e9d1.{good.partition('.')[2]}"),
        *(key("a3f7c2", "read"), key("a3f7c2", secret="guessed"), key("a3f7c2", secret=",".join(SECRETS))),
    ]
    for one in wrong:
        assert post(worker, EVENT, headers={"x-write-key": one}).status_code == 401
    for tag in ("a.b", "日" * 64, "a b"):
        query = {"key": key(tag)}
        answer = requests.post(worker.url + "/events", params=query, data=json.dumps(EVENT), timeout=30)
        assert answer.status_code == 202
    reads = {"authorization": f"Bearer {good}"}
    assert requests.get(f"{worker.url}/dashboards/a3f7c2/summary/7d", headers=reads, timeout=30).status_code == 401


def test_the_pages_lines_make_such_keys() -> None:
    (lines,) = re.findall(r"^```bash\n(key\(\).*?)^```", PAGE.read_text(), re.MULTILINE | re.DOTALL)
    environment = {**os.environ, "KEY_SECRET": SECRETS[0]}
    said = subprocess.run(["bash", "-ec", lines], env=environment, capture_output=True, text=True, check=True).stdout
    assert said == key("a3f7c2") + key("a3f7c2", "read")


def test_the_settings_name_what_is_exported() -> None:
    settings = json.loads(re.sub(r"^ *//.*$", "", (SOURCES.parent / "wrangler.jsonc").read_text(), flags=re.MULTILINE))
    main = (SOURCES.parent / settings["main"]).read_text()
    bound = {one["class_name"] for one in settings["durable_objects"]["bindings"]}
    assert bound == set(settings["migrations"][0]["new_sqlite_classes"])
    assert all(f"export {{ {name} }}" in main for name in bound)
    used = set(re.findall(r"\benv\.([A-Z_]+)", "".join(file.read_text() for file in SOURCES.glob("*.js"))))
    stores = [*settings["r2_buckets"], *settings["kv_namespaces"]]
    assert used == {one["binding"] for one in stores} | {"EVENTS", "KEY_SECRETS"} | settings["vars"].keys()


def test_a_browser_of_another_origin_is_not_answered(worker: Workerd) -> None:
    for origin, allowed in (
        ("https://shop.example", "https://shop.example"),
        ("https://other.example", "https://other.example"),
        ("https://evil.example", None),
        (None, None),
    ):
        headers = {} if origin is None else {"origin": origin}
        asked = requests.options(worker.url + "/events", headers=headers, timeout=30)
        assert (asked.status_code, asked.headers.get("access-control-allow-origin")) == (204, allowed)
        answered = post(worker, b"7", headers=headers)
        assert answered.headers.get("access-control-allow-origin") == allowed


def test_other_paths_and_methods_say_what_to_do(worker: Workerd) -> None:
    for method, path, status in (
        ("GET", "/", 404),
        ("GET", "/events", 405),
        ("PUT", "/events", 405),
        ("GET", "/dashboards", 404),
        ("GET", "/dashboards/%E0%A4%A", 401),
        ("POST", "/dashboards/a3f7c2/summary/7d", 405),
    ):
        answer = requests.request(method, worker.url + path, timeout=30)
        assert (answer.status_code, "error" in answer.json()) == (status, True)


def test_points_of_a_session_are_numbered_without_a_gap(worker: Workerd) -> None:
    with requests.Session() as session:
        for n in range(23):
            point = {"userId": "user-1", "sessionId": "s 1", "values": {"temperature": 190.5 + n}}
            answer = session.post(f"{worker.url}/points?s1", json=point, timeout=30)
            assert answer.json() == n + 1
    found = waited(objects_of(worker), "sesh/points/", 23)
    assert sorted(line["seq"] for line in found) == list(range(1, 24))
    zone = points_zone(SESH)
    assert all(zone.is_batch(info.key) for info in objects_of(worker).list("sesh/points/"))


@pytest.mark.parametrize("seed", [0, *(pytest.param(n, marks=pytest.mark.soak) for n in range(1, 20))])
def test_what_was_acknowledged_lands_once_whatever_fails(
    request: pytest.FixtureRequest, tmp_path: Path, seed: int
) -> None:
    """R2 fails every third time, and the runtime is killed in the middle of requests, twice."""
    skip_without_runtime(request, "the tracking Worker")
    chance, acknowledged, sent = random.Random(seed), set[str](), 0
    for _ in range(2):
        with served(tmp_path / "stores", failing=3) as local, ThreadPoolExecutor(4) as pool:
            posts = []
            for _ in range(25):
                batch = [{**EVENT, "event_id": f"{seed}-{sent + n}"} for n in range(chance.randint(1, 5))]
                sent += len(batch)
                posts.append((batch, pool.submit(post, local, batch)))
            time.sleep(chance.uniform(0.5, 2))
            killed(local)
            for batch, answer in posts:
                with suppress(requests.RequestException):
                    if answer.result().status_code == 202:
                        acknowledged.update(event["event_id"] for event in batch)
    with served(tmp_path / "stores", failing=3) as local:
        for n in range(20):  # wakes each of the Durable Objects
            post(local, {**EVENT, "event_id": f"last-{n}"}).raise_for_status()
            acknowledged.add(f"last-{n}")
        objects, until = objects_of(local), time.monotonic() + 60
        while True:
            found = Counter(line["event_id"] for lines in landed(objects, "landing/").values() for line in lines)
            if acknowledged <= found.keys() or time.monotonic() > until:
                break
            time.sleep(0.5)
    assert acknowledged - found.keys() == set()
    assert {name for name, times in found.items() if times > 1} == set()
    assert len(acknowledged) > 20


def killed(local: Workerd) -> None:
    """Node and workerd end at once, as by kill -9."""
    node = psutil.Process(local.pid)
    for process in [*node.children(recursive=True), node]:
        process.kill()


def test_the_schema_is_the_event_records() -> None:
    assert json.loads((SOURCES / "event.schema.json").read_text()) == schema()
    Draft202012Validator.check_schema(schema())


def test_the_samples_lines_are_what_the_contract_says() -> None:
    batches, truth = sample.batches(midnight(date(2026, 11, 20)), days=1, scale=0.02)
    validator = Draft202012Validator(schema())
    verdicts: Counter[bool] = Counter()
    for batch in batches:
        for line in batch.lines:
            with suppress(ValueError):
                verdicts[validator.is_valid(json.loads(line))] += 1
    assert verdicts[True] >= truth.stored + truth.doubled + truth.without_consent


ODD = st.one_of(
    st.none(),
    st.booleans(),
    st.integers(),
    st.floats(allow_nan=False, allow_infinity=False),
    st.text(max_size=9),
    st.just([]),
)


@given(st.lists(st.dictionaries(st.sampled_from(NAMES), ODD, max_size=3), min_size=1, max_size=20))
@settings(max_examples=15)
def test_the_worker_judges_as_the_ingest_does(worker: Workerd, odd: list[dict[str, Any]]) -> None:
    """What the Worker accepts is refused by the ingest only for what the Worker cannot know: its clock and NULs."""
    events = [{**EVENT, **changed, "event_id": f"odd{n}"} for n, changed in enumerate(odd)]
    answer = post(worker, events)
    refused = {one["index"]: one for one in answer.json()["refused"]}
    for n, event in enumerate(events):
        completed = {"timestamp": "2026-11-20T10:00:00Z", **event, "org_tag": "a3f7c2"}
        completed |= dict.fromkeys(("geo_country", "geo_region", "geo_city", "geo_timezone", "user_agent"))
        verdict = sift(json.dumps(completed).encode(), ADMISSION).refusals
        if n in refused:
            assert verdict, (refused[n], event)
        else:
            assert {one.reason for one in verdict} <= {"timestamp_in_future", "timestamp_before_first_partition"}
