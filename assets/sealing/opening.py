"""The values of rows as they were before they were sealed, for all that read rows: an export, a search, a check."""

import json
from collections.abc import Mapping
from typing import Any

from assets.apps.personal import ROW, Holding, Sealed
from resources.keyring import Keyring


def opened(holding: Holding, row: Mapping[str, Any], keyring: Keyring) -> dict[str, Any]:
    """A row of a table with its sealed values in their columns, and without the columns that sealing added.

    Raises:
        SealError: a value does not open.
    """
    found = dict(row)
    for rule in holding.sealed:
        sealed = found.pop(rule.into, None)
        found.pop(rule.index, None)
        if sealed is None or not _is_blank(rule, row):
            continue
        place = {"table": holding.name, "column": rule.into, "row": str(row[rule.row])}
        if rule.binary:
            found[rule.column or rule.into] = keyring.open(bytes(sealed), **place).decode(errors="replace")
            continue
        value = keyring.open_text(sealed, **place)
        if rule.fields:
            found[rule.column] = json.dumps({**json.loads(value), **json.loads(row[rule.column] or "{}")})
        else:
            found[rule.column or rule.into] = value
    return found


def _is_blank(rule: Sealed, row: Mapping[str, Any]) -> bool:
    if not rule.column or rule.fields:
        return True
    blank = row[rule.row] if rule.blank == ROW else rule.blank
    return bool(row[rule.column] == blank)
