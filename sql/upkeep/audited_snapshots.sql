-- One row a snapshot that the last `windows` hours of an app were built from: the audit of roll-ups may count one of
-- these hours again, as the snapshot has it.
select distinct snapshot_id
from (
    select snapshot_id
    from rollups.windows
    where app = %(app)s and grain = 'hourly' and org_tag = '' and snapshot_id is not null
    order by window_start desc
    limit %(windows)s
) as recent
