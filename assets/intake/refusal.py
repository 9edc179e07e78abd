"""A refused line, as every kind of landed object has it. Pure."""

import dataclasses


@dataclasses.dataclass(frozen=True)
class Refusal:
    """A refused line: its number in the object (from 1; 0 is the whole object), the reason, the field, its bytes."""

    line: int
    reason: str
    field: str
    raw: bytes = dataclasses.field(repr=False)
