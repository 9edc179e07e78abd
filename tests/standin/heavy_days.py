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
    names = [column["live_name"] for column in merge["columns"]]
    target = Path(local(merge["target"]))
    target.parent.mkdir(parents=True, exist_ok=True)
    schema = pa.schema(
        pa.field(c["live_name"], ARROW[c["type"]], metadata={"PARQUET:field_id": str(c["id"])})
        for c in merge["columns"]
    )
    read(merge["sources"], names).sort(task["order"]).lazy().sink_parquet(target, arrow_schema=schema)
    ids = pl.concat(read([path], [task["id"]]) for path in (*merge["sources"], *merge["others"]))
    return {"doubled": int(ids[task["id"]].is_duplicated().sum()) if merge["others"] else 0}


def counted(task: Mapping[str, Any]) -> Answer:
    rows = read(task["sources"], [column["live_name"] for column in task["columns"]])
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


def read(paths: Sequence[str], names: Sequence[str]) -> pl.DataFrame:
    return pl.concat(
        pl.read_parquet(local(path), hive_partitioning=False).select(
            pl.col(name) if name in pl.read_parquet_schema(local(path)) else pl.lit(None).alias(name) for name in names
        )
        for path in paths
    )


def local(path: str) -> str:
    return path.removeprefix("file://")


if __name__ == "__main__":
    with open_dagster_pipes() as pipes:
        for answer in do(pipes.extras):
            pipes.report_custom_message(answer)
