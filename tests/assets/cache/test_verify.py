"""Looking at KV: what is missing, overwritten or surplus is found and corrected, by listing alone."""

from collections.abc import Iterable, Iterator
from dataclasses import dataclass, replace
from datetime import UTC, datetime, timedelta
from pathlib import Path
from types import SimpleNamespace
from typing import Any

import pytest
from dagster import AssetCheckEvaluation, AssetCheckSeverity, Failure, materialize

from assets.cache.verification_assets import build
from assets.cache.verify import Look, Verification, digest_in
from assets.progress import silent
from resources.kv import KV, CloudflareKV, EmbeddedKV, Entry, KeyInfo, KVError
from tests.assets.cache.warmed_cache import CLEARLIFT, WarmedCache
from tests.workerd.local_runtime import Workerd, local_session, running, skip_without_runtime

TAGS = [f"t{n:03}" for n in range(100)]


@pytest.fixture(scope="module")
def workerd(request: pytest.FixtureRequest, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Workerd]:
    skip_without_runtime(request, "the look at KV")
    with running(tmp_path_factory.mktemp("cloudflare"), databases=1, namespaces=1) as local:
        yield local


@pytest.fixture(params=["embedded", pytest.param("workerd", marks=pytest.mark.xdist_group("workerd_of_cache"))])
def namespace(request: pytest.FixtureRequest, warmed_cache: WarmedCache) -> Iterator[KV]:
    """The namespace, warm: a hundred organisations' connections, written long enough ago to be judged."""
    if request.param == "embedded":
        filled(warmed_cache, warmed_cache.kv)
        yield warmed_cache.kv
        return
    # The runtime has a clock of its own, by which keys expire.
    warmed_cache.event_lake.now = datetime.now(UTC)
    local: Workerd = request.getfixturevalue("workerd")
    clock = warmed_cache.event_lake.clock
    kv = CloudflareKV(
        local_session(), "", local.namespaces[0], api=local.api, bulk_pairs=500, clock=lambda: clock().timestamp()
    )
    kv.delete_many([info.name for info in kv.list()])
    filled(warmed_cache, kv)
    yield kv
    kv.close()


def filled(warmed_cache: WarmedCache, kv: KV) -> None:
    d1 = warmed_cache.d1
    for table in ("platform_connections", "org_tag_mappings", "organizations"):
        d1.execute(f"delete from {table}")
    d1.upsert("organizations", ("id", "name", "slug"), [(t, t, t) for t in TAGS], ["id"])
    d1.upsert("org_tag_mappings", ("id", "organization_id", "short_tag"), [(t, t, t) for t in TAGS], ["id"])
    warmed_cache.kv = kv  # type: ignore[assignment]
    warmed_cache.warm_all("connections")
    warmed_cache.event_lake.now += timedelta(minutes=30)


def looked(warmed_cache: WarmedCache, **how: Any) -> Look:
    looks = {look.family: look for look in verification(warmed_cache, warmed_cache.kv).run(**how)}
    return looks["connections"]


def verification(warmed_cache: WarmedCache, kv: KV) -> Verification:
    lake = warmed_cache.event_lake
    return Verification(CLEARLIFT, kv, lake.postgres, lake.clock, warmed_cache.warming)


def damage(kv: KV) -> dict[str, bytes]:
    """Twenty keys deleted, one overwritten, one key of ours that nobody knows, two of the application's own."""
    before = kv.get_many(info.name for info in kv.list())
    kv.delete_many([f"connections:{tag}" for tag in TAGS[:20]])
    kv.put_many([
        Entry("connections:t050", b"[{}]"),
        Entry("connections:stranger", b"[]"),
        Entry("session:7", b"the application's"),
        Entry("connections:t001:x:y", b"of no template"),
    ])  # fmt: skip
    return before


def test_what_another_did_to_kv_is_found_and_corrected(warmed_cache: WarmedCache, namespace: KV) -> None:
    assert looked(warmed_cache) == Look("connections", 100, 100, 100, 0, 0, 0)
    before = damage(namespace)
    found = looked(warmed_cache)
    assert found == Look("connections", 100, 100, 100, 20, 1, 1, written=21)
    assert found.by_index == 1.0
    assert found.found == 0.79
    held = namespace.get_many(info.name for info in namespace.list())
    others = {key: held.pop(key) for key in ("session:7", "connections:t001:x:y")}
    assert others == {"session:7": b"the application's", "connections:t001:x:y": b"of no template"}
    assert held == before
    # What was written just now may not be listed yet, so it is not judged.
    assert looked(warmed_cache) == Look("connections", 100, 100, 79, 0, 0, 0)
    warmed_cache.event_lake.now += timedelta(minutes=3)
    assert looked(warmed_cache) == Look("connections", 100, 100, 100, 0, 0, 0)


def test_a_dry_run_changes_nothing(warmed_cache: WarmedCache, namespace: KV) -> None:
    damage(namespace)
    held = namespace.get_many(info.name for info in namespace.list())
    for _ in range(2):
        assert looked(warmed_cache, dry_run=True) == Look("connections", 100, 100, 100, 20, 1, 1)
    assert namespace.get_many(info.name for info in namespace.list()) == held


def test_the_most_wanted_are_written_first_within_the_budget(warmed_cache: WarmedCache) -> None:
    filled(warmed_cache, warmed_cache.kv)
    damage(warmed_cache.kv)
    found = looked(warmed_cache, writes=5)
    assert (found.written, found.left_out) == (5, 16)
    # The next warming writes the rest, because the index calls it unknown now.
    assert warmed_cache.warm_all("connections")["connections"].written == 16


