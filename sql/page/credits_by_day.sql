-- One row an app, organisation, day of its ad accounts from a day (since) on and currency (null where none is named): what
-- its campaigns cost and brought by a model (model).
select
    app, org_tag, day, currency,
    sum(spend)::double precision as spend,
    sum(conversions)::double precision as conversions,
    sum(revenue)::double precision as revenue
from attribution.daily
where day >= %(since)s and model = %(model)s
group by app, org_tag, day, currency
order by app, org_tag, day, currency
