"""The plan: which files are merged, and that it comes to an end."""

from dataclasses import replace
from datetime import UTC, date, datetime, timedelta

import pytest
from hypothesis import given
from hypothesis import strategies as st

from assets.compaction.plan import Candidate, CompactionPolicy, Group, plan
from tests.examples import examples

DAY = date(2025, 10, 10)
MIDNIGHT = datetime(2025, 10, 10, tzinfo=UTC)
many = examples(70, 500, shrunk=True)

policies = st.builds(
    CompactionPolicy,
    target_bytes=st.just(100),
    min_files=st.integers(2, 4),
    finished=st.sampled_from((0.5, 0.75, 1.0)),
    min_gain=st.sampled_from((0.0, 0.25, 1.0)),
)


@st.composite
def candidates(draw: st.DrawFn) -> list[Candidate]:
    shapes = st.tuples(st.sampled_from("ab"), st.integers(0, 1), st.integers(1, 130), st.none() | st.integers(0, 1439))
    return [
        Candidate(
            f"f{i}",
            tenant,
            DAY + timedelta(days=day),
            size,
            size,
            None if minute is None else MIDNIGHT + timedelta(days=day, minutes=minute),
        )
        for i, (tenant, day, size, minute) in enumerate(draw(st.lists(shapes, max_size=25)))
    ]


def merged(files: list[Candidate], groups: list[Group]) -> list[Candidate]:
    """The files after the groups were rewritten."""
    gone = {f.path for group in groups for f in group.files}
    made = [
        replace(group.files[0], path="+".join(f.path for f in group.files), rows=group.rows, bytes=group.bytes)
        for group in groups
    ]
    return [f for f in files if f.path not in gone] + made


@many
@given(files=candidates(), policy=policies)
def test_each_group_is_worth_it_and_of_one_partition(files: list[Candidate], policy: CompactionPolicy) -> None:
    groups = plan(files, policy)

    paths = [f.path for group in groups for f in group.files]
    assert len(paths) == len(set(paths))
    assert set(paths) <= {f.path for f in files}
    for group in groups:
        assert {(f.tenant, f.day) for f in group.files} == {(group.tenant, group.day)}
        assert len(group.files) >= policy.min_files
        assert all(f.bytes < policy.finished * policy.target_bytes for f in group.files)
        assert group.bytes == sum(f.bytes for f in group.files) <= policy.target_bytes
        largest = max(f.bytes for f in group.files)
        assert group.bytes - largest >= policy.min_gain * largest
        times = [f.lowest or datetime.min.replace(tzinfo=UTC) for f in group.files]
        assert times == sorted(times)
    assert [len(g.files) for g in groups] == sorted((len(g.files) for g in groups), reverse=True)


@many
@given(data=st.data(), files=candidates(), policy=policies)
def test_the_order_of_the_files_does_not_matter(
    data: st.DataObject, files: list[Candidate], policy: CompactionPolicy
) -> None:
    assert plan(data.draw(st.permutations(files)), policy) == plan(files, policy)


@many
@given(files=candidates(), policy=policies)
def test_compacting_comes_to_an_end(files: list[Candidate], policy: CompactionPolicy) -> None:
    for _ in range(len(files) + 1):
        groups = plan(files, policy)
        if not groups:
            return
        after = merged(files, groups)
        assert len(after) < len(files)
        assert sum(f.rows for f in after) == sum(f.rows for f in files)
        files = after
    raise AssertionError("there is always something to merge")


def file(path: str, size: int, minute: int = 0, tenant: str = "a") -> Candidate:
    return Candidate(path, tenant, DAY, size, size, MIDNIGHT + timedelta(minutes=minute))


@pytest.mark.parametrize(
    ("sizes", "expected"),
    [
        ([], []),
        ([10] * 3, []),
        ([10] * 4, [[0, 1, 2, 3]]),
        ([10] * 3 + [75], []),
        ([10] * 3 + [74], []),
        ([25] * 8, [[0, 1, 2, 3], [4, 5, 6, 7]]),
        ([60, 2, 2, 2, 2], [[1, 2, 3, 4]]),
        ([60, 5, 5, 5, 5], [[0, 1, 2, 3, 4]]),
        ([60, 2, 2, 2], []),
        ([300, 400, 75, 76], []),
    ],
)
def test_what_is_merged_of_one_day(sizes: list[int], expected: list[list[int]]) -> None:
    files = [file(f"{i}", size, minute=i) for i, size in enumerate(sizes)]

    groups = plan(files, CompactionPolicy(target_bytes=100))

    assert [[int(f.path) for f in group.files] for group in groups] == expected


def test_small_files_of_different_partitions_are_not_gathered() -> None:
    files = [file("0", 1), file("1", 1), file("2", 1, tenant="b"), replace(file("3", 1), day=DAY + timedelta(days=1))]

    assert plan(files, CompactionPolicy(target_bytes=100)) == []


def test_a_day_is_rewritten_a_few_times_not_every_hour() -> None:
    policy = CompactionPolicy(target_bytes=10_000)
    files: list[Candidate] = []
    rewritten = 0
    for hour in range(24):
        files += [file(f"{hour}-{i}", 4, minute=60 * hour + 5 * i) for i in range(12)]
        groups = plan(files, policy)
        rewritten += sum(group.bytes for group in groups)
        files = merged(files, groups)

    day = 24 * 12 * 4
    assert sum(f.bytes for f in files) == day
    assert rewritten < 6 * day
    assert len(files) <= 6
