"""A Cloudflare on loopback that fails on demand."""

from tests.resources.conftest import cloudflare_api, cloudflare_session, patience, waits

__all__ = ["cloudflare_api", "cloudflare_session", "patience", "waits"]
