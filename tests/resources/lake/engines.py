"""Other engines as readers of a table: each answers with the same plain rows. No fixtures here.

chDB runs in a process of its own, because it brings an allocator; DuckDB's extension for Iceberg and Spark are in the
environment that `make engines` makes, and so is dbt.
"""

import importlib.util
import json
import subprocess
import sys
from collections.abc import Callable, Sequence
from pathlib import Path
from typing import Any

import polars as pl
import pytest
from pyiceberg.table import StaticTable

ROOT = Path(__file__).resolve().parents[3]
ENGINES = ROOT / ".engines" / "bin" / "python"
DBT = ENGINES.with_name("dbt")
Row = tuple[Any, ...]

_CHDB = """
import json, sys, chdb
folder, columns = sys.argv[1:3]
connection = chdb.connect(":memory:")
cursor = connection.cursor()
cursor.execute(f"select {columns} from icebergLocal('{folder}')")
print(json.dumps(cursor.fetchall()))
"""
_DUCKDB = """
import json, pathlib, sys, duckdb, duckdb_extension_avro, duckdb_extension_iceberg
engine = duckdb.connect(config={"allow_unsigned_extensions": "true"})
for package in (duckdb_extension_avro, duckdb_extension_iceberg):
    (file,) = pathlib.Path(package.__file__).parent.rglob("*.duckdb_extension")
    engine.execute(f"load '{file}'")
print(json.dumps(engine.execute(sys.argv[1]).fetchall()))
"""


def by_pyiceberg(metadata: str, columns: Sequence[str]) -> list[Row]:
    found = StaticTable.from_metadata(metadata).scan(selected_fields=tuple(columns)).to_arrow()
    return list(zip(*(found[name].to_pylist() for name in columns), strict=True))


def by_polars(metadata: str, columns: Sequence[str]) -> list[Row]:
    frame = pl.scan_iceberg(metadata.removeprefix("file://"), reader_override="native")
    return list(frame.select(columns).collect().iter_rows())


def by_chdb(metadata: str, columns: Sequence[str]) -> list[Row]:
    if importlib.util.find_spec("chdb") is None:
        pytest.skip("chDB is not installed: it is a development dependency of this project")
    folder = str(Path(metadata.removeprefix("file://")).parents[1])
    return _rows(_answer(sys.executable, _CHDB, folder, ", ".join(columns)))


def by_duckdb(metadata: str, columns: Sequence[str]) -> list[Row]:
    place = metadata.removeprefix("file://")
    return by_duckdb_itself(f"select {', '.join(columns)} from iceberg_scan('{place}')")


def by_duckdb_itself(script: str) -> list[Row]:
    """The rows of the last statement of a script, with the extensions of the environment in the place of those that the
    script installs."""
    require_engines()
    return _rows(_answer(str(ENGINES), _DUCKDB, script.replace("install iceberg; load iceberg;", "")))


READERS: dict[str, Callable[[str, Sequence[str]], list[Row]]] = {
    "PyIceberg": by_pyiceberg,
    "polars": by_polars,
    "chDB": by_chdb,
    "DuckDB": by_duckdb,
}


def require_engines() -> None:
    """Skip a test where the environment of other engines is not made."""
    if not ENGINES.exists():
        pytest.skip("DuckDB 1.5 and Spark are not installed: run `make engines`")


def require_dbt() -> None:
    """Skip a test where the environment of other engines has no dbt."""
    if not DBT.exists():
        pytest.skip("dbt is not installed: run `make engines`")


def _answer(python: str, script: str, *arguments: str) -> str:
    # chDB reads files below its working folder only.
    done = subprocess.run([python, "-c", script, *arguments], capture_output=True, text=True, cwd="/", check=False)
    assert done.returncode == 0, done.stderr[-2_000:]
    return done.stdout


def _rows(answer: str) -> list[Row]:
    return [tuple(row) for row in json.loads(answer.splitlines()[-1])]
