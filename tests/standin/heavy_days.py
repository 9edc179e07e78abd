"""The program of another engine, in polars: it does what deploy/spark/heavy_days.py does on Spark.

`python -m tests.standin.heavy_days` is started over Dagster Pipes; `do` is the same without a process.
"""

from collections.abc import Mapping, Sequence
from datetime import datetime
from pathlib import Path
from typing import Any

import polars as pl
import pyarrow as pa
from dagster import AssetExecutionContext
from dagster_pipes import open_dagster_pipes

from assets.rollups.count_elsewhere import parts_of
from assets.rollups.counting import count
from assets.rollups.definition import Grain

Answer = dict[str, Any]
# Iceberg's types of an events table.
ARROW = {
    "string": pa.large_string(),
    "long": pa.int64(),
    "double": pa.float64(),
    "boolean": pa.bool_(),
    "timestamptz": pa.timestamp("us", "UTC"),
}


def do(task: Mapping[str, Any]) -> Sequence[Answer]:
    """An answer for each merge, or the one of a count."""
    if task["work"] == "merge":
        return [merged(task, merge) for merge in task["merges"]]
    return [counted(task)]


def launched(context: AssetExecutionContext, task: Mapping[str, Any]) -> Sequence[Answer]:
    """A launch of one's own, as a setting names it."""
    context.log.info(f"launched for {task['work']}")
    return do(task)


def merged(task: Mapping[str, Any], merge: Mapping[str, Any]) -> Answer:
    target = Path(local(merge["target"]))
    target.parent.mkdir(parents=True, exist_ok=True)
    schema = pa.schema(
        pa.field(c["live_name"], ARROW[c["type"]], metadata={"PARQUET:field_id": str(c["id"])})
        for c in merge["columns"]
    )
    read(merge["sources"], merge["columns"]).sort(task["order"]).lazy().sink_parquet(target, arrow_schema=schema)
    everything = read([*merge["sources"], *merge["others"]], merge["columns"])
    return {"doubled": int(everything[task["id"]].is_duplicated().sum()) if merge["others"] else 0}


def counted(task: Mapping[str, Any]) -> Answer:
    rows = read(task["sources"], task["columns"])
    start, end = (datetime.fromisoformat(task[name]) for name in ("start", "end"))
    inside = rows.filter(pl.col("timestamp") >= start, pl.col("timestamp") < end)
    if task["organisations"] is not None:
        inside = inside.filter(pl.col("org_tag").is_in(task["organisations"]))
    inside = inside.filter(~pl.col("org_tag").is_in(task["without"]))
    target = Path(local(task["target"]))
    target.mkdir(parents=True)
    # A part an organisation, so that there are several.
    parts = [parts_of(count(part, Grain(task["grain"]))) for part in inside.partition_by("org_tag")]
    for number, part in enumerate(parts):
        pl.DataFrame(part).write_parquet(target / f"part-{number}.parquet")
    return {"rows_read": rows.height, "parts": len(parts)}


def read(paths: Sequence[str], columns: Sequence[Mapping[str, Any]]) -> pl.DataFrame:
    """The rows of files; one that lacks a column has nulls there."""
    typed = pl.Schema(pa.schema([pa.field(column["live_name"], ARROW[column["type"]]) for column in columns]))
    found = (
        pl.scan_parquet(
            local(path), hive_partitioning=False, schema=typed, missing_columns="insert", extra_columns="ignore"
        )
        for path in paths
    )
    return pl.concat(found).collect()


def local(path: str) -> str:
    return path.removeprefix("file://")


if __name__ == "__main__":
    with open_dagster_pipes() as pipes:
        for answer in do(pipes.extras):
            pipes.report_custom_message(answer)
