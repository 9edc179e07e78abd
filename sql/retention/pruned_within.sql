-- One row a day of an app in [start, end) that is archived only; of one organisation, or of all where org is null.
select day, quarter
from retention.pruned_days
where app = %(app)s and day >= %(start)s and day < %(end)s and (%(org)s::text is null or org_tag = %(org)s)
