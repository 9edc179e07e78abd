-- A changed day may change the sessions of the day before it and of two days after. A day that was never made is asked
-- for where it has events of its own.
select day
from (
    select (changed.window_start at time zone 'UTC')::date + away as day, max(changed.wanted) as wanted,
        bool_or(away = 0) as has_events
    from rollups.windows as changed
    cross join generate_series(-%(before)s::integer, %(after)s::integer) as away
    where changed.grain = 'daily' and changed.org_tag = '' and changed.wanted >= 0
      and changed.window_start >= (%(since)s::date - %(after)s::integer)::timestamp at time zone 'UTC'
    group by 1
) as touched
left join sessions.windows as made using (day)
where day >= %(since)s::date
  and day::timestamp at time zone 'UTC' <= %(until)s::timestamptz
  and case when made.day is null then has_events else wanted > made.sequence or made.version <> %(version)s end
order by day
