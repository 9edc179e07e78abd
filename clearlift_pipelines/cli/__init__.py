"""The `clearlift` command. Each module holds commands of one kind."""

from clearlift_pipelines.cli.entry import main

__all__ = ["main"]
