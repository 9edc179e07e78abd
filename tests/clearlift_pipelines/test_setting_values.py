"""What the value of one setting may be: one that cannot be used is refused by its variable's name, and not shown."""

from pathlib import Path

import pytest

from assets.apps.clearlift import APP as CLEARLIFT
from assets.partitions import Calendar
from clearlift_pipelines.settings import SettingsError, load
from clearlift_pipelines.stores import Stores
from tests.clearlift_pipelines.refused_settings import refusal

pytestmark = pytest.mark.usefixtures("bare_environment")


@pytest.mark.parametrize(
    ("name", "value"),
    [
        ("CLEARLIFT_PARTITIONS_START", "hush-yesterday"),
        ("CLEARLIFT_LATE_DAYS", "0"),
        ("CLEARLIFT_LATE_DAYS", "hush"),
        ("CLEARLIFT_D1", "hush{"),
        ("CLEARLIFT_AD_APPS", "hush{"),
        ("CLEARLIFT_AD_APPS__GOOGLE", "hush"),
        ("CLEARLIFT_AD_ORIGIN", "127.0.0.1:8990/hush"),
        ("CLEARLIFT_AD_ORIGIN", "ftp://hush.example"),
        ("CLEARLIFT_AD_ORIGIN", "http://"),
        ("CLEARLIFT_PARTITIONS_START", "2999-01-01"),
        ("CLEARLIFT_HOME", "~hush-nobody/x"),
        ("CLEARLIFT_CLOUDFLARE_API_URL", "hush"),
        ("CLEARLIFT_R2_ENDPOINT", "hush"),
        ("CLEARLIFT_LAKE_CATALOG_URI", "hush"),
        ("CLEARLIFT_R2_SQL_URL", "hush"),
        ("CLEARLIFT_BACKUP_ENDPOINT", "hush"),
        ("CLEARLIFT_BACKUP_PREFIX", "../backups"),
        ("CLEARLIFT_BACKUP_PREFIX", "lake"),
        ("CLEARLIFT_BACKUP_PREFIX", "landing/backups"),
        ("CLEARLIFT_BACKUP_PREFIX", "doctor/backups"),
        ("CLEARLIFT_BACKUP_PREFIX", "a /backups"),
        ("CLEARLIFT_BACKUP_PREFIX", " "),
        ("CLEARLIFT_BACKUP_PREFIX", "/".join(["hush" * 50] * 5)),
        ("CLEARLIFT_BACKUP_DAYS", "0"),
        ("CLEARLIFT_BACKUP_DAYS", "36501"),
        ("CLEARLIFT_BACKUP_WEEKS", "99999999999"),
        ("CLEARLIFT_BACKUP_MONTHS", "99999999999"),
        ("CLEARLIFT_HISTORY_DAYS", "99999999999"),
        ("CLEARLIFT_ERASURE_WAIT_HOURS", "99999999999"),
        ("CLEARLIFT_KEYRING", "{hush"),
        ("CLEARLIFT_KEYRING", '{"keys": {"1": "aHVzaA=="}}'),
        ("CLEARLIFT_KEYRING_FILE", "/nonexistent"),
    ],
)
def test_a_value_that_cannot_be_used_is_refused_naming_the_variable_and_not_the_value(
    monkeypatch: pytest.MonkeyPatch, name: str, value: str
) -> None:
    monkeypatch.setenv(name, value)
    said = refusal()
    assert name.removeprefix("CLEARLIFT_").lower() in said.lower()
    assert "hush" not in said


def test_partitions_start_no_earlier_than_time_is_counted_from(monkeypatch: pytest.MonkeyPatch) -> None:
    for early in ("0001-01-01", "1969-12-31"):
        monkeypatch.setenv("CLEARLIFT_PARTITIONS_START", early)
        assert refusal() == "CLEARLIFT_PARTITIONS_START: is not to lie before 1970-01-01"
    monkeypatch.setenv("CLEARLIFT_PARTITIONS_START", "1970-01-01")
    calendar = Calendar(load().partitions_start)
    assert calendar.hourly.get_first_partition_key() == "1970-01-01-00:00"
    assert calendar.quarterly.get_first_partition_key() == "1967-01-01"


