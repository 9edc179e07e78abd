"""Microsoft's file of all entities of an account: a ZIP of one CSV, whose first column says what a line describes.

What does not belong here: requests (client.py) and reports (reports.py).
"""

import csv
import io
import tempfile
import zipfile
from collections.abc import Iterator, Mapping
from collections.abc import Set as AbstractSet
from typing import Any, BinaryIO, cast

from resources.ad_platforms import fields
from resources.ad_platforms.fields import identity, text, word
from resources.ad_platforms.microsoft import words
from resources.ad_platforms.microsoft.files import unpacked
from resources.ad_platforms.records import (
    Ad,
    AdGroup,
    Campaign,
    Creative,
    Keyword,
    MalformedPageError,
    Notes,
    Record,
    Stream,
)

IN_MEMORY = 8 << 20


def extract(file: BinaryIO, wanted: AbstractSet[str]) -> BinaryIO:
    """The header and the lines of these record types, as a ZIP of one CSV again; read it to its end and close it.

    A type of ad that is not known yet is one of the ads.
    """
    packed = cast(BinaryIO, tempfile.SpooledTemporaryFile(IN_MEMORY))  # noqa: SIM115 - its reader closes it
    of_ads = wanted >= words.AD_RECORDS
    with zipfile.ZipFile(packed, "w", zipfile.ZIP_DEFLATED) as folder, folder.open("entities.csv", "w") as inner:
        lines = io.TextIOWrapper(inner, "utf-8", newline="")
        writer = csv.writer(lines)
        for number, cells in enumerate(unpacked(file)):
            kind = cells[0] if cells else ""
            if number == 0 or kind in wanted or (of_ads and kind.endswith(" Ad")):
                writer.writerow(cells)
        lines.flush()
        lines.detach()  # the ZIP closes its own entry
    packed.seek(0)
    return packed


def read(stream: Stream, body: BinaryIO, context: Mapping[str, str], notes: Notes) -> Iterator[Record]:
    """The entities of a list; a MalformedPageError if its file cannot be read."""
    lines = unpacked(body)
    header = next(lines, [])
    if header[:1] != ["Type"]:
        raise MalformedPageError("a file of entities without its header")
    campaign_of: dict[str, str] = {}
    for row in fields.of_account(_rows(header, lines), context.get("account"), _accounts):
        if row["Type"] == "Account":
            continue
        if row["Type"] == "Ad Group":
            campaign_of[identity(row, "Id")] = identity(row, "Parent Id")
            if stream is not Stream.AD_GROUPS:
                continue
        fields.note_unknown(notes, f"{row['Type']}.", row, words.COLUMNS[stream])
        if stream is Stream.CAMPAIGNS:
            yield _campaign(row, notes)
        elif stream is Stream.AD_GROUPS:
            yield _ad_group(row)
        else:
            campaign_id = campaign_of.get(identity(row, "Parent Id"))
            if campaign_id is None:
                raise MalformedPageError(f"{row['Type']}: its ad group is not in the file")
            yield _keyword(row, campaign_id) if stream is Stream.KEYWORDS else _ad(row, campaign_id, notes)


def _rows(header: list[str], lines: Iterator[list[str]]) -> Iterator[dict[str, str]]:
    for cells in lines:
        if len(cells) != len(header):
            raise MalformedPageError("a line with more or fewer cells than the header")
        yield {name: cell for name, cell in zip(header, cells, strict=True) if cell}


def _accounts(row: Mapping[str, Any]) -> Iterator[Any]:
    """The account of the whole file, and the one above a campaign."""
    kinds = {"Account": "Id", "Campaign": "Parent Id"}
    if (column := kinds.get(row["Type"])) is not None:
        yield row.get(column)


def _campaign(row: Mapping[str, Any], notes: Notes) -> Campaign:
    status = text(row, "Status", default="")
    word(row, "Campaign Type", words.CAMPAIGN_TYPES, notes)
    budget = fields.optional(row, "Budget")
    budget_type = words.BUDGET_TYPES.get(word(row, "Budget Type", words.BUDGET_TYPES.keys(), notes))
    return Campaign(
        id=identity(row, "Id"),
        name=text(row, "Campaign"),
        native_status=status,
        deleted=status == "Deleted",
        budget=budget,
        budget_type=None if budget is None else budget_type or "daily",
        budget_id=None if row.get("Budget Id") is None else identity(row, "Budget Id"),
        raw=fields.raw(row),
    )


def _ad_group(row: Mapping[str, Any]) -> AdGroup:
    status = text(row, "Status", default="")
    return AdGroup(
        id=identity(row, "Id"),
        campaign_id=identity(row, "Parent Id"),
        name=text(row, "Ad Group"),
        native_status=status,
        deleted=status == "Deleted",
        ended=status == "Expired",
        bid=fields.optional(row, "Cpc Bid"),
        raw=fields.raw(row),
    )


def _keyword(row: Mapping[str, Any], campaign_id: str) -> Keyword:
    status = text(row, "Status", default="")
    return Keyword(
        id=identity(row, "Id"),
        ad_group_id=identity(row, "Parent Id"),
        campaign_id=campaign_id,
        text=text(row, "Keyword"),
        match_type=text(row, "Match Type", default=""),
        native_status=status,
        deleted=status == "Deleted",
        bid=fields.optional(row, "Bid"),
        raw=fields.raw(row),
    )


def _ad(row: Mapping[str, Any], campaign_id: str, notes: Notes) -> Ad:
    status, kind = text(row, "Status", default=""), word(row, "Type", words.AD_RECORDS, notes)
    headline = next((_asset(row[name]) for name in ("Title", "Title Part 1", "Headline") if name in row), "")
    body = next((_asset(row[name]) for name in ("Text", "Description") if name in row), "")
    return Ad(
        id=identity(row, "Id"),
        ad_group_id=identity(row, "Parent Id"),
        campaign_id=campaign_id,
        name=headline or identity(row, "Id"),
        native_status=status,
        deleted=status == "Deleted",
        creative=Creative(
            id=identity(row, "Id"),
            kind=kind,
            headline=headline,
            body=body,
            # Several addresses are parted by a semicolon and a blank.
            landing_page=text(row, "Final Url", default=text(row, "Destination Url", default="")).split("; ")[0],
            url_parameters=text(row, "Final Url Suffix", default=""),
        ),
        raw=fields.raw(row),
    )


def _asset(cell: str) -> str:
    """The text of a cell; of a JSON list of assets, the first one's."""
    if not cell.startswith("["):
        return cell
    assets = fields.decoded(cell.encode())
    return next((str(one["text"]) for one in assets if isinstance(one, dict) and isinstance(one.get("text"), str)), "")
