-- One row an app, organisation and UTC day from a day (since) on: its events and distinct visitors.
select app, org_tag, day, events, visitors
from rollups.daily_totals
where day >= %(since)s
order by app, org_tag, day
