-- Days with events that a commit changed since they were made, that were never made, whose conversion types changed, or
-- whose credits a run left behind.
select day
from (
    select (window_start at time zone 'UTC')::date as day, wanted
    from rollups.windows
    where grain = 'daily' and org_tag = '' and wanted >= 0
) as events
full join attribution.windows as made using (day)
where day >= %(since)s::date
  and day::timestamp at time zone 'UTC' <= %(until)s::timestamptz
  and (
    made.day is null or made.version <> %(version)s or wanted > made.sequence or made.changed > made.credited
    or exists (select from attribution.organizations o where o.types_change > made.types_change)
  )
order by day
