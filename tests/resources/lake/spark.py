"""Spark at work on a table: it reads and writes it through a Hadoop catalog, and our catalog takes over what it left.

The packaged runtime of Iceberg lacks the Jackson that it was built with, under its own package name. Spark's Jackson
with that name written into its classes stands in for it. No fixtures here.
"""

import json
import shutil
import struct
import subprocess
import zipfile
from collections.abc import Iterator, Sequence
from pathlib import Path
from typing import Any

from resources.lake import Lake, LakeTable
from tests.resources.lake.engines import ENGINES

SHADED = b"org/apache/iceberg/shaded/"
JACKSON = b"com/fasterxml/jackson"
# The length of each kind of entry in a class file's pool of constants, without its tag.
LENGTHS = {3: 4, 4: 4, 5: 8, 6: 8, 7: 2, 8: 2, 9: 4, 10: 4, 11: 4, 12: 4, 15: 3, 16: 2, 17: 4, 18: 4, 19: 2, 20: 2}

_SESSION = """
import json, sys
from pyspark.sql import SparkSession
jars, warehouse, statements = sys.argv[1:4]
session = (
    SparkSession.builder.master("local[1]")
    .config("spark.jars", jars)
    .config("spark.ui.enabled", "false")
    .config("spark.driver.memory", "1g")
    .config("spark.sql.session.timeZone", "UTC")
    .config("spark.sql.shuffle.partitions", "1")
    .config("spark.sql.extensions", "org.apache.iceberg.spark.extensions.IcebergSparkSessionExtensions")
    .config("spark.sql.catalog.lake", "org.apache.iceberg.spark.SparkCatalog")
    .config("spark.sql.catalog.lake.type", "hadoop")
    .config("spark.sql.catalog.lake.warehouse", warehouse)
    .config("spark.sql.defaultCatalog", "lake")
    .getOrCreate()
)
answers = [[list(row) for row in session.sql(statement).collect()] for statement in json.loads(statements)]
print("answers:" + json.dumps(answers, default=str))
"""


def run(lake: Lake, table: LakeTable, folder: Path, *statements: str) -> list[list[list[Any]]]:
    """Run SQL over the table, which is `{table}` in it; the rows of each answer. Our catalog has its end."""
    live = table.load()
    metadata = Path(live.metadata_location.removeprefix("file://"))
    # A Hadoop catalog takes the file with the highest number.
    ours = 1 + max(_versions(metadata.parent), default=0)
    shutil.copy(metadata, metadata.parent / f"v{ours}.metadata.json")
    (metadata.parent / "version-hint.text").write_text(str(ours))
    name = ".".join(table.spec.identifier)
    given = json.dumps([statement.format(table=name) for statement in statements])
    warehouse = metadata.parents[3].as_uri()
    command = [str(ENGINES), "-c", _SESSION, ",".join(map(str, jars(folder))), warehouse, given]
    done = subprocess.run(command, capture_output=True, text=True, check=False, cwd=folder)
    assert done.returncode == 0, done.stderr[-3_000:]
    newest = max(_versions(metadata.parent))
    if newest != ours:
        lake.catalog.drop_table(table.spec.identifier)
        lake.catalog.register_table(table.spec.identifier, (metadata.parent / f"v{newest}.metadata.json").as_uri())
    (line,) = [line for line in done.stdout.splitlines() if line.startswith("answers:")]
    answers: list[list[list[Any]]] = json.loads(line.removeprefix("answers:"))
    return answers


def _versions(folder: Path) -> list[int]:
    return [int(path.name[1:].partition(".")[0]) for path in folder.glob("v*.metadata.json")]


def jars(folder: Path) -> list[Path]:
    """Iceberg's runtime for Spark 3.5, and the Jackson that it lacks."""
    packages = next((ENGINES.parents[1] / "lib").glob("python3*")) / "site-packages"
    (runtime,) = packages.glob("snowpark_connect_deps_iceberg/jars/iceberg-spark-runtime-3.5_2.12-*.jar")
    shaded = folder / "jackson-shaded.jar"
    if not shaded.exists():
        with zipfile.ZipFile(shaded, "w", zipfile.ZIP_DEFLATED) as made:
            for part in ("core", "databind", "annotations"):
                (jar,) = packages.glob(f"pyspark/jars/jackson-{part}-2*.jar")
                with zipfile.ZipFile(jar) as given:
                    for entry in given.namelist():
                        if entry.startswith(JACKSON.decode()) and entry.endswith(".class"):
                            made.writestr(SHADED.decode() + entry, renamed(given.read(entry)))
    return [runtime, shaded]


def renamed(compiled: bytes) -> bytes:
    """A class whose names of Jackson's classes have Iceberg's prefix."""
    count = struct.unpack_from(">H", compiled, 8)[0]
    pool, at = bytearray(), 10
    for entry, end in _entries(compiled, at, count):
        pool += entry
        at = end
    return compiled[:10] + bytes(pool) + compiled[at:]


def _entries(compiled: bytes, at: int, count: int) -> Iterator[tuple[bytes, int]]:
    number = 1
    while number < count:
        tag = compiled[at]
        if tag == 1:
            length = struct.unpack_from(">H", compiled, at + 1)[0]
            text = compiled[at + 3 : at + 3 + length]
            dotted, prefix = JACKSON.replace(b"/", b"."), SHADED.replace(b"/", b".")
            text = text.replace(JACKSON, SHADED + JACKSON).replace(dotted, prefix + dotted)
            yield b"\x01" + struct.pack(">H", len(text)) + text, at + 3 + length
            at += 3 + length
        else:
            yield compiled[at : at + 1 + LENGTHS[tag]], at + 1 + LENGTHS[tag]
            at += 1 + LENGTHS[tag]
        number += 2 if tag in (5, 6) else 1


def columns_of(table: LakeTable, names: Sequence[str]) -> str:
    """Our columns as the table calls them now."""
    return ", ".join(table.layout.live_names[name] for name in names)
