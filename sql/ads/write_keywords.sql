with loaded as (
    select distinct on (id) * from incoming order by id, seq desc
), written as (
    insert into ads.keywords as e (
        org_id, id, ad_group_id, platform, account_id, native_id, text, match_type, status, native_status, bid,
        quality_score, currency, source_updated_at, updated_at, deleted_at, last_seen_run_id, raw_data
    )
    select
        org_id, id, ad_group_id, platform, account_id, native_id, text, match_type, status, native_status, bid,
        quality_score, currency, source_updated_at, updated_at, deleted_at, last_seen_run_id, raw_data
    from loaded l
    where not exists (
        select from ads.keywords stored
        where stored.org_id = l.org_id and stored.id = l.id
          and (stored.ad_group_id, stored.text, stored.match_type, stored.status, stored.native_status, stored.bid,
               stored.quality_score, stored.currency, stored.deleted_at is null, stored.raw_data)
              is not distinct from
              (l.ad_group_id, l.text, l.match_type, l.status, l.native_status, l.bid,
               l.quality_score, l.currency, l.deleted_at is null, l.raw_data)
    )
    on conflict (org_id, id) do update
    set ad_group_id = excluded.ad_group_id,
        text = excluded.text,
        match_type = excluded.match_type,
        status = excluded.status,
        native_status = excluded.native_status,
        bid = excluded.bid,
        quality_score = excluded.quality_score,
        currency = excluded.currency,
        updated_at = excluded.updated_at,
        deleted_at = case when excluded.deleted_at is null then null else coalesce(e.deleted_at, excluded.deleted_at) end,
        last_seen_run_id = excluded.last_seen_run_id,
        raw_data = excluded.raw_data
    returning e.xmax = 0 as inserted
)
select count(*) filter (where inserted) as inserted, count(*) filter (where not inserted) as updated from written
