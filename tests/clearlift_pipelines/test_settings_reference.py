"""The tables of settings that a reader sees are made from the class."""

import re
from pathlib import Path

import pytest

from clearlift_pipelines import settings_reference
from clearlift_pipelines.settings import Settings, load

ROOT = Path(__file__).resolve().parents[2]
AGAIN = "python -m clearlift_pipelines.settings_reference writes it again"


def test_the_readme_has_the_table_of_today() -> None:
    readme = (ROOT / "README.md").read_text()
    assert settings_reference.in_readme(readme) == readme, AGAIN


def test_the_example_is_the_one_of_today() -> None:
    assert (ROOT / ".env.example").read_text() == settings_reference.env_example(), AGAIN


def test_every_setting_is_listed_with_its_meaning() -> None:
    listed = list(settings_reference.variables())
    assert len(listed) == len(Settings.model_fields)
    assert all(variable.meaning for variable in listed)
    assert not [v for v in listed if any(word in v.name for word in ("TOKEN", "SECRET", "DSN")) and v.default]
    families = [name for name, field in Settings.model_fields.items() if isinstance(field.default, dict)]
    assert all(any(v.name.startswith(f"CLEARLIFT_{name.upper()}__") for v in listed) for name in families)


def test_the_example_sets_nothing_as_it_is_and_the_defaults_when_it_is_uncommented(bare_environment: Path) -> None:
    env, defaults = bare_environment / ".env", load()
    env.write_text(settings_reference.env_example())
    assert load() == defaults
    env.write_text(re.sub(r"^# (CLEARLIFT_)", r"\1", settings_reference.env_example(), flags=re.MULTILINE))
    assert "\nCLEARLIFT_LATE_DAYS=35\n" in env.read_text()
    assert load().model_dump() == defaults.model_dump()


@pytest.mark.parametrize("missing", [settings_reference.BEGIN, settings_reference.END])
def test_a_readme_without_the_markers_is_refused(missing: str) -> None:
    text = f"a\n{settings_reference.BEGIN}\n{settings_reference.END}\nb".replace(missing, "")
    with pytest.raises(ValueError, match="lacks <!-- "):
        settings_reference.in_readme(text)
