"""`clearlift init` and `keys new`: from credentials to a green doctor, asked or from a file, also after a kill."""

import json
import os
import signal
import subprocess
import sys
from pathlib import Path
from urllib.parse import urlsplit, urlunsplit

import pytest
from click.testing import CliRunner
from dagster import DagsterInstance
from dotenv import dotenv_values
from hypothesis import given
from hypothesis import strategies as st

from clearlift_pipelines import env_file, pools
from clearlift_pipelines.cli.credentials import faults
from clearlift_pipelines.cli.init import init
from clearlift_pipelines.definitions import build_defs
from clearlift_pipelines.project import CHECKOUT
from clearlift_pipelines.settings import load
from clearlift_pipelines.stores import Stores
from resources import keyring
from resources.ad_platforms import PLATFORMS
from tests.clearlift_pipelines.cli.terminal import Terminal
from tests.standin.loopback import Loopback, Reply
from tests.supabase import LOGIN

REFUSED = {"success": False, "errors": [{"code": 10000, "message": "Authentication error"}], "result": None}
# A process that is killed when it comes to a step.
KILLED = """
import os, signal, sys
from importlib import import_module
module, _, name = sys.argv.pop(1).rpartition(":")
owner = import_module(module)
*path, name = name.split(".")
for part in path:
    owner = getattr(owner, part)
setattr(owner, name, lambda *_: os.kill(os.getpid(), signal.SIGKILL))
from clearlift_pipelines.cli import main
main()
"""
STEPS = (
    "clearlift_pipelines.cli.credentials:faults",
    "clearlift_pipelines.cli.init:_with_keys",
    "clearlift_pipelines.stores:Stores.make_the_rest",
    "clearlift_pipelines.pools:set_missing",
)


@pytest.fixture
def fresh(on_supabase: Terminal, monkeypatch: pytest.MonkeyPatch) -> Terminal:
    """A project without a setting."""
    for name in ("CLEARLIFT_POSTGRES_DSN", "CLEARLIFT_POSTGRES_ROLE"):
        monkeypatch.delenv(name)
    return on_supabase


def production(terminal: Terminal, dsn: str) -> Path:
    file = terminal.folder / "production.env"
    file.write_text(f"CLEARLIFT_POSTGRES_DSN='{dsn}'\nCLEARLIFT_POSTGRES_ROLE=service_role\n")
    return file


def elsewhere(dsn: str) -> str:
    """The address of a database that is not there."""
    return urlunsplit(urlsplit(dsn)._replace(path="/nowhere"))


def mode(path: Path) -> int:
    return path.stat().st_mode & 0o777


def limits() -> dict[str, int]:
    with DagsterInstance.get() as instance:
        return {pool.name: pool.limit for pool in instance.event_log_storage.get_pool_limits()}


def test_a_file_makes_a_deployment_ready_and_a_second_time_changes_nothing(fresh: Terminal, supabase_dsn: str) -> None:
    env = fresh.folder / ".env"
    env.write_text("# ours\nOTHER=1\nCLEARLIFT_LATE_DAYS=7 # a week\n")
    file = production(fresh, supabase_dsn)
    said = fresh.good("init", "--from", str(file), "--set", "CLEARLIFT_CACHE_WRITES_PER_RUN=5000", "--pool-limit", "3")
    assert [line for line in said.splitlines() if line.startswith("bad")] == []
    assert env.read_text().startswith("# ours\nOTHER=1\nCLEARLIFT_LATE_DAYS=7 # a week\n")
    assert mode(env) == 0o600
    chosen = load()
    assert (chosen.postgres_role, chosen.late_days, chosen.cache_writes_per_run) == ("service_role", 7, 5000)
    assert chosen.keyring_file == chosen.home / "keyring.json"
    assert mode(chosen.keyring_file) == 0o600
    wanted = pools.names(build_defs(chosen))
    assert {"postgres", "lake", "kv", "d1", "r2", "archive", *(f"ads_{name}" for name in PLATFORMS)} <= set(wanted)
    assert limits() == dict.fromkeys(wanted, 3)

    with DagsterInstance.get() as instance:
        instance.event_log_storage.set_concurrency_slots("lake", 9)
    before = (env.read_bytes(), chosen.keyring_file.read_bytes())
    again = fresh.good("init", "--from", str(file))
    assert "made" not in again
    assert "written" not in again
    assert (env.read_bytes(), chosen.keyring_file.read_bytes()) == before
    assert limits() == {**dict.fromkeys(wanted, 3), "lake": 9}
    assert {path.name for path in fresh.folder.iterdir()} == {*(".env", ".clearlift", "dagster_home", "production.env")}


