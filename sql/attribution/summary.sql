-- Visits and conversions (last touch) by platform, or by the reason why there is none.
select platform, reason, sum(visits)::bigint as visits, sum(last_conversions)::double precision as conversions,
    sum(last_revenue)::double precision as revenue
from attribution.credits
where day >= %(start)s and day < %(end)s
group by platform, reason
order by platform = '', platform, reason
