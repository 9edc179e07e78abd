"""psql by a command: the server stays as long as psql is open, and no longer."""

import os
import subprocess
import sys
from pathlib import Path

from clearlift_pipelines.cli.entry import COMMANDS
from resources.postgres import embedded
from resources.postgres.shared import SharedServer

CLEARLIFT = "from clearlift_pipelines.cli.entry import main; main()"


def test_another_command_that_ends_leaves_the_server_to_an_open_psql(tmp_path: Path) -> None:
    assert "sql" in COMMANDS
    folder = tmp_path / "postgres"
    environment = {**os.environ, "CLEARLIFT_HOME": str(tmp_path), "PGOPTIONS": ""}
    with subprocess.Popen(
        [sys.executable, "-c", CLEARLIFT, "sql", "--app", "growth"],
        env=environment,
        stdin=subprocess.PIPE,
        stdout=subprocess.PIPE,
        text=True,
    ) as psql:
        assert psql.stdin
        assert psql.stdout
        psql.stdin.write("\\t on\n\\a\nselect current_database();\n")
        psql.stdin.flush()
        while (line := psql.stdout.readline()) != "app_growth\n":
            assert line
        other = SharedServer(folder, lambda: None)
        other.dsn()
        other.release()
        psql.stdin.write("select 6 * 7;\n")
        psql.stdin.close()
        assert psql.stdout.read() == "42\n"
    assert psql.returncode == 0
    assert not embedded.stop(folder), "the last who used it has ended it"
