"""Settings from the environment (`CLEARLIFT_…`, or a `.env` file): embedded stores by default, the real one when its
variables are set. A store that is half configured is refused, naming the variable that is missing.
"""

import json
import os
from collections.abc import Iterator, Mapping
from dataclasses import replace
from datetime import date, timedelta
from difflib import get_close_matches
from pathlib import Path
from typing import Any, Self

from pydantic import Field, PrivateAttr, SecretStr, ValidationError, field_validator, model_validator
from pydantic_settings import BaseSettings, SettingsConfigDict
from pydantic_settings.exceptions import SettingsError as SourceError

from assets.thresholds import DEFAULTS, Thresholds
from clearlift_pipelines import env_file, setting_values, whole_stores
from clearlift_pipelines.project import folder
from clearlift_pipelines.variables import NAMES_OF_TODAY, PREFIX, TWO_NAMED, as_given, named, variable_of
from resources import private
from resources.cloudflare import API
from resources.declined import DeclinedError

KEY_FILE_BACK = "bring the file back from its copy, for its owner alone (chmod 600); a new key opens nothing old"
# A hundred years: what is longer is a mistake, and reaches times that no calendar has.
MOST_DAYS = 36_500


class SettingsError(DeclinedError, ValueError):
    """A setting that cannot be used; one line that names the variable."""

    def __init__(
        self, reason: str, next_step: str = "correct it in the environment or in .env; README.md lists the settings"
    ) -> None:
        super().__init__(reason, next_step)


