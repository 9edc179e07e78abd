"""`clearlift job`: every job of the definitions is a command, with the options that its assets take."""

from datetime import UTC, datetime

import click
import pytest

from assets.apps.consignment import APP as CONSIGNMENT
from assets.apps.sesh import APP as SESH
from assets.capability import job_name
from clearlift_pipelines import settings
from clearlift_pipelines.cli.job import Jobs, job
from clearlift_pipelines.cli.jobs import DRY_RUN, OWNERS
from clearlift_pipelines.definitions import build_defs
from clearlift_pipelines.stores import Stores
from tests.assets.rollups.event_lake import EventLake, event
from tests.clearlift_pipelines.cli.terminal import Terminal
from tests.resources.lake.foreign import drop_column
from tests.sql.consignment.database import put
from tests.tables import EVENTS


def commands() -> dict[str, click.Command]:
    assert isinstance(job, Jobs)
    context = click.Context(job)
    found = {name: job.get_command(context, name) for name in job.list_commands(context) if name != "list"}
    return {name: command for name, command in found.items() if command is not None}


def options(command: click.Command) -> set[str]:
    return {option for parameter in command.params for option in (*parameter.opts, *parameter.secondary_opts)}


def test_every_job_of_every_app_is_a_command_and_takes_what_its_assets_take(terminal: Terminal) -> None:
    definitions = build_defs(settings.load())
    offered = commands()
    # The purge of Dagster's history is a command of its own.
    assert {job.name for job in definitions.jobs or ()} - {"pipelines_purge"} == {
        job_name(app, name)
        for name, command in offered.items()
        for parameter in command.params
        if parameter.name == "app" and isinstance(parameter.type, click.Choice)
        for app in OWNERS
        if app.name in parameter.type.choices
    }
    for name, command in offered.items():
        assert isinstance(job, Jobs)
        takes = options(command)
        assert ({"--partition", "--from", "--to"} <= takes) is job.every[name].partitioned
        assert {f"--{field.replace('_', '-')}" for field in job.every[name].fields} <= takes
        assert (command.help or "").partition("\n")[0] == job.every[name].description
        for field in job.every[name].fields.values():
            assert field.description, f"{name}: {field.name} has no description"


def test_a_dry_run_is_offered_where_no_asset_would_do_its_work_all_the_same(terminal: Terminal) -> None:
    offered = {name for name, command in commands().items() if "--dry-run" in options(command)}
    assert offered == {"compact", "pruning", "remove_files", "retention", "rotate", "tidy", "verify_cache"}
    assert isinstance(job, Jobs)
    assert DRY_RUN not in job.every["hourly"].fields


def test_the_list_and_the_help_say_what_a_job_takes(terminal: Terminal) -> None:
    said = terminal.good("job", "list")
    assert "roll_up_hours" in said
    # Into a pipe, each job is one line.
    assert all(line.startswith(" ") and not line.startswith("  ") for line in said.splitlines())
    assert "--partition --from --to --org" in said
    said = terminal.good("job", "partitions", "--help")
    assert "clearlift job partitions [OPTIONS]" in said
    assert "--since TEXT A day (YYYY-MM-DD): months from it on get partitions too" in " ".join(said.split())


def test_a_job_runs_with_its_options_and_says_what_it_counted(terminal: Terminal) -> None:
    terminal.stores.migrate()
    said = terminal.good("job", "partitions", "--since", "2026-01-01", "--asset", "series/partitions")
    assert "sesh/series/partitions" in said
    assert "sessions_2026_01" in said
    assert "folded" not in said
    assert terminal.stores.d1(SESH).query("select 1 as one from partitions where name = 'metrics_2026_01'")
    # A dry run unless its options say otherwise, as in the launchpad.
    assert "dry_run True" in terminal.good("job", "pruning")
    assert "dry_run False" in terminal.good("job", "pruning", "--no-dry-run")


