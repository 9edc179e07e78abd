"""A process that carries out the erasures of an app, and kills itself after one of its calls of a store.

python -m tests.clearlift_pipelines.erasing_process HOME DSN APP EVERY
"""

import os
import signal
import sys
from pathlib import Path

from dagster import DagsterInstance
from pydantic import SecretStr

from assets.erasure.assets import erasure_of
from clearlift_pipelines import settings
from clearlift_pipelines.stores import Stores
from tests.assets.erasure.mortal import Mortal
from tests.clearlift_pipelines.lived_in import BY_NAME


def main(home: str, dsn: str, app: str, every: str) -> None:
    """See the module."""
    with (
        Stores(settings.load(home=Path(home), postgres_dsn=SecretStr(dsn))) as stores,
        DagsterInstance.local_temp(f"{home}/../dagster") as instance,
    ):
        mortal = Mortal(int(every), lambda: os.kill(os.getpid(), signal.SIGKILL))
        mortal.until_done(erasure_of(stores, BY_NAME[app], (7, 5, 12), instance).run)


if __name__ == "__main__":
    main(*sys.argv[1:])
