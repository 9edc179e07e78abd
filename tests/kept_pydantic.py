"""Keeps pydantic as it is where a library changes it for the whole process."""

from collections.abc import Iterator
from contextlib import contextmanager

from pydantic import BaseModel


@contextmanager
def kept() -> Iterator[None]:
    """For msads: it gives every model of the process an attribute access of its own, also Dagster's configurations."""
    changed = ("__getattr__", "__setattr__")
    before = {name: BaseModel.__dict__[name] for name in changed if name in BaseModel.__dict__}
    try:
        yield
    finally:
        for name in changed:
            if name in before:
                setattr(BaseModel, name, before[name])
            elif name in BaseModel.__dict__:
                delattr(BaseModel, name)
