select org_tag, day
from retention.pruned_days
where quarter = %(quarter)s
