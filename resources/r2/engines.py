"""How other engines (polars, pyiceberg, pyarrow) reach the objects of a bucket.

What belongs here: the address of a bucket and its credentials, in the form of each engine. What does not: reading or
writing objects ourselves (bucket.py).

The values hold the secret key: they go into an engine, never into a log.
"""

import os
from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any, Self

if TYPE_CHECKING:
    from pyarrow import fs


# For each option of polars, the FileIO properties of pyiceberg that may give it; the first one that is there counts.
_POLARS_OPTIONS = {
    "aws_access_key_id": ("s3.access-key-id", "client.access-key-id"),
    "aws_secret_access_key": ("s3.secret-access-key", "client.secret-access-key"),
    "aws_session_token": ("s3.session-token", "client.session-token"),
    "aws_region": ("s3.region", "client.region"),
    "aws_endpoint_url": ("s3.endpoint",),
    "aws_endpoint_url_s3": ("s3.endpoint",),  # else polars prefers one from the environment
}


def leave_out_checksums() -> None:
    """Make the S3 file systems that pyarrow creates from now on send no checksum trailers, because R2 refuses them.

    The AWS SDK in pyarrow reads this from the environment only; a value that is there already stays.
    """
    for name in ("AWS_REQUEST_CHECKSUM_CALCULATION", "AWS_RESPONSE_CHECKSUM_VALIDATION"):
        os.environ.setdefault(name, "when_required")


@dataclass(frozen=True, kw_only=True)
class Bucket:
    """A bucket behind an S3 endpoint (R2: `https://<account>.r2.cloudflarestorage.com`, region `auto`), path style.

    session_token: of credentials that are for a time only, such as those that a catalog vends.
    """

    endpoint: str
    name: str
    access_key_id: str
    secret_access_key: str = field(repr=False)
    region: str = "auto"
    session_token: str | None = field(default=None, repr=False)

    @classmethod
    def of_properties(cls, name: str, properties: Mapping[str, Any]) -> Self | None:
        """A bucket by pyiceberg's FileIO properties; None where they lack its endpoint or its keys."""
        found = {
            option: next((str(properties[at]) for at in names if properties.get(at)), None)
            for option, names in _POLARS_OPTIONS.items()
        }
        endpoint, key, secret = (
            found["aws_endpoint_url"],
            found["aws_access_key_id"],
            found["aws_secret_access_key"],
        )
        if not endpoint or not key or not secret:
            return None
        return cls(
            endpoint=endpoint,
            name=name,
            access_key_id=key,
            secret_access_key=secret,
            region=found["aws_region"] or "auto",
            session_token=found["aws_session_token"],
        )

    def __post_init__(self) -> None:
        object.__setattr__(self, "endpoint", self.endpoint.rstrip("/"))

    @property
    def secrets(self) -> list[str]:
        """What no text may show."""
        return [self.secret_access_key, *filter(None, [self.session_token])]

    def polars_options(self) -> dict[str, str]:
        """`storage_options` of polars' scan and write functions."""
        return polars_options(self.iceberg_properties())

    def iceberg_properties(self) -> dict[str, str]:
        """pyiceberg's FileIO properties."""
        return {
            **({"s3.session-token": self.session_token} if self.session_token else {}),
            "s3.endpoint": self.endpoint,
            "s3.access-key-id": self.access_key_id,
            "s3.secret-access-key": self.secret_access_key,
            "s3.region": self.region,
            "s3.force-virtual-addressing": "false",
        }

    def arrow_filesystem(self) -> "fs.FileSystem":
        """pyarrow's file system."""
        from pyarrow import fs

        leave_out_checksums()
        return fs.S3FileSystem(
            access_key=self.access_key_id,
            secret_key=self.secret_access_key,
            session_token=self.session_token,
            endpoint_override=self.endpoint.partition("://")[2],
            scheme="http" if self.is_plain_http else "https",
            region=self.region,
        )

    @property
    def is_plain_http(self) -> bool:
        """Whether the endpoint speaks HTTP without TLS, as one on this machine does."""
        return self.endpoint.startswith("http://")


def polars_options(properties: Mapping[str, Any]) -> dict[str, str]:
    """polars' `storage_options` from pyiceberg's FileIO properties, such as those that a catalog vends with a table."""
    options = {}
    for option, names in _POLARS_OPTIONS.items():
        value = next((properties[name] for name in names if properties.get(name)), None)
        if value is not None:
            options[option] = str(value)
    virtual = str(properties.get("s3.force-virtual-addressing", "false")).lower()
    options["aws_virtual_hosted_style_request"] = virtual
    options["aws_allow_http"] = str(options.get("aws_endpoint_url", "").startswith("http://")).lower()
    return options
