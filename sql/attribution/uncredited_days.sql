select day
from attribution.windows
where not pruned and (changed > credited or (day >= %(start)s and day < %(end)s))
order by day
