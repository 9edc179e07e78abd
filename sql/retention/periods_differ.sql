-- Weeks and months that touch a range and do not hold what their days hold, of an organisation.
with days as (
    select day, events
    from rollups.daily_totals
    where org_tag = %(org)s
      and day >= date_trunc('week', %(start)s::date) - interval '1 month' and day < %(end)s::date + interval '1 month'
), summed as (
    select 'weekly' as grain, date_trunc('week', day)::date as period, sum(events)::bigint as events
    from days
    group by period
    union all
    select 'monthly', date_trunc('month', day)::date, sum(events)::bigint
    from days
    group by 2
), held as (
    select 'weekly' as grain, week as period, events
    from rollups.weekly_totals
    where org_tag = %(org)s
    union all
    select 'monthly', month, events
    from rollups.monthly_totals
    where org_tag = %(org)s
)
select grain, period
from summed
left join held using (grain, period)
where summed.events is distinct from held.events
  and period < %(end)s::date
  and period + case grain when 'weekly' then interval '1 week' else interval '1 month' end > %(start)s::date
