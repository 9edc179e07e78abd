"""A machine of its own, as far as a process can be one. Run with `python -m`, in a work folder of its own.

Argument: the runs as a JSON list. Each names a job of ClearLift, its first and last partition, and the organisation
that an asset (`capability`, `object`) is limited to. The environment gives the stores and the run history. The worker
prints `ready` and waits for a line on standard input, so that several begin together. It ends with the ids of its runs
as JSON.
"""

import json
import sys

from assets.apps.clearlift import APP
from clearlift_pipelines.cli.execution import workbench


def main(runs: str) -> None:
    with workbench() as bench:
        print("ready", flush=True)  # noqa: T201 (the parent waits for it)
        sys.stdin.readline()
        ids = [
            bench.run(
                APP,
                run["job"],
                run["first"],
                run["last"],
                config={(run["capability"], run["object"]): {"org": run["org"]}},
            ).run_id
            for run in json.loads(runs)
        ]
    print(json.dumps(ids), flush=True)  # noqa: T201 (the parent compares it with the history)


if __name__ == "__main__":
    main(*sys.argv[1:])
