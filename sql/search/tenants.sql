-- One row an organisation of whose events an app (app) has counts: its tag.
select distinct org_tag
from rollups.daily_totals
where app = %(app)s
order by org_tag
