"""Refusals of archives and deletions as a person sees them: one sentence with the next command, and no trace."""

from collections.abc import Iterator
from contextlib import contextmanager

import click


@contextmanager
def refusals() -> Iterator[None]:
    """Around the work of a command. It imports the work's errors, so that it stands where the work is imported."""
    from assets.archive.refusals import REFUSALS, sentence

    try:
        yield
    except REFUSALS as error:
        raise click.ClickException(sentence(error)) from None
