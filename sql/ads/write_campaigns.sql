with loaded as (
    select distinct on (id) * from incoming order by id, seq desc
), written as (
    insert into ads.campaigns as e (
        org_id, id, platform, account_id, native_id, name, status, native_status, budget, budget_type, budget_id,
        currency, created_at, source_updated_at, updated_at, deleted_at, last_seen_run_id, raw_data
    )
    select
        org_id, id, platform, account_id, native_id, name, status, native_status, budget, budget_type, budget_id,
        currency, created_at, source_updated_at, updated_at, deleted_at, last_seen_run_id, raw_data
    from loaded l
    where not exists (
        select from ads.campaigns stored
        where stored.org_id = l.org_id and stored.id = l.id
          and (stored.name, stored.status, stored.native_status, stored.budget, stored.budget_type, stored.budget_id,
               stored.currency, stored.created_at, stored.source_updated_at, stored.deleted_at is null, stored.raw_data)
              is not distinct from
              (l.name, l.status, l.native_status, l.budget, l.budget_type, l.budget_id,
               l.currency, l.created_at, l.source_updated_at, l.deleted_at is null, l.raw_data)
    )
    on conflict (org_id, id) do update
    set name = excluded.name,
        status = excluded.status,
        native_status = excluded.native_status,
        budget = excluded.budget,
        budget_type = excluded.budget_type,
        budget_id = excluded.budget_id,
        currency = excluded.currency,
        created_at = excluded.created_at,
        source_updated_at = excluded.source_updated_at,
        updated_at = excluded.updated_at,
        -- Deleted since it was first seen so.
        deleted_at = case when excluded.deleted_at is null then null else coalesce(e.deleted_at, excluded.deleted_at) end,
        last_seen_run_id = excluded.last_seen_run_id,
        raw_data = excluded.raw_data
    returning e.xmax = 0 as inserted
)
select count(*) filter (where inserted) as inserted, count(*) filter (where not inserted) as updated from written
