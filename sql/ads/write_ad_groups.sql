with loaded as (
    select distinct on (id) * from incoming order by id, seq desc
), written as (
    insert into ads.ad_groups as e (
        org_id, id, campaign_id, platform, account_id, native_id, name, status, native_status, bid_amount, budget,
        budget_type, currency, created_at, source_updated_at, updated_at, deleted_at, last_seen_run_id, raw_data
    )
    select
        org_id, id, campaign_id, platform, account_id, native_id, name, status, native_status, bid_amount, budget,
        budget_type, currency, created_at, source_updated_at, updated_at, deleted_at, last_seen_run_id, raw_data
    from loaded l
    where not exists (
        select from ads.ad_groups stored
        where stored.org_id = l.org_id and stored.id = l.id
          and (stored.campaign_id, stored.name, stored.status, stored.native_status, stored.bid_amount, stored.budget,
               stored.budget_type, stored.currency, stored.created_at, stored.source_updated_at,
               stored.deleted_at is null, stored.raw_data)
              is not distinct from
              (l.campaign_id, l.name, l.status, l.native_status, l.bid_amount, l.budget,
               l.budget_type, l.currency, l.created_at, l.source_updated_at,
               l.deleted_at is null, l.raw_data)
    )
    on conflict (org_id, id) do update
    set campaign_id = excluded.campaign_id,
        name = excluded.name,
        status = excluded.status,
        native_status = excluded.native_status,
        bid_amount = excluded.bid_amount,
        budget = excluded.budget,
        budget_type = excluded.budget_type,
        currency = excluded.currency,
        created_at = excluded.created_at,
        source_updated_at = excluded.source_updated_at,
        updated_at = excluded.updated_at,
        deleted_at = case when excluded.deleted_at is null then null else coalesce(e.deleted_at, excluded.deleted_at) end,
        last_seen_run_id = excluded.last_seen_run_id,
        raw_data = excluded.raw_data
    returning e.xmax = 0 as inserted
)
select count(*) filter (where inserted) as inserted, count(*) filter (where not inserted) as updated from written
