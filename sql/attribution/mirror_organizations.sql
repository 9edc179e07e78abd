-- Writes the tags that are new, or whose organisation or rules changed; one row of the result is such a tag, and whether
-- its credits may change: a currency and hosts count only where they are read. Parameters: app, rows (JSON of all tags),
-- default_types.
with wanted as (
    select tag.*, known.org_tag is null or (known.org_id, known.conversion_types, known.window_days, known.refund_types)
        is distinct from (tag.org_id, tag.conversion_types, tag.window_days, tag.refund_types) as recredits,
        case
            when known.org_tag is null and tag.conversion_types = %(default_types)s::text[] and tag.refund_types = '{}'
                then 0
            when (known.conversion_types, known.refund_types) = (tag.conversion_types, tag.refund_types)
                then known.types_change
            else nextval('attribution.types_changes')
        end as types_change
    from jsonb_to_recordset(%(rows)s::jsonb) as tag (
        org_tag text, org_id text, conversion_types text[], window_days integer, refund_types text[], currency text,
        own_hosts text[]
    )
    left join attribution.organizations known on known.app = %(app)s and known.org_tag = tag.org_tag
    where known.org_tag is null
       or (known.org_id, known.conversion_types, known.window_days, known.refund_types, known.currency, known.own_hosts)
        is distinct from
        (tag.org_id, tag.conversion_types, tag.window_days, tag.refund_types, tag.currency, tag.own_hosts)
), written as (
    insert into attribution.organizations (
        app, org_tag, org_id, conversion_types, window_days, refund_types, currency, own_hosts, types_change
    )
    select %(app)s, org_tag, org_id, conversion_types, window_days, refund_types, currency, own_hosts, types_change
    from wanted
    on conflict (app, org_tag) do update
    set org_id = excluded.org_id,
        conversion_types = excluded.conversion_types,
        window_days = excluded.window_days,
        refund_types = excluded.refund_types,
        currency = excluded.currency,
        own_hosts = excluded.own_hosts,
        types_change = excluded.types_change
)
select org_tag, recredits from wanted
