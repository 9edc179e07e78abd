-- One row a day of an app and quarter that is archived only.
select org_tag, day
from retention.pruned_days
where app = %(app)s and quarter = %(quarter)s
