select day, quarter
from retention.pruned_days
where day >= %(start)s and day < %(end)s and (%(org)s::text is null or org_tag = %(org)s)
