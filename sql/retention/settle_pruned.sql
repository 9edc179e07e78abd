-- Marks the days of an app that a commit (commit_id) dropped as settled: the commit is known to have landed.
update retention.pruned_days
set settled = true
where app = %(app)s and commit_id = %(commit_id)s
