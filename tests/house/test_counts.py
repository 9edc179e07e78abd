"""A number before a plural is said by `counted`: "1 findings" is nowhere.

`3 of 5 rows` and a limit stay as they are: what follows there is a plural of its own.
"""

import re
from pathlib import Path

ROOT = Path(__file__).resolve().parents[2]
NUMBER = re.compile(
    r"(?<!of )(?<!of the )(?<!least )\{(?:len\([^{}]*\)(?::,)?|[a-z][^{}]*:,)\} (?:[a-z]+ )?([a-z]+s)\b"
)
# Verbs, units and limits, of which one is as good as none.
NO_PLURALS = {"as", "bytes", "ms", "ones", "was", "writes", "is", "has"}


def test_every_number_before_a_plural_is_counted() -> None:
    found = {
        f"{file.relative_to(ROOT)}: {match[0]}"
        for floor in ("clearlift_pipelines", "assets")
        for file in (ROOT / floor).rglob("*.py")
        for match in NUMBER.finditer(file.read_text())
        if match[1] not in NO_PLURALS
    }
    assert found == set()
