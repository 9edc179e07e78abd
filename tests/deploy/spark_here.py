"""The program of deploy/spark on a local Spark, as a command. No fixtures here.

pyspark lies in the environment of other engines (`make engines`), all else that the program needs in ours.
"""

import shlex
import sys
from pathlib import Path

from tests.resources.lake.engines import ENGINES, ROOT

PROGRAM = ROOT / "deploy" / "spark" / "heavy_days.py"


def command(folder: Path) -> str:
    """The command that does a task; what it needs of the other environment is linked in a folder."""
    packages = next((ENGINES.parents[1] / "lib").glob("python3*")) / "site-packages"
    path = folder / "spark-path"
    path.mkdir()
    for name in ("pyspark", "py4j"):
        (path / name).symlink_to(packages / name)
    settings = {
        "PYTHONPATH": f"{path}:{ROOT}",
        "PYSPARK_PYTHON": sys.executable,
        "SPARK_LOCAL_IP": "127.0.0.1",
        "PYSPARK_SUBMIT_ARGS": (
            "--master local[2] --driver-memory 1g --conf spark.ui.enabled=false --conf spark.sql.shuffle.partitions=3 "
            "pyspark-shell"
        ),
    }
    given = [f"{name}={value}" for name, value in settings.items()]
    return shlex.join(["env", *given, sys.executable, str(PROGRAM)])
