-- Writes new and changed conversions of the window's days, their parts added up, and gives how many of either. Which of
-- them count is marked afterwards.
-- Parameters: app, run_id, org_id, platform, account_id and level of the slice, currency, and today.
with single as (
    select distinct on (i.entity_id, i.date, i.action, i.attribution_window, i.segments) i.*
    from incoming_conversions i
    join window_days w on w.date = i.date
    order by i.entity_id, i.date, i.action, i.attribution_window, i.segments, i.seq desc
), loaded as (
    select entity_id, date, action, attribution_window, max(label) as label, sum(count)::numeric(18, 6) as count,
        sum(value)::numeric(20, 6) as value
    from single
    group by entity_id, date, action, attribution_window
), written as (
    insert into ads.conversions_daily as c (
        app, org_id, level, entity_id, date, action, attribution_window, label, platform, account_id, count, value,
        currency, is_counted, is_final, sync_run_id
    )
    select %(app)s, %(org_id)s, %(level)s, l.entity_id, l.date, l.action, l.attribution_window, l.label, %(platform)s,
        %(account_id)s, l.count, l.value, %(currency)s, false, l.date < %(today)s, %(run_id)s
    from loaded l
    where not exists (
        select from ads.conversions_daily stored
        where stored.app = %(app)s and stored.org_id = %(org_id)s and stored.level = %(level)s
          and stored.entity_id = l.entity_id and stored.date = l.date and stored.action = l.action
          and stored.attribution_window = l.attribution_window
          and (stored.label, stored.count, stored.value, stored.currency, stored.is_final)
              = (l.label, l.count, l.value, %(currency)s, l.date < %(today)s)
    )
    on conflict (app, org_id, level, entity_id, date, action, attribution_window) do update
    set label = excluded.label,
        count = excluded.count,
        value = excluded.value,
        currency = excluded.currency,
        is_final = excluded.is_final,
        sync_run_id = excluded.sync_run_id
    returning c.xmax = 0 as inserted
)
select count(*) filter (where inserted) as inserted, count(*) filter (where not inserted) as updated from written
