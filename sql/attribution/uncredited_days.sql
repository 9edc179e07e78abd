-- One row is a day to credit: one of the range, or one that a change was marked for. Archived days stay as they are.
-- Parameters: app, start and end (days, half-open).
select day
from attribution.windows
where app = %(app)s and not pruned and (changed > credited or (day >= %(start)s and day < %(end)s))
order by day