def test_a_home_that_cannot_be_a_folder_is_refused(monkeypatch: pytest.MonkeyPatch, bare_environment: Path) -> None:
    taken = bare_environment / "taken"
    taken.write_text("")
    for below in ("", "x", "x/y"):
        monkeypatch.setenv("CLEARLIFT_HOME", str(taken / below))
        assert refusal() == f"CLEARLIFT_HOME: {taken.resolve()} is no folder"
    long = bare_environment.resolve() / (300 * "x")
    monkeypatch.setenv("CLEARLIFT_HOME", str(long))
    assert refusal() == f"CLEARLIFT_HOME: {long}: File name too long"


@pytest.mark.skipif(not Path("/proc").exists(), reason="no folder in which nobody can make another")
def test_a_home_that_cannot_be_made_is_refused_by_its_name(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("CLEARLIFT_HOME", "/proc/x")
    stores = Stores(load())
    for use in (
        lambda: stores.object_store,
        lambda: stores.keyring,
        lambda: stores.d1(CLEARLIFT),
        lambda: stores.postgres.fetch("select 1"),
    ):
        with pytest.raises(SettingsError, match=r"^CLEARLIFT_HOME: /proc/x cannot be made: "):
            use()


def test_the_home_is_for_its_owner_alone_and_folders_above_stay(
    monkeypatch: pytest.MonkeyPatch, bare_environment: Path
) -> None:
    above = bare_environment / "above"
    above.mkdir(mode=0o755)
    before = above.stat().st_mode
    monkeypatch.setenv("CLEARLIFT_HOME", str(above / "new" / "home"))
    stores = Stores(load())
    stores.d1(CLEARLIFT).query("select 1 as one")
    stores.kv(CLEARLIFT).get("a")
    assert stores.keyring.newest == 1
    stores.close()
    assert above.stat().st_mode == before
    made = [*(above / "new").rglob("*"), above / "new"]
    assert {path.stat().st_mode & 0o777 for path in made if path.is_dir()} == {0o700}
    files = {path.name: path.stat().st_mode & 0o777 for path in made if path.is_file()}
    assert files.keys() >= {"keyring.json", "clearlift.sqlite"}
    assert set(files.values()) == {0o600}


def test_an_application_at_no_platform_is_refused(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("CLEARLIFT_AD_APPS__META__APP_SECRET", "hush")
    said = refusal()
    assert said == "CLEARLIFT_AD_APPS: 'meta' is no ad platform; there are google, facebook, tiktok, microsoft"


@pytest.mark.parametrize(
    ("variable", "named"),
    [
        ("CLEARLIFT_POSTGRES_DSN", "CLEARLIFT_POSTGRES_DSN: it"),
        ("CLEARLIFT_POSTGRES__GROWTH", "POSTGRES: of growth, it"),
    ],
)
@pytest.mark.parametrize("dsn", ["hush", "mysql://hush/y", "postgresql://u:hush@h:5432/x?nosuch=1"])
def test_what_is_no_connection_string_is_named_and_not_shown(
    monkeypatch: pytest.MonkeyPatch, variable: str, named: str, dsn: str
) -> None:
    monkeypatch.setenv(variable, dsn)
    with pytest.raises(SettingsError, match=f"{named} is no connection string") as raised:
        load()
    assert "hush" not in str(raised.value)


@pytest.mark.parametrize("variable", ["CLEARLIFT_POSTGRES_DSN", "CLEARLIFT_DAGSTER_POSTGRES_URL"])
def test_a_password_with_an_at_sign_is_refused_without_being_shown(
    monkeypatch: pytest.MonkeyPatch, variable: str
) -> None:
    monkeypatch.setenv(variable, "postgresql://me:hush@99/x@db.example/x")
    said = refusal()
    assert said == f"{variable}: it has more than one @; in a user name or password write %40, and %23 for #"


def test_of_a_damaged_key_file_it_is_said_that_a_copy_is_needed(
    monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    monkeypatch.setenv("CLEARLIFT_KEYRING_FILE", str(tmp_path / "gone.json"))
    with pytest.raises(SettingsError, match="Next: bring the file back from its copy"):
        load()
