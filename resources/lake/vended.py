"""Credentials that a catalog vends with a table, as pyiceberg's FileIO has them, said to polars."""

from collections.abc import Mapping
from typing import Any

# Each of polars' options by the properties that may give it, the first that is there.
_OPTIONS = {
    "aws_access_key_id": ("s3.access-key-id", "client.access-key-id"),
    "aws_secret_access_key": ("s3.secret-access-key", "client.secret-access-key"),
    "aws_session_token": ("s3.session-token", "client.session-token"),
    "aws_region": ("s3.region", "client.region"),
    "aws_endpoint_url": ("s3.endpoint",),
    "aws_endpoint_url_s3": ("s3.endpoint",),  # else one from the environment comes first
}


def polars_options(properties: Mapping[str, Any]) -> dict[str, str]:
    """polars' `storage_options` from a table's FileIO properties. They hold the secret: never for a log."""
    options = {}
    for option, names in _OPTIONS.items():
        found = next((properties[name] for name in names if properties.get(name)), None)
        if found is not None:
            options[option] = str(found)
    virtual = str(properties.get("s3.force-virtual-addressing", "false")).lower()
    options["aws_virtual_hosted_style_request"] = virtual
    options["aws_allow_http"] = str(options.get("aws_endpoint_url", "").startswith("http://")).lower()
    return options
