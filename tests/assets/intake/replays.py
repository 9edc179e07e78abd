"""Corrections as files, and processes that die at any effect. No fixtures here."""

import gzip
import itertools
from collections.abc import Iterator
from contextlib import ExitStack, contextmanager
from pathlib import Path
from typing import Any
from unittest.mock import patch

from assets.intake.correction import Correction
from resources.r2 import FolderObjectStore

EFFECTS = ("put", "put_if_absent", "delete")


class Died(BaseException):
    """The end of a process, as far as one process can be its own witness."""


def corrected(folder: Path, *lines: bytes, packed: bool = False) -> Correction:
    """Lines as a checked correction."""
    content = b"\n".join(lines)
    file = folder / "corrected.ndjson"
    file.write_bytes(gzip.compress(content) if packed else content)
    return Correction.of(file)


@contextmanager
def dying_at(number: int, *owners: tuple[type, str]) -> Iterator[None]:
    """Die in the place of the effect of this number (from 1): a write to the object store, or a call of the owners'."""
    count = itertools.count(1)

    def mortal(real: Any) -> Any:
        def effect(*args: Any, **kwargs: Any) -> Any:
            if next(count) == number:
                raise Died
            return real(*args, **kwargs)

        return effect

    with ExitStack() as patches:
        for owner, name in (*((FolderObjectStore, name) for name in EFFECTS), *owners):
            patches.enter_context(patch.object(owner, name, mortal(getattr(owner, name))))
        yield
