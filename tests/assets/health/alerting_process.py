"""A process that finds and tells as the daemon does, until it is killed: `python -m … DSN FILE RUN EPOCH`.

Each of its rounds finds one thing more, and prints it. An hour passes each second, so that a failed try need not wait.
"""

import itertools
import sys
from datetime import datetime
from pathlib import Path

from assets.finding import Finding, HealthCheck, Severity
from assets.health.alerts import Alerts
from assets.health.ledger import Ledger
from assets.health.receivers import LogFile
from resources.postgres import Postgres

CHECK = HealthCheck("clearlift", "batches_wait", lambda _: ())
FOUND = "select subject from health.findings order by subject"


def main(dsn: str, file: str, run: str, epoch: str) -> None:
    start = datetime.fromisoformat(epoch)

    def clock() -> datetime:
        return start + (datetime.now(start.tzinfo) - start) * 3600

    with Postgres(dsn) as postgres:
        known = [row["subject"] for row in postgres.fetch(FOUND)]
        alerts = Alerts(postgres, LogFile(Path(file), clock), clock, None)
        for number in itertools.count():
            known.append(f"{run}-{number:04}")
            found = [Finding(subject, "waits", "clearlift job ingest", Severity.WARNING) for subject in known]
            Ledger(postgres).record(CHECK, found, clock())
            sys.stdout.write(f"{known[-1]}\n")
            sys.stdout.flush()
            alerts.run()


if __name__ == "__main__":
    main(*sys.argv[1:])
