-- One row an organisation and origin of an app: the ten with the most sessions of the days in [start, end), for the
-- preview of the asset. It shows no visitor and no single session.
select
    org_tag,
    origin,
    count(*) as sessions,
    round(avg(bounced::integer), 3)::double precision as bounce_rate,
    round(avg(duration_seconds)::numeric, 1)::double precision as mean_seconds,
    round(avg(page_views), 2)::double precision as mean_page_views
from sessions.daily
where app = %(app)s and day >= %(start)s and day < %(end)s
group by org_tag, origin
order by sessions desc, org_tag, origin
limit 10
