-- Writes the tags that are new, or whose organisation or rules changed; one row of the result is such a tag.
-- Parameters: app, rows (JSON of all tags), default_types.
insert into attribution.organizations as known (
    app, org_tag, org_id, conversion_types, window_days, types_change
)
select %(app)s, org_tag, org_id, conversion_types, window_days,
    case when conversion_types = %(default_types)s::text[] then 0 else nextval('attribution.types_changes') end
from jsonb_to_recordset(%(rows)s::jsonb)
    as tag (org_tag text, org_id text, conversion_types text[], window_days integer)
on conflict (app, org_tag) do update
set org_id = excluded.org_id,
    conversion_types = excluded.conversion_types,
    window_days = excluded.window_days,
    types_change = case
        when known.conversion_types = excluded.conversion_types then known.types_change
        else nextval('attribution.types_changes')
    end
where (known.org_id, known.conversion_types, known.window_days)
    is distinct from (excluded.org_id, excluded.conversion_types, excluded.window_days)
returning org_tag
