"""What a dbt project reads of our Postgres, as its sources.yml: the tables of analysts, with their comments.

What belongs here: the form of the file. What does not: the comments and what analysts may read, which are migrations'
(sql/pipelines/postgres).
"""

from collections.abc import Iterable, Mapping
from itertools import groupby
from operator import itemgetter
from typing import Any

import yaml

from resources.postgres import Postgres
from resources.sql_files import read_sql

MARK = "# Written by `clearlift dbt sources` from the comments of the database. Run it again after an update.\n"
"""The first line, that tells our files from those that a person wrote."""


def sources(postgres: Postgres) -> str:
    """The file of today, as text."""
    return MARK + _yaml(postgres.fetch(read_sql("analysts/columns.sql")))


def _yaml(rows: Iterable[Mapping[str, Any]]) -> str:
    found = [
        {
            "name": schema,
            "schema": schema,
            "description": description,
            "tables": [
                {
                    "name": relation,
                    "description": meaning,
                    "columns": [
                        {"name": row["column"], "description": row["of_column"], "data_type": row["type"]}
                        for row in columns
                    ],
                }
                for (relation, meaning), columns in groupby(of_schema, itemgetter("relation", "of_relation"))
            ],
        }
        for (schema, description), of_schema in groupby(rows, itemgetter("schema", "of_schema"))
    ]
    text = yaml.safe_dump({"version": 2, "sources": found}, sort_keys=False, allow_unicode=True, width=120)
    assert isinstance(text, str)
    return text
