"""The code location with its steps in pods of their own (dagster-k8s), where one run's steps are too heavy for one pod.

Ordinary runs do not need it: K8sRunLauncher already gives each run a pod.
"""

from dagster import Definitions, definitions
from dagster_k8s import k8s_job_executor

from clearlift_pipelines.definitions import build_defs
from clearlift_pipelines.settings import load


@definitions
def defs() -> Definitions:
    built = build_defs(load())
    return Definitions(
        assets=built.assets,
        asset_checks=built.asset_checks,
        jobs=built.jobs,
        schedules=built.schedules,
        sensors=built.sensors,
        resources=built.resources,
        executor=k8s_job_executor.configured({"max_concurrent": 4, "retries": {"enabled": {}}}),
    )
