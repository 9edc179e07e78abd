"""`make bench` runs every benchmark, one after another. `python -m benchmarks ingest` runs one of them."""

import sys
from importlib import import_module

ALL = (
    "ingest",
    "network",
    "compaction",
    "rollups",
    "attribution",
    "stores",
    "cache",
    "ads",
    "archive",
    "backups",
    "backups_postgres",
    "retention",
    "erasure",
    "growth",
    "growth_app",
    "experiments",
    "sealing",
)

for name in sys.argv[1:] or ALL:
    import_module(f"benchmarks.{name}").main()
