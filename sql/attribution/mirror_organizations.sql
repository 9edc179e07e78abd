-- The tags that came, or whose organisation or rules changed.
insert into attribution.organizations as known (org_tag, org_id, conversion_types, window_days, types_change)
select org_tag, org_id, conversion_types, window_days,
    case when conversion_types = %(default_types)s::text[] then 0 else nextval('attribution.types_changes') end
from jsonb_to_recordset(%(rows)s::jsonb)
    as given (org_tag text, org_id text, conversion_types text[], window_days integer)
on conflict (org_tag) do update
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
