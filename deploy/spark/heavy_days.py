"""Heavy days of the lake on Spark: `spark-submit heavy_days.py`, started over Dagster Pipes (docs/scaling.md).

A task says which data files are read and which are written. Columns are found by field id, so that no catalog is asked
and nothing is committed here. Counting is `assets.rollups.counting`, the code of our own engine, on the organisations
and windows of one Spark partition at a time: executors need this package with polars and pyarrow.
"""

from collections.abc import Callable, Iterator, Sequence
from datetime import datetime
from typing import Any

import polars as pl
import pyarrow as pa
from dagster_pipes import open_dagster_pipes
from pyspark.sql import DataFrame, SparkSession
from pyspark.sql import functions as f
from pyspark.sql.types import StructType

from assets.rollups.count_elsewhere import CUT, FIGURES, PAYLOAD, parts_of
from assets.rollups.counting import count
from assets.rollups.definition import COLUMNS, Grain

# Iceberg's names of types that Spark has by another one.
TYPES = {"int": "integer", "timestamptz": "timestamp", "timestamp": "timestamp_ntz"}
FIELD_ID = "parquet.field.id"
SETTINGS = {
    "spark.sql.session.timeZone": "UTC",
    "spark.sql.parquet.fieldId.read.enabled": "true",
    "spark.sql.parquet.fieldId.write.enabled": "true",
    "spark.sql.parquet.outputTimestampType": "TIMESTAMP_MICROS",
    "spark.sql.parquet.compression.codec": "snappy",
    # A cluster may have these on: then rows of damaged files would be missing without a word.
    "spark.sql.files.ignoreCorruptFiles": "false",
    "spark.sql.files.ignoreMissingFiles": "false",
}
WRITTEN = f"{CUT} string, {PAYLOAD} binary, {', '.join(f'{name} bigint' for name in FIGURES)}"


def main() -> None:
    """Do the task of the Pipes session, and report an answer for each of its parts."""
    with open_dagster_pipes() as pipes:
        session = SparkSession.builder.appName("clearlift heavy days").getOrCreate()
        for name, value in SETTINGS.items():
            session.conf.set(name, value)
        task = pipes.extras
        work: dict[str, Callable[[], Sequence[dict[str, Any]]]] = {
            "merge": lambda: [merged(session, task, merge) for merge in task["merges"]],
            "count": lambda: [counted(session, task)],
        }
        for answer in work[task["work"]]():
            pipes.report_custom_message(answer)


def merged(session: SparkSession, task: dict[str, Any], merge: dict[str, Any]) -> dict[str, Any]:
    """Write the rows of the sources, in order, as one file; how many ids are there twice, in other files too."""
    rows = read(session, merge["columns"], merge["sources"])
    ordered = rows.coalesce(1).sortWithinPartitions(task["order"])
    write(session, ordered, merge["target"], {"parquet.block.row.count.limit": str(task["row_group_rows"])})
    if not merge["others"]:
        return {"doubled": 0}
    ids = read(session, merge["columns"], [*merge["sources"], *merge["others"]]).select(task["id"])
    return {"doubled": ids.groupBy(task["id"]).count().where("count > 1").count()}


def counted(session: SparkSession, task: dict[str, Any]) -> dict[str, Any]:
    """Write the rows of every cut, in parts; how many rows the sources have, and how many parts there are."""
    grain, columns = Grain(task["grain"]), task["columns"]
    everything = read(session, columns, task["sources"])
    ours = everything.select([f.col(c["live_name"]).alias(c["name"]) for c in columns]).select(*COLUMNS)
    inside = (f.col("timestamp") >= f.lit(datetime.fromisoformat(task["start"]))) & (
        f.col("timestamp") < f.lit(datetime.fromisoformat(task["end"]))
    )
    rows = ours.where(inside)
    if task["organisations"] is not None:
        rows = rows.where(f.col("org_tag").isin(task["organisations"]))
    if task["without"]:
        rows = rows.where(~f.col("org_tag").isin(task["without"]))
    window = f.date_trunc("hour" if grain is Grain.HOURLY else "day", f.col("timestamp"))
    required = [c["name"] for c in columns if c["required"]]

    def parts(batches: Iterator[pa.RecordBatch]) -> Iterator[pa.RecordBatch]:
        given = list(batches)
        frame = pl.from_arrow(pa.Table.from_batches(given)) if given else None
        if not isinstance(frame, pl.DataFrame):
            return
        lacking = [name for name in required if frame[name].null_count()]
        if lacking:
            raise ValueError(f"required columns are missing or null: {', '.join(lacking)}")
        typed = frame.with_columns(pl.col("timestamp").cast(pl.Datetime("us", "UTC")))
        yield pa.RecordBatch.from_pylist(parts_of(count(typed, grain)), schema=ARROW)

    found = rows.repartition("org_tag", window).mapInArrow(parts, WRITTEN)
    found.write.mode("overwrite").option("mapreduce.fileoutputcommitter.marksuccessfuljobs", "false").parquet(
        task["target"]
    )
    made = session.read.parquet(task["target"]).groupBy(CUT).count().agg(f.max("count")).first()
    return {"rows_read": everything.count(), "parts": int(made[0] or 0) if made else 0}


ARROW = pa.schema([(CUT, pa.string()), (PAYLOAD, pa.binary()), *((name, pa.int64()) for name in FIGURES)])


def read(session: SparkSession, columns: Sequence[dict[str, Any]], paths: Sequence[str]) -> DataFrame:
    """The rows of data files with the columns' live names; a column that a file lacks is null."""
    fields = [
        {
            "name": column["live_name"],
            "type": TYPES.get(column["type"], column["type"]),
            "nullable": True,
            "metadata": {FIELD_ID: column["id"]},
        }
        for column in columns
    ]
    schema = StructType.fromJson({"type": "struct", "fields": fields})
    return session.read.schema(schema).parquet(*paths)


def write(session: SparkSession, rows: DataFrame, target: str, options: dict[str, str]) -> None:
    """Write rows of one Spark partition as the file `target`, which is whole once it has its name."""
    folder = f"{target}.part"
    java = session._jvm.org.apache.hadoop.fs
    place = java.Path(folder)
    files = place.getFileSystem(session._jsc.hadoopConfiguration())
    # No checksum file beside a data file on a local disk.
    files.setWriteChecksum(False)
    writer = rows.write.mode("overwrite").option("mapreduce.fileoutputcommitter.marksuccessfuljobs", "false")
    for name, value in options.items():
        writer = writer.option(name, value)
    writer.parquet(folder)
    listed = [status.getPath() for status in files.listStatus(place)]
    (part,) = [path for path in listed if path.getName().endswith(".parquet")]
    if not files.rename(part, java.Path(target)):
        raise OSError(f"{target} could not be put in its place")
    files.delete(place, True)


if __name__ == "__main__":
    main()