class DyingKV:
    """A namespace whose process dies in the nth call that changes or lists it."""

    def __init__(self, kv: KV, at: int) -> None:
        self.kv, self.left, self.settles_within = kv, at, kv.settles_within

    def _count(self) -> None:
        self.left -= 1
        if not self.left:
            raise KeyboardInterrupt

    def put_many(self, entries: Iterable[Entry]) -> None:
        self._count()
        self.kv.put_many(entries)

    def delete_many(self, keys: Iterable[str]) -> None:
        self._count()
        self.kv.delete_many(keys)

    def list(self, prefix: str = "") -> Iterator[KeyInfo]:
        self._count()
        yield from self.kv.list(prefix)


def test_killed_anywhere_and_run_again_it_ends_the_same(warmed_cache: WarmedCache) -> None:
    kv = warmed_cache.kv
    filled(warmed_cache, kv)
    for at in (1, 2, 3):
        before = damage(kv)
        warmed_cache.kv = DyingKV(kv, at)  # type: ignore[assignment]
        with pytest.raises(KeyboardInterrupt):
            looked(warmed_cache)
        warmed_cache.kv = kv
        looked(warmed_cache)
        warmed_cache.warm_all("connections")
        kv.delete_many(["session:7", "connections:t001:x:y"])
        assert kv.get_many(info.name for info in kv.list()) == before
        warmed_cache.event_lake.now += timedelta(minutes=30)


def test_keys_that_expire_and_unknown_ones_are_not_judged(warmed_cache: WarmedCache) -> None:
    filled(warmed_cache, warmed_cache.kv)
    postgres = warmed_cache.event_lake.postgres
    postgres.execute("update cache.entries set hash = '' where key = 'connections:t001'")
    warmed_cache.event_lake.now += timedelta(hours=30)
    assert looked(warmed_cache, dry_run=True) == Look("connections", 100, 0, 0, 0, 0, 0)
    assert looked(warmed_cache, dry_run=True).found is None


def test_a_digest_of_another_form_is_none_of_ours() -> None:
    assert digest_in({"digest": "00ff"}) == b"\0\xff"
    strange: list[Any] = [None, {}, {"digest": "xyz"}, {"digest": 7}, ["digest"], "digest"]
    assert [digest_in(metadata) for metadata in strange] == [None] * len(strange)


@dataclass
class Listing:
    """A listing of 2,500 keys, of which one is on two pages; it counts the keys that were taken."""

    taken: int = 0
    settles_within: timedelta = timedelta(0)

    def list(self, prefix: str = "") -> Iterator[KeyInfo]:
        for number in [*range(1_000), *range(999, 2_500)]:
            self.taken += 1
            yield KeyInfo(f"{prefix}session:{number:05}", None)


def test_each_key_is_listed_once(warmed_cache: WarmedCache) -> None:
    listing = Listing()
    seen: list[tuple[int, int]] = []
    looking = replace(verification(warmed_cache, warmed_cache.kv), kv=listing)  # type: ignore[arg-type]
    looking.run(progress=lambda done, total: seen.append((done, total)))
    assert listing.taken == 2_501
    assert seen == [(2_500, 2_501), (2_500, 2_500)]


def checked(warmed_cache: WarmedCache, kv: Any) -> AssetCheckEvaluation:
    lake = warmed_cache.event_lake
    rooms = SimpleNamespace(
        kv=lambda _: kv,
        d1=lambda _: warmed_cache.d1,
        postgres=lake.postgres,
        clock=lake.clock,
        progress=lambda _: silent,
    )
    done = materialize(build(CLEARLIFT, 100), resources={"rooms": rooms})
    (check,) = done.get_asset_check_evaluations()
    return check


def test_the_check_shows_what_the_index_says_and_what_was_found(warmed_cache: WarmedCache) -> None:
    filled(warmed_cache, warmed_cache.kv)
    check = checked(warmed_cache, warmed_cache.kv)
    assert (check.passed, check.metadata["by_index"].value, check.metadata["found"].value) == (True, 1.0, 1.0)
    damage(warmed_cache.kv)
    check = checked(warmed_cache, warmed_cache.kv)
    assert (check.passed, check.severity) == (False, AssetCheckSeverity.ERROR)
    assert (check.metadata["by_index"].value, check.metadata["found"].value) == (1.0, 0.79)
    warmed_cache.event_lake.now += timedelta(minutes=30)
    assert checked(warmed_cache, warmed_cache.kv).passed


def test_a_look_that_found_nothing_to_compare_or_failed_is_not_green(warmed_cache: WarmedCache) -> None:
    check = checked(warmed_cache, warmed_cache.kv)
    assert (check.passed, check.severity) == (False, AssetCheckSeverity.WARN)

    class Failing(Listing):
        def list(self, prefix: str = "") -> Iterator[KeyInfo]:
            yield from ()
            raise KVError(0, "it does not answer")

    with pytest.raises(Failure, match="does not answer"):
        checked(warmed_cache, Failing())


def test_a_value_that_was_written_before_digests_were_is_written_once_more(
    warmed_cache: WarmedCache, tmp_path: Path
) -> None:
    filled(warmed_cache, warmed_cache.kv)
    older = EmbeddedKV(tmp_path / "older.sqlite", clock=warmed_cache.event_lake.clock().timestamp)
    older.put_many(Entry(key, value) for key, value in warmed_cache.held().items())
    warmed_cache.kv = older
    assert looked(warmed_cache).overwritten == 100
    warmed_cache.event_lake.now += timedelta(minutes=30)
    assert looked(warmed_cache).wrong == 0
    older.close()
