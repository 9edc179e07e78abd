"""Settings from the environment (`CLEARLIFT_…`, or a `.env` file): embedded stores by default, the real one when its
variables are set. A store that is half configured is refused, naming the variable that is missing.
"""

import os
from datetime import date, timedelta
from pathlib import Path
from typing import Any, Self

from pydantic import Field, SecretStr, ValidationError, field_validator, model_validator
from pydantic_settings import BaseSettings, SettingsConfigDict

PREFIX = "CLEARLIFT_"


class SettingsError(ValueError):
    """A setting that cannot be used; one line that names the variable."""


class Settings(BaseSettings):
    """All settings. Secrets are SecretStr: neither a repr nor a log shows them."""

    model_config = SettingsConfigDict(
        env_prefix=PREFIX, env_file=".env", env_nested_delimiter="__", extra="ignore", frozen=True
    )

    home: Path = Field(Path(".clearlift"), description="Folder of the embedded stores")
    partitions_start: date = Field(date(2025, 10, 1), description="First day of the partitions, UTC")
    late_days: int = Field(35, ge=1, description="Days back within which late data reopens roll-ups by itself")

    cloudflare_account_id: str | None = Field(None, description="Cloudflare account of D1, KV and R2")
    cloudflare_api_token: SecretStr | None = Field(None, description="API token with D1 and Workers KV edit rights")
    cloudflare_api_url: str = Field("https://api.cloudflare.com/client/v4", description="Base URL of Cloudflare's API")
    d1: dict[str, str] = Field({}, description="D1 database id of an app, e.g. CLEARLIFT_D1__CLEARLIFT")
    kv: dict[str, str] = Field({}, description="KV namespace id of an app, e.g. CLEARLIFT_KV__CLEARLIFT")

    r2_bucket: str | None = Field(None, description="R2 bucket of landing, lake and archives")
    r2_endpoint: str | None = Field(None, description="S3 endpoint; by default that of the account")
    r2_access_key_id: str | None = Field(None, description="S3 access key id")
    r2_secret_access_key: SecretStr | None = Field(None, description="S3 secret access key")

    lake_catalog_uri: str | None = Field(None, description="Iceberg REST catalog, e.g. R2 Data Catalog")
    lake_warehouse: str | None = Field(None, description="Warehouse name in that catalog")
    lake_token: SecretStr | None = Field(None, description="Token of that catalog")

    postgres_dsn: SecretStr | None = Field(None, description="Postgres, e.g. Supabase's; direct or pooled port")
    dagster_postgres_url: SecretStr | None = Field(None, description="Postgres for Dagster's own run history")

    @property
    def late_horizon(self) -> timedelta:
        return timedelta(days=self.late_days)

    @property
    def embedded(self) -> bool:
        """Whether every store is an embedded one."""
        real = (self.d1, self.kv, self.r2_bucket, self.lake_catalog_uri, self.postgres_dsn)
        return not any(real)

    @field_validator("home")
    @classmethod
    def _absolute(cls, value: Path) -> Path:
        return value.expanduser().resolve()

    @model_validator(mode="after")
    def _whole_stores(self) -> Self:
        cloudflare = ("cloudflare_account_id", "cloudflare_api_token")
        for store in ("d1", "kv"):
            if getattr(self, store):
                self._require(f"{PREFIX}{store.upper()}__…", *cloudflare)
        r2 = ("r2_bucket", "r2_access_key_id", "r2_secret_access_key")
        self._all_or_none(*r2)
        if self.r2_bucket and not self.r2_endpoint and not self.cloudflare_account_id:
            raise ValueError(_missing("r2_endpoint", f"{PREFIX}R2_BUCKET", f"or {_name('cloudflare_account_id')}"))
        self._all_or_none("lake_catalog_uri", "lake_warehouse", "lake_token")
        return self

    def _all_or_none(self, *names: str) -> None:
        given = [name for name in names if getattr(self, name) is not None]
        if given:
            self._require(_name(given[0]), *names)

    def _require(self, because: str, *names: str) -> None:
        for name in names:
            if getattr(self, name) is None:
                raise ValueError(_missing(name, because))


def load(**overrides: Any) -> Settings:
    """Settings from the environment, with overrides by field name.

    Raises:
        SettingsError: a value that cannot be used, a half-configured store, or a CLEARLIFT_ variable that is unknown.
    """
    known = {_name(name) for name in Settings.model_fields}
    for variable in os.environ:
        if variable.startswith(PREFIX) and variable.split("__")[0] not in known:
            raise SettingsError(f"{variable} is no setting; known are {', '.join(sorted(known))}")
    try:
        return Settings(**overrides)
    except ValidationError as error:
        first = error.errors(include_input=False, include_url=False)[0]
        message = first["msg"].removeprefix("Value error, ")
        where = _name(str(first["loc"][0])) + ": " if first["loc"] else ""
        raise SettingsError(f"{where}{message}") from None


def _name(field: str) -> str:
    return PREFIX + field.upper()


def _missing(field: str, because: str, alternative: str = "") -> str:
    return " ".join(part for part in (f"{_name(field)} is missing", alternative, f"({because} is set)") if part)
