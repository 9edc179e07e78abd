"""Dagster's pools: the names that the definitions use, and their limits in the run history.

On Postgres, of two runs that are the first to meet a pool at the same moment, Dagster fails one
(dagster-io/dagster#33552). A pool that is set is not made again.
"""

from dagster import DagsterInstance, Definitions


def names(definitions: Definitions) -> list[str]:
    """The pools of all steps, sorted."""
    jobs = definitions.get_repository_def().get_all_jobs()
    return sorted({pool for job in jobs for pool in job.graph.pools})


def set_missing(instance: DagsterInstance, wanted: list[str], limit: int) -> list[str]:
    """Give a limit to each pool that has none; one that an operator set stays. Returns those that were set."""
    storage = instance.event_log_storage
    known = {pool.name for pool in storage.get_pool_limits() if not pool.from_default}
    missing = [pool for pool in wanted if pool not in known]
    for pool in missing:
        storage.set_concurrency_slots(pool, limit)
    return missing
