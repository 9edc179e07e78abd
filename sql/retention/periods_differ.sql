-- One row a week or month of an app's (app) organisation (org) that touches [start, end) and does not hold the sum of
-- its days: grain, period (its first day).
with days as (
    select day, events
    from rollups.daily_totals
    where app = %(app)s and org_tag = %(org)s
      and day >= date_trunc('week', %(start)s::date) - interval '1 month' and day < %(end)s::date + interval '1 month'
), summed as (
    select 'weekly' as grain, date_trunc('week', day)::date as period, sum(events)::bigint as events
    from days
    group by period
    union all
    select 'monthly', date_trunc('month', day)::date, sum(events)::bigint
    from days
    group by 2
), stored as (
    select 'weekly' as grain, week as period, events
    from rollups.weekly_totals
    where app = %(app)s and org_tag = %(org)s
    union all
    select 'monthly', month, events
    from rollups.monthly_totals
    where app = %(app)s and org_tag = %(org)s
)
select grain, period
from summed
left join stored using (grain, period)
where summed.events is distinct from stored.events
  and period < %(end)s::date
  and period + case grain when 'weekly' then interval '1 week' else interval '1 month' end > %(start)s::date
