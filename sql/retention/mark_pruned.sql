-- Marks days of an app as archived only, before the commit (commit_id) that drops their rows: quarter, at; arrays with
-- one entry a day: orgs, days, rows.
insert into retention.pruned_days (app, org_tag, day, quarter, commit_id, rows, marked_at)
select %(app)s, org_tag, day, %(quarter)s, %(commit_id)s, rows, %(at)s
from unnest(%(orgs)s::text[], %(days)s::date[], %(rows)s::bigint[]) as going (org_tag, day, rows)
