"""JSON lines without people: theirs go, and in those of others the fields that name them are emptied. Pure.

What belongs here: single lines. What does not: how lines are packed (archives.py, landed.py).
"""

import json
from collections.abc import Collection, Sequence
from dataclasses import dataclass
from typing import Any

from assets.apps.personal import Subject
from assets.erasure.erased_people import ErasedPeople
from assets.privacy.replacement import replacement

ESCAPED = b"\\u"


@dataclass(frozen=True)
class Lines:
    """What is known of the lines of one kind.

    subjects: whose a line is. tenant: the field with its organisation. impersonal: fields that name nobody. required:
    those that must have a value, so that another text takes the place of one that names somebody; None: all of them.
    """

    people: ErasedPeople
    subjects: Sequence[Subject]
    tenant: str = ""
    impersonal: Collection[str] = ()
    required: Collection[str] | None = None

    def changed(self, lines: Sequence[bytes]) -> dict[int, bytes]:
        """What becomes of lines that are theirs or name them, by their places in the list: empty for one that goes.

        A line that is no JSON object goes where it names them.
        """
        suspected = set(self.people.suspected_in(lines))
        suspected |= {at for at, line in enumerate(lines) if ESCAPED in line}
        after = {at: self._without(lines[at]) for at in suspected if lines[at].strip()}
        return {at: line for at, line in after.items() if line != lines[at]}

    def _without(self, line: bytes) -> bytes:
        try:
            values = json.loads(line)
        except ValueError:
            values = None
        if not isinstance(values, dict):
            return b"" if self.people.named_in(line) else line
        if not self.people.concerns(values, self.tenant):
            return line
        if self.people.own(values, self.subjects, self.tenant):
            return b""
        emptied = {name: self._emptied(name, value) for name, value in values.items() if not self._names(name)}
        if emptied == values:
            return line
        return json.dumps(emptied, ensure_ascii=False, separators=(",", ":")).encode(errors="surrogatepass")

    def _emptied(self, name: str, value: Any) -> Any:
        if name in self.impersonal or isinstance(value, bool | int | float | None):
            return value
        text = value if isinstance(value, str) else json.dumps(value, ensure_ascii=False)
        if not self._names(text):
            return value
        return replacement(text) if self.required is None or name in self.required else None

    def _names(self, text: str) -> bool:
        return self.people.name(text)
