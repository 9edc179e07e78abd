-- One row a day of an app, from `since` to `until`, whose sessions a commit may have changed since they were built, or
-- that was built by another `version`. A changed day may change the sessions of `before` days before it and of `after`
-- days after it. A day that was built after `built_before` (null: none) waits, and one that was never built is listed
-- only where it has events of its own.
select touched.day
from (
    select (changed.window_start at time zone 'UTC')::date + away as day, max(changed.wanted) as wanted,
        bool_or(away = 0) as has_events
    from rollups.windows as changed
    cross join generate_series(-%(before)s::integer, %(after)s::integer) as away
    where changed.app = %(app)s and changed.grain = 'daily' and changed.org_tag = '' and changed.wanted >= 0
      and changed.window_start >= (%(since)s::date - %(after)s::integer)::timestamp at time zone 'UTC'
    group by 1
) as touched
left join sessions.windows as built on built.app = %(app)s and built.day = touched.day
where touched.day >= %(since)s::date
  and touched.day::timestamp at time zone 'UTC' <= %(until)s::timestamptz
  and case
      when built.day is null then has_events
      else built.version <> %(version)s or (
        wanted > built.sequence
        and (%(built_before)s::timestamptz is null or built.built_at <= %(built_before)s)
      )
  end
order by touched.day
