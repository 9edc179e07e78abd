"""A machine of its own, as far as a process can be one: run with `python -m`, in a work folder of its own.

Arguments: the runs to make, as JSON, a list of keyword arguments of `Workbench.run`. Stores and run history come from
the environment. Says `ready` before and waits for a line on standard input, so that several begin together; ends with
the ids of its runs as JSON.
"""

import json
import sys

from clearlift_pipelines.cli.execution import workbench


def main(runs: str) -> None:
    with workbench() as bench:
        print("ready", flush=True)  # noqa: T201 (what the parent waits for)
        sys.stdin.readline()
        made = [bench.run(**run).run_id for run in json.loads(runs)]
    print(json.dumps(made), flush=True)  # noqa: T201 (what the parent compares with the history)


if __name__ == "__main__":
    main(*sys.argv[1:])
