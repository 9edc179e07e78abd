"""A `.env` file: its variables, and writing some of them while every other line stays as it is.

What belongs here: the form of the file. What does not: which variables there are (settings.py).
"""

import io
from collections.abc import Mapping
from pathlib import Path

from dotenv import dotenv_values
from dotenv.parser import Binding, parse_stream

from resources import private


def read(text: str) -> dict[str, str]:
    """The variables of a file's text; a name without a value is left out.

    Raises:
        ValueError: a line is none of a variable. It is named by its number, because it may hold a secret.
    """
    for binding in parse_stream(io.StringIO(text)):
        if binding.error or (binding.key is not None and binding.value is None):
            raise ValueError(f"line {_first(binding)} is not NAME=VALUE; a value with a quote in it is 'it\\'s'")
    return {name: value for name, value in dotenv_values(stream=io.StringIO(text)).items() if value}


def draft(path: Path, values: Mapping[str, str]) -> Path:
    """A file beside `path` with its text and these values, for its owner alone. It takes the place of `path` by a
    rename, so that a killed process leaves the one or the other whole.

    Raises:
        ValueError: the file cannot hold a value as it is; the line names its variable.
    """
    lines, left = [], dict(values)
    for binding in parse_stream(io.StringIO(path.read_text() if path.exists() else "")):
        if binding.key not in values:
            lines.append(binding.original.string)
        elif binding.key in left:  # a further line of the same name goes
            lines.append(_line(binding.key, left.pop(binding.key)))
    if lines and not lines[-1].endswith("\n"):
        lines.append("\n")
    text = "".join([*lines, *(_line(name, value) for name, value in left.items())])
    found = read(text)
    for name, value in values.items():
        if found.get(name, "") != value:
            raise ValueError(f"{name}: a .env file cannot hold this value; set it in the environment")
    made = path.with_name(f"{path.name}.draft")
    private.write_file(made, text)
    return made


def _first(binding: Binding) -> int:
    """The number of its first line that is not blank."""
    text = binding.original.string
    return binding.original.line + text[: len(text) - len(text.lstrip())].count("\n")


def _line(name: str, value: str) -> str:
    quoted = value.replace("\\", "\\\\").replace("'", "\\'")
    return f"{name}='{quoted}'\n"
