"""The asset of an app's stream: commits of a table of the lake, landed as batches. The engine is in stream.py."""

from collections.abc import Iterator

from dagster import AssetCheckResult, AssetCheckSeverity, AssetsDefinition, MaterializeResult, ResourceParam

from assets.apps import App
from assets.description import app_asset
from assets.events.stream import Stream
from assets.rooms import Rooms

KEY = ("events", "streamed")


def build(app: App) -> AssetsDefinition:
    """The asset of an app that collects events and has a stream."""
    assert app.audience is not None

    @app_asset(
        app,
        *KEY,
        store="r2",
        holds=[("r2", app.audience.landing)],
        kinds={"iceberg", "json"},
        checks={"every_row_landed": "Lines that landed = rows of the commits, by the table's own count."},
        description=(
            "Rows that another program, such as Basin Pipelines, appended to a table of the lake, landed as batches: "
            "each commit once. The table is set by CLEARLIFT_EVENT_STREAMS__…"
        ),
        pool="r2",
    )
    def streamed(rooms: ResourceParam[Rooms]) -> Iterator[MaterializeResult[None]]:
        stream = Stream.of(rooms, app)
        assert stream is not None  # the asset is there only where a table is set
        done = stream.run()
        yield MaterializeResult(
            metadata={
                "table": stream.table.name,
                "commits": done.commits,
                "rows": done.rows,
                "lines": done.lines,
                "batches": len(done.batches),
                "first_batch": done.batches[0] if done.batches else "none",
            },
            check_results=[
                AssetCheckResult(
                    check_name="every_row_landed",
                    passed=done.rows == done.lines,
                    severity=AssetCheckSeverity.ERROR,
                    metadata={"rows": done.rows, "lines": done.lines},
                )
            ],
        )

    return streamed
