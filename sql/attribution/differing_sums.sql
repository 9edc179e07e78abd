-- One row is an organisation's day whose sums differ: credits under a model and in a currency from the conversions that
-- there were, or the conversions from what the roll-ups count, where both were made from one commit.
-- Parameters: app, since.
with settled as (
    select day, sequence from attribution.windows where app = %(app)s and day >= %(since)s and changed = credited
), credited as (
    select day, org_tag, currency, model, sum(conversions) as conversions, sum(revenue) as revenue
    from attribution.credits
    join settled using (day)
    where app = %(app)s and model <> ''
    group by day, org_tag, currency, model
), converted as (
    select day, org_tag, currency, model, sum(orders)::numeric as conversions, sum(value) as revenue
    from attribution.counted_conversions
    join settled using (day)
    cross join attribution.models
    where app = %(app)s
    group by day, org_tag, currency, model
), found as (
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
        on o.app = r.app and o.org_tag = r.org_tag and r.event_type = any(o.conversion_types || o.refund_types)
    where r.app = %(app)s
    group by r.day, r.org_tag
)
select day, org_tag, 'credits' as what, model, currency, coalesce(v.conversions, 0) as conversions,
    coalesce(c.conversions, 0) as found, coalesce(v.revenue, 0) as revenue, coalesce(c.revenue, 0) as found_revenue
from credited c
full join converted v using (day, org_tag, currency, model)
where (coalesce(c.conversions, 0), coalesce(c.revenue, 0)) <> (coalesce(v.conversions, 0), coalesce(v.revenue, 0))
union all
select day, org_tag, 'roll-ups', '', '', r.conversions, coalesce(f.conversions, 0), r.revenue, coalesce(f.revenue, 0)
from rolled_up r
left join found f using (day, org_tag)
where (r.conversions, r.revenue) is distinct from (coalesce(f.conversions, 0), coalesce(f.revenue, 0))
order by day, org_tag, what, model, currency
limit 100
