select quarter, org_tag, sum(rows)::bigint as rows
from retention.pruned_days
where settled
group by quarter, org_tag
