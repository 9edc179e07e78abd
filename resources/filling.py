"""A folder that is filled by steps: where one of them fails, it is as empty as before.

What does not belong here: what is put there.
"""

import shutil
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path


@contextmanager
def filling(folder: Path) -> Iterator[None]:
    """Empty a folder again where the block fails. One that held something before stays as it is then.

    What ends with its process leaves what it has put, so that the same, run again, goes on.
    """
    was_empty = not folder.is_dir() or not any(folder.iterdir())
    try:
        yield
    except Exception:
        for path in folder.iterdir() if was_empty and folder.is_dir() else ():
            shutil.rmtree(path) if path.is_dir() else path.unlink()
        raise
