insert into retention.pruned_days (org_tag, day, quarter, commit_id, rows, marked_at)
select org_tag, day, %(quarter)s, %(commit_id)s, rows, %(at)s
from unnest(%(orgs)s::text[], %(days)s::date[], %(rows)s::bigint[]) as going (org_tag, day, rows)
