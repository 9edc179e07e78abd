"""`clearlift dbt`, as docs/analysts.md has it: what it writes is what analysts read, and dbt reads it."""

import json
import subprocess
from pathlib import Path

import pytest
import yaml

from clearlift_pipelines import dbt_sources
from resources.postgres import Postgres
from tests.clearlift_pipelines.cli.terminal import Terminal
from tests.pages import blocks, pasted_well
from tests.resources.lake.engines import DBT, require_dbt

PAGE = "analysts.md"


def sources_of(text: str) -> dict[str, dict[str, dict[str, str]]]:
    """The columns of each table with their meaning, by its name with its schema."""
    return {
        f"{source['schema']}.{table['name']}": {each["name"]: each["description"] for each in table["columns"]}
        for source in yaml.safe_load(text)["sources"]
        for table in source["tables"]
    }


def test_dbt_gets_what_analysts_read_with_every_meaning(terminal: Terminal) -> None:
    terminal.good("migrate", "up")
    (terminal.folder / "models").mkdir()
    (block,) = (block for block in blocks(PAGE) if block.language == "console")
    said = pasted_well(terminal, block)

    text = (terminal.folder / "models/sources.yml").read_text()
    assert said == f"models/sources.yml has the tables of today.\n{text}"
    found = sources_of(text)
    assert {"rollups.daily_totals", "attribution.daily", "ads.campaigns", "experiments.looks"} <= found.keys()
    assert not {"attribution.touches", "sessions.daily", "analysts.readers", "rollups.windows"} & found.keys()
    assert all(meaning for columns in found.values() for meaning in columns.values())
    for source in yaml.safe_load(text)["sources"]:
        assert source["description"]
        assert all(table["description"] for table in source["tables"])
    (terminal.folder / "mine.yml").write_text("version: 2\n")
    refusal = terminal.refused("dbt", "sources", "mine.yml")
    assert "mine.yml was not written by this command. Next: name another file" in refusal


@pytest.mark.soak
def test_dbt_itself_reads_the_sources_and_a_model_of_them(migrated_dsn: str, tmp_path: Path) -> None:
    require_dbt()
    (tmp_path / "models").mkdir()
    with Postgres(migrated_dsn) as postgres:
        sources = dbt_sources.sources(postgres)
    (tmp_path / "models/sources.yml").write_text(sources)
    (tmp_path / "dbt_project.yml").write_text("name: analysts\nversion: '1.0'\nprofile: clearlift\n")
    for block in blocks(PAGE):
        if block.file:
            (tmp_path / block.file).write_text(block.text)
    environment = {"DBT_PASSWORD": "x", "HOME": str(tmp_path), "PATH": "", "DO_NOT_TRACK": "1"}
    command = [str(DBT), "parse", "--no-use-colors", "--warn-error", "--project-dir", ".", "--profiles-dir", "."]
    done = subprocess.run(command, cwd=tmp_path, env=environment, capture_output=True, text=True, check=False)
    assert done.returncode == 0, done.stdout + done.stderr
    manifest = json.loads((tmp_path / "target/manifest.json").read_text())
    assert {f"{each['schema']}.{each['name']}" for each in manifest["sources"].values()} == sources_of(sources).keys()
    (model,) = manifest["nodes"].values()
    assert model["depends_on"]["nodes"] == ["source.analysts.rollups.daily_totals"]
