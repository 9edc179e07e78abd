-- Removes the marks of an app's days that a commit (commit_id) did not drop: all but those in the arrays orgs, days.
delete from retention.pruned_days
where app = %(app)s and commit_id = %(commit_id)s
    and (org_tag, day) not in (select * from unnest(%(orgs)s::text[], %(days)s::date[]))
