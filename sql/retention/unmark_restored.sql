-- Removes the marks of an app's organisations and quarters that hold these days (arrays orgs, days): a restore brings
-- back all that an organisation has of a quarter.
delete from retention.pruned_days as restored
using (
    select distinct p.org_tag, p.quarter
    from retention.pruned_days p
    join unnest(%(orgs)s::text[], %(days)s::date[]) as live (org_tag, day) using (org_tag, day)
    where p.app = %(app)s
) as whole
where restored.app = %(app)s and restored.org_tag = whole.org_tag and restored.quarter = whole.quarter