def test_a_kill_anywhere_and_another_start_end_the_same(fresh: Terminal, supabase_dsn: str) -> None:
    file = production(fresh, supabase_dsn)
    for step in STEPS:
        done = subprocess.run(
            [sys.executable, "-c", KILLED, step, "init", "--from", str(file)],
            cwd=fresh.folder,
            env={**os.environ, "PYTHONPATH": str(CHECKOUT)},
            capture_output=True,
            text=True,
            check=False,
        )
        assert done.returncode == -signal.SIGKILL, (step, done.stderr)
    said = fresh.good("init", "--from", str(file))
    assert "bad" not in said
    assert "made pool" in said
    assert keyring.load(load().home / "keyring.json").newest == 1
    assert not (fresh.folder / ".env.draft").exists()


def test_each_wrong_credential_is_one_line_and_nothing_is_written(fresh: Terminal, supabase_dsn: str) -> None:
    nowhere = elsewhere(supabase_dsn).replace(f"{LOGIN}@", f"{LOGIN}:hush-password@")
    with Loopback(lambda _: Reply(REFUSED, status=401)) as cloudflare:
        pairs = {
            "POSTGRES_DSN": nowhere,
            "CLOUDFLARE_API_URL": cloudflare.url,
            "CLOUDFLARE_API_TOKEN": "hush-token",
            "D1__CLEARLIFT": "one",
            "D1__SESH": "two",
            "KV__SESH": "three",
            "DAGSTER_POSTGRES_URL": "postgresql://me:hush@127.0.0.1:1/x?connect_timeout=2",
        }
        said = fresh.clearlift("init", *(f"--set=CLEARLIFT_{name}={value}" for name, value in pairs.items()))
    assert said.code == 1
    lines = [line.removeprefix("Error:").strip() for line in said.err.splitlines()]
    named = ["CLEARLIFT_CLOUDFLARE_API_TOKEN", "CLEARLIFT_POSTGRES_DSN", "CLEARLIFT_DAGSTER_POSTGRES_URL"]
    assert [line.split(": ")[0] for line in lines] == named
    assert lines[-1].endswith("Nothing was written.")
    assert "Authentication error" in lines[0]
    assert 'database "nowhere" does not exist' in lines[1]
    assert "hush" not in said.out + said.err
    assert not (fresh.folder / ".env").exists()
    assert not (fresh.folder / ".env.draft").exists()


@pytest.mark.parametrize(
    ("status", "code", "blamed"),
    [
        (403, 9109, "CLEARLIFT_CLOUDFLARE_API_TOKEN"),
        (400, 7003, "CLEARLIFT_CLOUDFLARE_ACCOUNT_ID"),
        (404, 7404, "CLEARLIFT_D1__SESH"),
    ],
)
def test_what_cloudflare_refuses_is_named_by_the_variable_that_is_wrong(
    terminal: Terminal, status: int, code: int, blamed: str
) -> None:
    refused = {"success": False, "errors": [{"code": code, "message": "no"}], "result": None}
    with Loopback(lambda _: Reply(refused, status=status)) as cloudflare:
        given = load(cloudflare_api_url=cloudflare.url, cloudflare_api_token="t", d1={"sesh": "id"})
        with Stores(given) as stores:
            assert list(faults(stores)) == [blamed]


