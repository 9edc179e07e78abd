-- One row is a day to make again: a commit changed its events since it was made, it was never made, its conversion
-- types changed, or a run left its credits behind.
-- Parameters: app, version, since (first day), until (latest start of a day), built_before: a day that was made later
-- waits, unless it is for another reason than its events (null: none waits).
select day
from (
    select (window_start at time zone 'UTC')::date as day, wanted
    from rollups.windows
    where app = %(app)s and grain = 'daily' and org_tag = '' and wanted >= 0
) as events
full join (select * from attribution.windows where app = %(app)s) as made using (day)
where day >= %(since)s::date
  and day::timestamp at time zone 'UTC' <= %(until)s::timestamptz
  and (
    made.day is null or made.version <> %(version)s or made.changed > made.credited
    or (
        wanted > made.sequence
        and (%(built_before)s::timestamptz is null or made.built_at <= %(built_before)s)
    )
    or exists (
        select from attribution.organizations o where o.app = %(app)s and o.types_change > made.types_change
    )
  )
order by day
