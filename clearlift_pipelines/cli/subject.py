"""Whom a command about a person means: typed, or read from standard input.

It is never an argument, because arguments of a process are seen by others and kept in the shell's history. What does
not belong here: who that is (assets/erasure/identify.py).
"""

import sys

import click

from resources.counts import counted
from resources.declined import DeclinedError

LONGEST = 100_000
"""Characters that are read. An id that is longer is none."""
ONE = "write one user id or e-mail address, as UTF-8, for each command"


def subject(whom: str) -> str:
    """What was typed, or written to standard input.

    Raises:
        DeclinedError: it is no text, or has several lines: each could be a person, and one request means one.
    """
    if sys.stdin.isatty():
        return str(click.prompt(f"Whom ({whom})", err=True))
    try:
        text = sys.stdin.read(LONGEST)
        text.encode()
    except UnicodeError:
        raise DeclinedError("what stands in standard input is no text", ONE) from None
    lines = [line.strip("\r") for line in text.split("\n") if line.strip()]
    if len(lines) > 1:
        raise DeclinedError(f"standard input has {counted(len(lines), 'line')}", ONE)
    return lines[0] if lines else ""
