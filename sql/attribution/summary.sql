-- One row is a platform, or a reason why there is no campaign, in one currency (empty: events name none): its visits, and
-- conversions by last touch. Parameters: app, start and end (days, half-open).
select platform, reason, currency, sum(visits)::bigint as visits, sum(conversions)::double precision as conversions,
    sum(revenue)::double precision as revenue
from attribution.credits
where app = %(app)s and day >= %(start)s and day < %(end)s and model in ('', 'last')
group by platform, reason, currency
order by platform = '', platform, reason, currency
