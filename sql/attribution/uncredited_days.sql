select day
from attribution.windows
where changed > credited or (day >= %(start)s and day < %(end)s)
order by day
