update retention.pruned_days
set settled = true
where commit_id = %(commit_id)s
