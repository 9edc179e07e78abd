"""A folder that is filled: all or nothing where a step fails, and what is there stays where the process ends."""

from pathlib import Path

import pytest

from resources.filling import filling


def fill(folder: Path, error: type[BaseException] | None) -> None:
    with filling(folder):
        (folder / "a" / "b").mkdir(parents=True)
        (folder / "c").touch()
        if error is not None:
            raise error


@pytest.mark.parametrize(("error", "left"), [(ValueError, []), (KeyboardInterrupt, ["a", "c"]), (None, ["a", "c"])])
def test_what_was_empty_is_empty_where_it_fails(
    tmp_path: Path, error: type[BaseException] | None, left: list[str]
) -> None:
    if error is None:
        fill(tmp_path / "new", error)
    else:
        with pytest.raises(error):
            fill(tmp_path / "new", error)
    assert sorted(path.name for path in (tmp_path / "new").iterdir()) == left


def test_what_held_something_stays(tmp_path: Path) -> None:
    (tmp_path / "before").touch()
    with pytest.raises(ValueError):  # noqa: PT011 - its own
        fill(tmp_path, ValueError)
    assert sorted(path.name for path in tmp_path.iterdir()) == ["a", "before", "c"]
