"""Warmings in processes of their own: a large one in little memory, a killed one, two at once."""

import json
import signal
import subprocess
import sys
from collections.abc import Iterator
from contextlib import ExitStack, contextmanager
from pathlib import Path
from typing import Any

import pytest

from clearlift_pipelines.stores import Stores
from resources.kv import EmbeddedKV
from tests.assets.cache.warmed_cache import WarmedCache, numbers
from tests.assets.cache.warming_process import family
from tests.assets.rollups.event_lake import NOW

ROOT = Path(__file__).resolve().parents[3]
FEWER = 20_000


@contextmanager
def process(*arguments: str) -> Iterator[subprocess.Popen[str]]:
    """A process that waits for its line."""
    command = [sys.executable, "-m", "tests.assets.cache.warming_process", *arguments]
    with subprocess.Popen(command, cwd=ROOT, stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True) as found:
        assert found.stdout is not None
        assert found.stdout.readline() == "ready\n"
        yield found


def warmed(stores: Stores, kv: str, keys: int, holding: str = "x") -> dict[str, Any]:
    with process(stores.postgres.dsn, kv, str(keys), holding, "warm") as found:
        said, _ = found.communicate("go\n", timeout=120)
    result: dict[str, Any] = json.loads(said)
    return result


@pytest.mark.parametrize("number", [60_000, pytest.param(100_000, marks=pytest.mark.soak)])
def test_many_keys_are_a_handful_of_requests_and_memory_does_not_grow_with_them(
    stores: Stores, warmed_cache: WarmedCache, number: int
) -> None:
    fewer = warmed(stores, "counted", FEWER)
    warmed_cache.event_lake.postgres.execute("truncate cache.entries")
    many = warmed(stores, "counted", number)
    assert [(each["written"], each["requests"]) for each in (fewer, many)] == [(FEWER, 2), (number, number // 10_000)]
    # A bundle of 10,000 is held at a time; 40,000 values more are 41 MB.
    assert many["peak"] < fewer["peak"] + 25


def test_a_process_killed_between_kv_and_the_index_is_made_good(
    stores: Stores, warmed_cache: WarmedCache, tmp_path: Path
) -> None:
    kv = tmp_path / "many.sqlite"
    warmed(stores, str(kv), 300, "a")
    with process(stores.postgres.dsn, str(kv), "300", "b", "die") as found:
        found.communicate("go\n", timeout=60)
    assert found.returncode == -signal.SIGKILL
    namespace = EmbeddedKV(kv, clock=NOW.timestamp)
    assert len({name for name, value in _held(namespace).items() if b"bbb" in value}) == 200

    # Whether the new values are still wanted or the old ones again, nothing wrong is left.
    for holding, rewritten in (("a", 200), ("b", 300)):
        warmed_cache.kv = namespace
        done = warmed_cache.run(family(300, holding))
        assert done.written == rewritten
        assert all(holding.encode() * 1000 in value for value in _held(namespace).values())
        assert numbers(warmed_cache.run(family(300, holding))) == (300, 0, 0, 0, 0, 300, 0)
    namespace.close()


@pytest.mark.parametrize("others", ["same", "different"])
def test_two_at_once_end_as_one(stores: Stores, warmed_cache: WarmedCache, tmp_path: Path, others: str) -> None:
    kv = tmp_path / "many.sqlite"
    holdings = ("a", "a") if others == "same" else ("a", "b")
    with ExitStack() as stack:
        both = [stack.enter_context(process(stores.postgres.dsn, str(kv), "1000", h, "warm")) for h in holdings]
        for one in both:
            assert one.stdin is not None
            one.stdin.write("go\n")
            one.stdin.flush()
        written = [json.loads(one.communicate(timeout=60)[0])["written"] for one in both]
    assert sorted(written) == ([0, 1000] if others == "same" else [1000, 1000])
    namespace = EmbeddedKV(kv, clock=NOW.timestamp)
    values = {value.split(b'"')[-2][:1] for value in _held(namespace).values()}
    assert len(values) == 1, "the values of one of them, whole"
    warmed_cache.kv = namespace
    assert warmed_cache.run(family(1000, values.pop().decode())).written == 0
    namespace.close()


def _held(namespace: EmbeddedKV) -> dict[str, bytes]:
    return namespace.get_many([info.name for info in namespace.list()])