def test_a_job_that_never_touches_the_lake_runs_beside_a_lake_that_is_refused(
    migrated: Terminal, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(Stores, "real", frozenset())  # as if all were embedded, and so made by the command
    drop_column(migrated.stores.lake.table(EVENTS), "page_title")

    assert "dry_run True" in migrated.good("job", "pruning")
    for command in (("migrate", "up"), ("compact",), ("compact", "--dry-run"), ("lake", "verify")):
        said = migrated.refused(*command)
        assert "clearlift.events lacks the columns page_title. Next: set the table's schema" in said


def test_a_range_of_partitions_is_one_run(migrated: Terminal) -> None:
    EventLake(migrated.stores).append(event(timestamp=datetime(2025, 10, 10, 1, tzinfo=UTC)))
    said = migrated.good("job", "roll_up_hours", "--from", "2025-10-10", "--to", "2025-10-10T03", "--org", "a3f7c2")
    assert "events 1, windows 3" in said
    assert "warning clearlift/rollups/hourly recount_from_raw_events" in said, "nothing of lately is proved by it"
    assert migrated.stores.postgres.fetch("select sum(events)::int as n from rollups.hourly") == [{"n": 1}]


def test_a_failed_check_ends_a_job_with_exit_code_1_and_says_what_it_found(migrated: Terminal) -> None:
    d1 = migrated.stores.d1(CONSIGNMENT)
    put(d1, "events", id=7, status="published", max_consignors=1)
    for n in (1, 2):
        put(d1, "consignors", user_id=f"u{n}")
        put(d1, "inventory_items", id=n, user_id=f"u{n}", event_id=7, status="approved")
    said = migrated.clearlift("job", "integrity", "--app", "consignment")
    assert said.code == 1
    (found,) = (line for line in said.out.splitlines() if line.startswith("check failed "))
    name, _, what = found.removeprefix("check failed ").partition(": ")
    assert what == "1 row of events. (offending 1, ids 7)"
    assert said.err.startswith(f"Error: 1 check failed: {name}. Next: ")
    asset, check = name.split()
    assert check == "consignors_within_limit"
    assert f"/assets/{asset}?view=checks&checkDetail={check}" in said.err


def test_a_field_without_a_default_shows_none(terminal: Terminal) -> None:
    assert "[default: ]" not in terminal.good("job", "aggregate", "--help")
    for name, command in commands().items():
        for option in command.params:
            assert not str(getattr(option, "help", "")).endswith("[default: ]"), name


@pytest.mark.parametrize(
    ("arguments", "said"),
    [
        (
            ["sessions", "--partition", "2020-01-01"],
            "Error: sessions has no partition '2020-01-01'. Next: name one from ",
        ),
        (
            ["sessions", "--from", "2020-01-01", "--to", "2020-01-02"],
            "Error: sessions has no partition from 2020-01-01T00 to 2020-01-02T00. Next: name one from ",
        ),
        (["partitions", "--since", "soon"], "Error: since 'soon' is no day. Next: give it as YYYY-MM-DD"),
        (
            ["points", "--replay", "whatever"],
            "Error: no line of points is refused for 'whatever'. Next: name `all` or ",
        ),
        (["tidy", "--at-least", "9", "--at-most", "8"], "Error: at_least 9 is not between 1 and at_most 8. Next: "),
        (["remove_files", "--grace-hours", "1"], "Error: grace_hours 1 is not above the longest run"),
    ],
)
def test_an_expected_refusal_is_one_line_with_the_next_step(
    terminal: Terminal, arguments: list[str], said: str
) -> None:
    terminal.stores.migrate()
    ended = terminal.clearlift("job", *arguments)
    assert ended.code == 1
    assert ended.err.startswith(said)
    assert ended.err.count("\n") == 1, "no word of a trace"
    assert "Next: " in ended.err


@pytest.mark.parametrize(
    "arguments",
    [
        ["sessions"],
        ["sessions", "--from", "2025-10-10"],
        ["sessions", "--partition", "2025-10-10", "--from", "2025-10-10"],
        ["tidy", "--partition", "2025-10-10"],
        ["retention"],
        ["warm", "--app", "sesh", "--asset", "cache/top_pages"],
        ["fly"],
    ],
)
def test_a_wrong_command_line_is_refused(terminal: Terminal, arguments: list[str]) -> None:
    assert terminal.clearlift("job", *arguments).code == 2
