-- One row a quarter and organisation of an app (app) with days that are archived only: how many rows these had.
select quarter, org_tag, sum(rows)::bigint as rows
from retention.pruned_days
where app = %(app)s and settled
group by quarter, org_tag
