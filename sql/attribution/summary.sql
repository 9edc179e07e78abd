-- One row is a platform, or a reason why there is no campaign: its visits, and conversions by last touch.
-- Parameters: app, start and end (days, half-open).
select platform, reason, sum(visits)::bigint as visits, sum(last_conversions)::double precision as conversions,
    sum(last_revenue)::double precision as revenue
from attribution.credits
where app = %(app)s and day >= %(start)s and day < %(end)s
group by platform, reason
order by platform = '', platform, reason
