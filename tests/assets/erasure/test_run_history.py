"""Erasing in Dagster's own storage: no file of it holds an id any more, and it is still readable."""

from pathlib import Path

import pytest
from dagster import AssetKey, AssetMaterialization, DagsterInstance, Definitions, asset

from assets.erasure.run_history import RunHistoryEraser
from assets.privacy.identity import Identity

ANNA = Identity("r", "clearlift", {"visitor": frozenset({"visitor-änna-17"})})


@pytest.mark.filterwarnings("ignore::DeprecationWarning")
def test_an_id_in_events_and_runs_is_replaced_and_the_rest_is_readable(tmp_path: Path) -> None:
    @asset
    def pages() -> None:
        """Something that runs."""

    with DagsterInstance.local_temp(str(tmp_path)) as instance:
        job = Definitions(assets=[pages]).resolve_implicit_global_asset_job_def()
        run = job.execute_in_process(instance=instance, tags={"about": "visitor-änna-17"})
        instance.report_runless_asset_event(
            AssetMaterialization(
                AssetKey("pages"), metadata={"path": "/of/visitor-änna-17", "other": "/visitor-änna-170"}
            )
        )
        eraser = RunHistoryEraser(instance)
        assert eraser.erase([ANNA]).rows >= 2
        assert eraser.erase([ANNA]).rows == 0
        newest = instance.get_latest_materialization_event(AssetKey("pages"))
        assert newest is not None
        assert newest.asset_materialization is not None
        metadata = newest.asset_materialization.metadata
        assert metadata["path"].value == "/of/[erased]"
        assert metadata["other"].value == "/visitor-änna-170"
        assert instance.get_run_by_id(run.run_id) is not None
    for file in tmp_path.rglob("*.db*"):
        content = file.read_bytes()
        for form in ('visitor-änna-17"', 'visitor-\\u00e4nna-17"', "visitor-\\\\u00e4nna-17\\"):
            assert form.encode() not in content, file
