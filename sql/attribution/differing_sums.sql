-- One row is an organisation's day whose sums differ: credits under any model from the conversions that there were, or
-- those conversions from what the roll-ups count, where both were made from one commit. Parameters: app, since.
with settled as (
    select day, sequence from attribution.windows where app = %(app)s and day >= %(since)s and changed = credited
), credited as (
    select day, org_tag,
        array[sum(first_conversions), sum(last_conversions), sum(linear_conversions)] as conversions,
        array[sum(first_revenue), sum(last_revenue), sum(linear_revenue)] as revenue
    from attribution.credits
    join settled using (day)
    where app = %(app)s
    group by day, org_tag
), converted as (
    select day, org_tag, count(*)::numeric as conversions, sum(value) as revenue
    from attribution.conversions
    join settled using (day)
    where app = %(app)s
    group by day, org_tag
), rolled_up as (
    select r.day, r.org_tag, sum(r.events) as conversions, sum(r.value) as revenue
    from rollups.daily r
    join settled s on s.day = r.day
    join rollups.windows w on w.app = r.app and w.grain = 'daily' and w.org_tag = '' and w.sequence = s.sequence
        and w.window_start = r.day::timestamp at time zone 'UTC'
    join attribution.organizations o
        on o.app = r.app and o.org_tag = r.org_tag and r.event_type = any(o.conversion_types)
    where r.app = %(app)s
    group by r.day, r.org_tag
)
select day, org_tag, 'credits' as what, coalesce(v.conversions, 0) as conversions, c.conversions::text as found,
    coalesce(v.revenue, 0) as revenue, c.revenue::text as found_revenue
from credited c
full join converted v using (day, org_tag)
where c.conversions is distinct from array_fill(coalesce(v.conversions, 0), array[3])
   or c.revenue is distinct from array_fill(coalesce(v.revenue, 0), array[3])
union all
select day, org_tag, 'roll-ups', r.conversions, coalesce(v.conversions, 0)::text, r.revenue,
    coalesce(v.revenue, 0)::text
from rolled_up r
left join converted v using (day, org_tag)
where (r.conversions, r.revenue) is distinct from (coalesce(v.conversions, 0), coalesce(v.revenue, 0))
order by day, org_tag
limit 100