class Settings(BaseSettings):
    """All settings. Secrets are SecretStr: neither a repr nor a log shows them."""

    model_config = SettingsConfigDict(
        env_prefix=PREFIX,
        env_nested_delimiter="__",
        env_ignore_empty=True,
        extra="ignore",
        frozen=True,
        hide_input_in_errors=True,
    )

    home: Path = Field(
        Path(".clearlift"), description="Folder of the embedded stores; a relative one is below the project's folder"
    )
    production: bool = Field(
        False, description="Whether embedded stores are refused: true where a store that is forgotten must not be one"
    )
    partitions_start: date = Field(date(2025, 10, 1), description="First day of the partitions, UTC")
    late_days: int = Field(35, ge=1, description="Days back within which late data reopens roll-ups by itself")
    late_pause_minutes: int = Field(
        60,
        ge=0,
        le=24 * 60,
        description="Minutes that a roll-up of an earlier day waits until late data builds it again",
    )
    cache_writes_per_run: int = Field(
        100_000,
        ge=1,
        le=100_000_000,
        description="Keys of a cache family that one run may write; the most wanted come first",
    )

    history_days: int = Field(
        14,
        ge=1,
        le=MOST_DAYS,
        description="Days after which old runs leave Dagster's history; what assets show of today stays",
    )

    cloudflare_account_id: str | None = Field(None, description="Cloudflare account of D1, KV, R2, Basin SQL")
    cloudflare_api_token: SecretStr | None = Field(None, description="API token with D1 and Workers KV edit rights")
    cloudflare_api_url: str = Field(
        API, description="Base URL of Cloudflare's API; at another, such as its local runtime, no account is needed"
    )
    d1: dict[str, str] = Field(
        {}, description="D1 database id of the app that the name's end says", examples=["CLEARLIFT_D1__CLEARLIFT"]
    )
    kv: dict[str, str] = Field({}, description="KV namespace id of that app", examples=["CLEARLIFT_KV__CLEARLIFT"])

    r2_bucket: str | None = Field(None, description="R2 bucket of landing, lake and archives")
    r2_endpoint: str | None = Field(None, description="S3 endpoint; by default that of the account")
    r2_access_key_id: str | None = Field(None, description="S3 access key id")
    r2_secret_access_key: SecretStr | None = Field(None, description="S3 secret access key")
    r2_storage_classes: bool = Field(
        True, description="Whether the bucket knows Infrequent Access; R2 does, its local runtime does not"
    )

    lake_catalog_uri: str | None = Field(None, description="Iceberg REST catalog, e.g. Basin Catalog (R2 Data Catalog)")
    lake_warehouse: str | None = Field(None, description="Warehouse name in that catalog, e.g. ACCOUNT_BUCKET")
    lake_token: SecretStr | None = Field(None, description="Token of that catalog")

    catalog_compaction: dict[str, bool] = Field(
        {},
        description="Whether that app's compaction is left to the catalog, which must have it turned on",
        examples=["CLEARLIFT_CATALOG_COMPACTION__CLEARLIFT"],
    )

    event_streams: dict[str, str] = Field(
        {},
        description="Lake table that another program, such as Basin Pipelines, appends that app's events to; they land "
        "as batches",
        examples=["CLEARLIFT_EVENT_STREAMS__CLEARLIFT"],
    )

    r2_sql_token: SecretStr | None = Field(
        None, description="API token that may read by Basin SQL (R2 SQL), for the roll-ups' audit and backfills' counts"
    )
    r2_sql_audits: bool = Field(True, description="Whether the roll-ups' audit reads by Basin SQL, where it is set")
    r2_sql_counts: bool = Field(True, description="Whether a backfill is counted by Basin SQL, where it is set")
    r2_sql_url: str | None = Field(None, description="Base URL of Basin SQL's API; by default Cloudflare's")

    pipes_command: str | None = Field(
        None,
        description="Command that does heavy days of the lake over Dagster Pipes, such as spark-submit with the "
        "program of deploy/spark; by default our own engine does all",
    )
    pipes_launcher: str | None = Field(
        None, description="Instead of that command MODULE:FUNCTION, which starts it by another client of Dagster Pipes"
    )
    pipes_from_mib: int = Field(10_240, ge=0, description="MiB of a day's files from which on it is heavy")

    postgres_dsn: SecretStr | None = Field(None, description="Postgres, e.g. Supabase's; direct or pooled port")
    postgres: dict[str, SecretStr] = Field(
        {}, description="Postgres of an app that has one of its own", examples=["CLEARLIFT_POSTGRES__GROWTH"]
    )
    postgres_role: str | None = Field(
        None,
        description="Role to work as there, e.g. service_role; by default the login's own. Migrations are the login's",
    )
    dagster_postgres_url: SecretStr | None = Field(
        None, description="Postgres for Dagster's own run history; a direct port, for Dagster listens"
    )

    ui_hosts: str | None = Field(
        None, description="Names by which the UI is visited beside this machine's own, with commas between them"
    )
    ui_password: SecretStr | None = Field(None, description="Password of the UI, of at least 12 characters")
    ui_proxy_header: str | None = Field(
        None, description="Header by which a proxy says whom it has let through to the UI; no other may set it"
    )
    ui_proxy_address: str | None = Field(
        None, description="Addresses or networks of that proxy, with commas between them"
    )

    keyring: SecretStr | None = Field(None, description="Key set that seals credentials, as JSON")
    keyring_file: Path | None = Field(None, description="File of that key set; by default one made in the home folder")
    keyring_command: SecretStr | None = Field(
        None, description="Command that writes that key set to its output, such as one that asks a secret store"
    )
    sealed: dict[str, bool] = Field(
        {},
        description="Whether that app's personal columns are sealed; by default where its database is embedded",
        examples=["CLEARLIFT_SEALED__SESH"],
    )
    plain_email_hashes: bool = Field(
        False,
        description="Whether sealed addresses are found by a plain SHA-256, which who guesses the address can make",
    )

    ad_apps: dict[str, dict[str, SecretStr]] = Field(
        {},
        description="Our registered applications at the ad platforms",
        examples=["CLEARLIFT_AD_APPS__GOOGLE__CLIENT_ID"],
    )
    ad_origin: str | None = Field(
        None, description="Put in front of the ad platforms' hosts: a sandbox or a proxy, e.g. http://127.0.0.1:8990"
    )

    backup_bucket: str | None = Field(
        None, description="Bucket of the backups, best in another account; by default the R2 bucket itself"
    )
    backup_endpoint: str | None = Field(
        None, description="S3 endpoint of that bucket, where it is not one that the credentials of R2 open"
    )
    backup_access_key_id: str | None = Field(None, description="S3 access key id there")
    backup_secret_access_key: SecretStr | None = Field(None, description="S3 secret access key there")
    backup_prefix: str = Field("backups", description="Prefix of the backups in their bucket")
    backup_days: int = Field(7, ge=1, le=MOST_DAYS, description="Days whose newest verified backup is kept")
    backup_weeks: int = Field(5, ge=1, le=MOST_DAYS // 7, description="ISO weeks whose newest verified backup is kept")
    backup_months: int = Field(12, ge=1, le=MOST_DAYS // 30, description="Months whose newest verified backup is kept")

    erasure_wait_hours: int = Field(
        72,
        ge=0,
        le=MOST_DAYS * 24,
        description="Hours that a confirmed request to be erased waits, in which it can be cancelled",
    )

    thresholds: dict[str, float] = Field(
        {},
        description="From which value on something is a finding; docs/health.md lists the names with their reasons",
        examples=["CLEARLIFT_THRESHOLDS__BATCH_MINUTES"],
    )
    alert_url: SecretStr | None = Field(
        None,
        description="Who gets findings: a URL of apprise (slack://…, mailto://…, json://…), or file:///PATH",
    )
    alert_quiet_hours: str | None = Field(
        None, description="Hours of UTC in which only critical findings are sent, e.g. 22-7"
    )

    _given: frozenset[str] = PrivateAttr(frozenset())

    def as_given(self, text: str) -> str:
        """A text that names variables, by the names that whoever set these uses."""
        return as_given(text, self._given)

    @property
    def late_horizon(self) -> timedelta:
        return timedelta(days=self.late_days)

    @property
    def late_pause(self) -> timedelta:
        return timedelta(minutes=self.late_pause_minutes)

    @property
    def erasure_wait(self) -> timedelta:
        return timedelta(hours=self.erasure_wait_hours)

    @property
    def limits(self) -> Thresholds:
        """All thresholds, with those that are set."""
        return replace(DEFAULTS, **self.thresholds)

    @property
    def embedded(self) -> bool:
        """Whether every store is an embedded one."""
        real = (self.d1, self.kv, self.r2_bucket, self.lake_catalog_uri, self.postgres_dsn, self.postgres)
        return not any(real)

    def made_home(self) -> Path:
        """The home folder, made for its owner alone where there is none.

        Raises:
            SettingsError: it cannot be made; the line names the variable and the folder.
        """
        try:
            private.make_folder(self.home)
        except OSError as error:
            raise SettingsError(f"{variable_of('home')}: {self.home} cannot be made: {error.strerror}") from None
        return self.home

    _home = field_validator("home")(setting_values.absolute)
    _partitions_start = field_validator("partitions_start")(setting_values.begun)
    _late_days = field_validator("late_days")(setting_values.of_live_events)
    _keyring = field_validator("keyring")(setting_values.key_set)
    _keyring_file = field_validator("keyring_file")(setting_values.file_of_keys)
    _keyring_command = field_validator("keyring_command")(setting_values.command_of_keys)
    _ad_apps = field_validator("ad_apps")(setting_values.of_known_platforms)
    _thresholds = field_validator("thresholds")(setting_values.of_known_names)
    _alert_url = field_validator("alert_url")(setting_values.receiver)
    _alert_quiet_hours = field_validator("alert_quiet_hours")(setting_values.hours)
    _at_sign = field_validator("postgres_dsn", "postgres", "dagster_postgres_url")(setting_values.one_at_sign)
    _postgres = field_validator("postgres_dsn", "postgres")(setting_values.connection_string)
    _backup_prefix = field_validator("backup_prefix")(setting_values.prefix)
    _addresses = field_validator(
        "ad_origin", "cloudflare_api_url", "r2_endpoint", "backup_endpoint", "lake_catalog_uri", "r2_sql_url"
    )(setting_values.address)

    @model_validator(mode="after")
    def _whole(self) -> Self:
        whole_stores.check(self)
        return self


def load(file: Path | None = None, **overrides: Any) -> Settings:
    """Settings from the environment and `file` (by default the project's `.env`), with overrides by field name.

    Raises:
        SettingsError: a value that cannot be used, a half-configured store, or a CLEARLIFT_ variable that is unknown.
    """
    file = file or folder() / ".env"
    given = {**written(file), **os.environ}
    ours = {name: value for name, value in given.items() if name.startswith(PREFIX)}
    for variable in ours:
        refuse_unknown(variable)
    renamed = dict(_by_names_of_today(ours))
    set_here = frozenset(name for name in TWO_NAMED if ours.get(name))
    try:
        settings = Settings(_env_file=file, **{**renamed, **overrides})  # type: ignore[call-arg]  # of pydantic-settings, not a field
    except ValidationError as error:
        first = error.errors(include_input=False, include_url=False)[0]
        message = as_given(first["msg"].removeprefix("Value error, "), set_here)
        field = "__".join(map(str, first["loc"]))
        where = named(field, set_here) + ": " if field else ""
        if first["loc"] == ("keyring_file",):
            raise SettingsError(f"{where}{message}", KEY_FILE_BACK) from None
        raise SettingsError(f"{where}{message}") from None
    except SourceError as error:
        raise SettingsError(" ".join(str(error).split())) from None
    except RecursionError:
        raise SettingsError(
            f"{next((name for name in ours if _is_deep(ours[name])), PREFIX)}: nested too deep"
        ) from None
    settings._given = set_here
    return settings


def written(file: Path) -> dict[str, str]:
    """The variables of a `.env` file, where there is one."""
    try:
        return env_file.read(file.read_text(encoding="utf-8-sig")) if file.is_file() else {}
    except UnicodeDecodeError:
        raise SettingsError(f"{file} is not UTF-8") from None
    except ValueError as error:
        raise SettingsError(f"{file}: {error}") from None


def _by_names_of_today(ours: Mapping[str, str]) -> Iterator[tuple[str, str]]:
    """The fields that are given by Cloudflare's name of today, with their values.

    Raises:
        SettingsError: a field is given by both of its names, with two values.
    """
    for field, today in NAMES_OF_TODAY.items():
        old, new = variable_of(field), variable_of(today)
        if not ours.get(new):
            continue
        if ours.get(old) and ours[old] != ours[new]:
            raise SettingsError(f"{new} and {old} are one setting, and have two values", "remove one of them")
        yield field, ours[new]


def refuse_unknown(variable: str) -> None:
    """Raise a SettingsError for a variable that is no setting; it suggests the setting that was likely meant."""
    known = sorted(variable_of(name) for name in (*Settings.model_fields, *NAMES_OF_TODAY.values()))
    family, *rest = variable.split("__")
    if family in known:
        return
    # Without the prefix, which would make any two names alike.
    near = get_close_matches(family.removeprefix(PREFIX), [name.removeprefix(PREFIX) for name in known], n=1)
    if near:
        raise SettingsError(f"{variable} is no setting; did you mean {'__'.join([PREFIX + near[0], *rest])}?")
    raise SettingsError(f"{variable} is no setting; known are {', '.join(known)}")


def _is_deep(value: str) -> bool:
    try:
        json.loads(value)
    except ValueError:
        return False
    except RecursionError:
        return True
    return False
