-- One row is a day of a page: its views, which cache/ranking.sql ranks and sums. Parameter: app.
select
    org_tag,
    day,
    page_hostname as hostname,
    page_path as path,
    events as views,
    sessions as daily_sessions,
    visitors as daily_visitors
from rollups.daily_pages
where app = %(app)s
