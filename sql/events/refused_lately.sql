-- At most one row: of the lines of an app's batches that runs took since a moment (since), how many were received, how many
-- of them are refused and not replayed (refused), and the reason of most of these (reason).
with taken as (
    select batches.received
    from ingest.batches
    join ingest.runs using (ingest_id)
    where batches.app = %(app)s and runs.state = 'committed' and runs.started_at >= %(since)s
),
refused as (
    select quarantine.reason, count(*) as lines, min(runs.started_at) as first_at
    from ingest.quarantine
    join ingest.runs using (ingest_id)
    where quarantine.app = %(app)s and runs.state = 'committed' and runs.started_at >= %(since)s
        and quarantine.replayed_as = '' and quarantine.replayed_at is null
    group by quarantine.reason
)
select
    (select coalesce(sum(received), 0)::bigint from taken) as received,
    sum(lines)::bigint as refused,
    min(first_at) as since,
    (array_agg(reason order by lines desc, reason))[1] as reason
from refused
having sum(lines) > 0
