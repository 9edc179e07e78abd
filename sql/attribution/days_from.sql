-- One row is a day from `since` on that is made and is to stay as it is so far. Parameters: app, since (a day), version.
select day
from attribution.windows
where app = %(app)s and day >= %(since)s and version = %(version)s
order by day
