-- One row a day of an app whose commit is not known to have landed.
select commit_id, org_tag, day, rows
from retention.pruned_days
where app = %(app)s and not settled
order by marked_at, commit_id, org_tag, day
