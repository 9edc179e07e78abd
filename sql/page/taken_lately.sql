-- One row an app and an intake (what): when it took something last, and how many rows it stored and refused since a moment
-- (since).
select
    batches.app,
    'web events' as what,
    max(runs.committed_at) as last,
    coalesce(sum(batches.stored) filter (where runs.started_at >= %(since)s), 0)::bigint as rows,
    coalesce(sum(batches.quarantined) filter (where runs.started_at >= %(since)s), 0)::bigint as refused
from ingest.batches
join ingest.runs using (ingest_id)
where runs.state = 'committed'
group by batches.app
union all
select
    namespace,
    'reads of keys',
    max(ingested_at),
    coalesce(sum(lines - refused) filter (where ingested_at >= %(since)s), 0)::bigint,
    coalesce(sum(refused) filter (where ingested_at >= %(since)s), 0)::bigint
from cache.access_objects
group by namespace
