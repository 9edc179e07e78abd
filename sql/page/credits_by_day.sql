-- One row an app, organisation, day of its ad accounts from a day (since) on and currency (null where none is named): what
-- its campaigns cost and brought by a model (model), and whether revenue of it has no rate. Days of before its conversions
-- were counted are left out.
select
    daily.app, daily.org_tag, daily.day, daily.currency,
    sum(spend)::double precision as spend,
    sum(conversions)::double precision as conversions,
    sum(revenue)::double precision as revenue,
    bool_or(rate_missing) as rate_missing
from attribution.daily
inner join attribution.counted_since as begun
    on begun.app = daily.app and begun.org_tag = daily.org_tag and begun.since <= daily.day
where daily.day >= %(since)s and daily.model = %(model)s
group by daily.app, daily.org_tag, daily.day, daily.currency
order by daily.app, daily.org_tag, daily.day, daily.currency
