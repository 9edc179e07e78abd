delete from retention.pruned_days
where commit_id = %(commit_id)s
    and (org_tag, day) not in (select * from unnest(%(orgs)s::text[], %(days)s::date[]))
