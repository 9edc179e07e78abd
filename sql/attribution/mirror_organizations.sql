-- Writes the tags that are new, or whose organisation or rules changed; one row of the result is such a tag. All tags of
-- an organisation have one people_tag, which stays when tags come and go. types_change grows with all that needs days to
-- be made again from events: conversion types, refund types, sources, people_tag.
-- Parameters: app, rows (JSON of all tags), default_types.
with tag as (
    select *
    from jsonb_to_recordset(%(rows)s::jsonb) as tag (
        org_tag text, org_id text, conversion_types text[], window_days integer, sources jsonb, join_devices boolean,
        refund_types text[], currency text, own_hosts text[]
    )
), wanted as (
    select tag.*, coalesce(
        (
            select min(known.people_tag) from attribution.organizations known
            where known.app = %(app)s and known.org_id = tag.org_id and known.people_tag <> ''
        ),
        min(tag.org_tag) over (partition by tag.org_id)
    ) as people_tag
    from tag
)
insert into attribution.organizations as known (
    app, org_tag, org_id, conversion_types, window_days, sources, join_devices, people_tag, refund_types, currency,
    own_hosts, types_change
)
select %(app)s, org_tag, org_id, conversion_types, window_days, sources, join_devices, people_tag, refund_types, currency,
    own_hosts,
    case
        when conversion_types = %(default_types)s::text[] and sources = '{}' and people_tag = org_tag and refund_types = '{}'
            then 0
        else nextval('attribution.types_changes')
    end
from wanted
on conflict (app, org_tag) do update
set org_id = excluded.org_id,
    conversion_types = excluded.conversion_types,
    window_days = excluded.window_days,
    sources = excluded.sources,
    join_devices = excluded.join_devices,
    people_tag = excluded.people_tag,
    refund_types = excluded.refund_types,
    currency = excluded.currency,
    own_hosts = excluded.own_hosts,
    types_change = case
        when (known.conversion_types, known.sources, known.people_tag, known.refund_types)
            = (excluded.conversion_types, excluded.sources, excluded.people_tag, excluded.refund_types)
            then known.types_change
        else nextval('attribution.types_changes')
    end
where (
        known.org_id, known.conversion_types, known.window_days, known.sources, known.join_devices, known.people_tag,
        known.refund_types, known.currency, known.own_hosts
    ) is distinct from (
        excluded.org_id, excluded.conversion_types, excluded.window_days, excluded.sources, excluded.join_devices,
        excluded.people_tag, excluded.refund_types, excluded.currency, excluded.own_hosts
    )
returning org_tag
