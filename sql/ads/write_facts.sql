-- Writes new and changed facts of the window's days, and gives how many of either; equal ones are only read, because an
-- upsert whose WHERE is false would lock, and so write, them.
-- Parameters: app, run_id, org_id, platform and account_id of the slice, currency, time_zone and attribution of the
-- account, and today. Names: the table of the level's facts, its key column.
with loaded as (
    select distinct on (i.entity_id, i.date) i.*
    from incoming i
    join window_days w on w.date = i.date
    order by i.entity_id, i.date, i.seq desc
), written as (
    insert into {facts} as f (
        app, org_id, {key}, date, platform, account_id, impressions, clicks, spend, conversions, conversions_value,
        currency, time_zone, attribution_window, is_final, sync_run_id
    )
    select
        %(app)s, %(org_id)s, l.entity_id, l.date, %(platform)s, %(account_id)s, l.impressions, l.clicks, l.spend,
        l.conversions, l.conversions_value, %(currency)s, %(time_zone)s, %(attribution)s, l.date < %(today)s, %(run_id)s
    from loaded l
    where not exists (
        select from {facts} stored
        where stored.app = %(app)s and stored.org_id = %(org_id)s and stored.{key} = l.entity_id
          and stored.date = l.date
          and stored.impressions = l.impressions and stored.clicks = l.clicks and stored.spend = l.spend
          and stored.conversions = l.conversions and stored.conversions_value = l.conversions_value
          and stored.currency = %(currency)s and stored.time_zone = %(time_zone)s
          and stored.attribution_window = %(attribution)s and stored.is_final = (l.date < %(today)s)
    )
    on conflict (app, org_id, {key}, date) do update
    set impressions = excluded.impressions,
        clicks = excluded.clicks,
        spend = excluded.spend,
        conversions = excluded.conversions,
        conversions_value = excluded.conversions_value,
        currency = excluded.currency,
        time_zone = excluded.time_zone,
        attribution_window = excluded.attribution_window,
        is_final = excluded.is_final,
        sync_run_id = excluded.sync_run_id
    returning f.xmax = 0 as inserted
)
select count(*) filter (where inserted) as inserted, count(*) filter (where not inserted) as updated from written
