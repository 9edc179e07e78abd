-- What the last windows were built from: an audit counts one of them again, at that snapshot.
select distinct snapshot_id
from (
    select snapshot_id
    from rollups.windows
    where grain = 'hourly' and org_tag = '' and snapshot_id is not null
    order by window_start desc
    limit %(windows)s
) as recent
