"""Variables that are set for a test, and what a refusal says. No fixtures here."""

import pytest

from clearlift_pipelines.settings import SettingsError, load


def set_variables(monkeypatch: pytest.MonkeyPatch, variables: dict[str, str]) -> None:
    for name, value in variables.items():
        monkeypatch.setenv(name, value)


def refusal() -> str:
    with pytest.raises(SettingsError) as caught:
        load()
    assert "\n" not in str(caught.value)
    return caught.value.reason
