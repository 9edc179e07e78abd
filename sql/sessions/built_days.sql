-- One row a day of an app whose sessions were built, and when last: the days from `since` on, and the first of all days.
select day, built_at
from sessions.windows
where app = %(app)s
  and (day >= %(since)s::date or day = (select min(day) from sessions.windows where app = %(app)s))
