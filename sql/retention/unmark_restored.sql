delete from retention.pruned_days as gone
using (
    select distinct p.org_tag, p.quarter
    from retention.pruned_days p
    join unnest(%(orgs)s::text[], %(days)s::date[]) as back (org_tag, day) using (org_tag, day)
) as whole
where gone.org_tag = whole.org_tag and gone.quarter = whole.quarter
