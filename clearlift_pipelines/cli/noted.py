"""Noting in the audit trail what a command reads or changes of personal data.

What does not belong here: which commands do (each calls `noted` itself), and runs of Dagster, which note themselves.
"""

from collections.abc import Sequence

import click

from assets.audit.entry import Act, Entry
from assets.audit.note import note
from clearlift_pipelines.stores import Stores


def noted(
    stores: Stores,
    act: Act,
    app: str,
    store: str,
    place: str,
    *,
    columns: Sequence[str] = (),
    rows: int | None = None,
    subject: str | None = None,
) -> None:
    """Note it under the command's name; see `Entry`. A database that was never migrated holds nothing to be noted.

    What is read is noted before it is shown. What is changed is noted when it is done, with its count: a command that
    was killed is typed again.
    """
    (found,) = stores.postgres.fetch("select to_regprocedure('audit.append(jsonb)') is not null as is_there")
    if found["is_there"]:
        work = click.get_current_context().command_path
        note(stores, Entry(app, work, act, store, place, columns, rows, subject))
