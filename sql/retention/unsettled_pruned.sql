select commit_id, org_tag, day, rows
from retention.pruned_days
where not settled
order by marked_at, commit_id, org_tag, day