@pytest.mark.parametrize(
    ("arguments", "line"),
    [
        (
            ("--set", "CLEARLIFT_POSTGRE_DSN=x"),
            "CLEARLIFT_POSTGRE_DSN is no setting; did you mean CLEARLIFT_POSTGRES_DSN?",
        ),
        (("--set", "CLEARLIFT_POSTGRES_ROLE=nobody_at_all"), "CLEARLIFT_POSTGRES_ROLE: "),
        (("--set", "CLEARLIFT_R2_BUCKET=b"), "CLEARLIFT_R2_ACCESS_KEY_ID is missing (CLEARLIFT_R2_BUCKET is set)"),
        (
            ("--set", "CLEARLIFT_CACHE_WRITES_PER_RUN=${HOME}"),
            "CLEARLIFT_CACHE_WRITES_PER_RUN: a .env file cannot hold",
        ),
        (("--set", "CLEARLIFT_LATE_DAYS=8"), "CLEARLIFT_LATE_DAYS is another in the environment"),
    ],
)
def test_what_cannot_be_set_is_one_line(
    fresh: Terminal, supabase_dsn: str, arguments: tuple[str, ...], line: str
) -> None:
    fresh.monkeypatch.setenv("CLEARLIFT_POSTGRES_DSN", supabase_dsn)
    fresh.monkeypatch.setenv("CLEARLIFT_LATE_DAYS", "7")
    assert fresh.refused("init", *arguments).startswith(f"Error: {line}")
    assert not (fresh.folder / ".env").exists()


def test_a_wrong_answer_is_said_and_asked_again(fresh: Terminal, supabase_dsn: str) -> None:
    wrong = elsewhere(supabase_dsn)
    answers = [*5 * "n", "y", wrong, "service_role", "", "y", supabase_dsn, "service_role", "", *5 * "n"]
    done = CliRunner().invoke(init, ["--ask"], input="\n".join(answers) + "\n")
    assert done.exit_code == 0, done.output
    assert done.output.count("CLEARLIFT_POSTGRES_DSN (") == 2
    assert supabase_dsn not in done.output
    assert dotenv_values(fresh.folder / ".env")["CLEARLIFT_POSTGRES_DSN"] == supabase_dsn
    assert load().postgres_role == "service_role"


def test_a_second_one_at_once_is_refused(fresh: Terminal, monkeypatch: pytest.MonkeyPatch) -> None:
    from clearlift_pipelines.cli.init import _alone

    with _alone(fresh.folder):
        assert "clearlift init is running already" in fresh.refused("init", "--no-ask")


def test_keys_new_makes_one_key_and_never_overwrites_it(fresh: Terminal) -> None:
    file = fresh.folder / "deep" / "keys.json"
    said = fresh.good("keys", "new", str(file))
    assert json.loads(file.read_text())["keys"]["1"] not in said
    assert keyring.load(file).newest == 1
    assert mode(file) == 0o600
    before = file.read_bytes()
    assert "is there already" in fresh.refused("keys", "new", str(file))
    assert file.read_bytes() == before
    fresh.good("keys", "new")
    assert keyring.load(load().home / "keyring.json").newest == 1


@given(
    text=st.text(st.characters(codec="utf-8", exclude_characters="\r\x00$"), max_size=60),
    name=st.sampled_from(["CLEARLIFT_A", "CLEARLIFT_B"]),
)
def test_a_value_comes_back_from_the_file_as_it_was(tmp_path: Path, text: str, name: str) -> None:
    path = tmp_path / ".env"
    path.write_text("CLEARLIFT_A=1\n# note\nCLEARLIFT_A=2\nOTHER='x'")
    made = env_file.draft(path, {name: text})
    assert dotenv_values(made)[name] == text
    assert dotenv_values(made)["OTHER"] == "x"
    assert "# note\n" in made.read_text()
