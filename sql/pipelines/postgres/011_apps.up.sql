-- Every row says whose it is: a column `app` in what the pipelines keep of events, roll-ups, sessions, attribution and
-- ads, first in the primary keys, because two apps may have an organisation of the same tag. Rows of before are those of
-- the one app that there was.
do $$
declare
    target text;
    key record;
begin
    foreach target in array array[
        'ingest.runs', 'ingest.batches', 'ingest.quarantine',
        'rollups.windows', 'rollups.followed', 'sessions.daily', 'sessions.windows',
        'attribution.windows', 'attribution.organizations', 'attribution.labels', 'attribution.touches',
        'attribution.conversions', 'attribution.credits', 'attribution.click_days', 'attribution.clicks',
        'ads.ad_accounts', 'ads.campaigns', 'ads.ad_groups', 'ads.keywords', 'ads.campaign_metrics_daily',
        'ads.ad_group_metrics_daily', 'ads.keyword_metrics_daily', 'ads.restatements', 'ads.sync_state', 'ads.sync_runs',
        'ads.sync_slices', 'retention.pruned_days'
    ] || array(
        select format('rollups.%s%s', grain, cut)
        from unnest(array['hourly', 'daily', 'weekly', 'monthly']) grain,
            unnest(array['', '_totals', '_pages', '_sources', '_campaigns']) cut
    ) loop
        execute format('alter table %s add column app text not null default ''clearlift''', target);
        execute format('alter table %s alter column app drop default', target);
    end loop;

    -- What refers to a key that is about to change.
    alter table ads.keywords drop constraint keywords_org_id_ad_group_id_fkey;
    alter table ads.ad_groups drop constraint ad_groups_org_id_campaign_id_fkey;
    alter table ads.ad_groups drop constraint ad_groups_org_id_platform_account_id_native_id_key;
    alter table ads.campaigns drop constraint campaigns_org_id_platform_account_id_native_id_key;
    alter table rollups.followed drop constraint followed_pkey;
    alter table rollups.followed drop column only_row;

    for key in
        select c.conrelid::regclass as target, c.conname as name,
            string_agg(quote_ident(a.attname), ', ' order by k.place) as columns
        from pg_constraint c
        cross join unnest(c.conkey) with ordinality as k (number, place)
        join pg_attribute a on a.attrelid = c.conrelid and a.attnum = k.number
        where c.contype = 'p'
            and c.conrelid in (select attrelid from pg_attribute where attname = 'app' and not attisdropped)
            and c.connamespace::regnamespace::text in ('ingest', 'rollups', 'sessions', 'attribution', 'ads', 'retention')
            -- Ids that no two rows share, whichever app they are of; and keys of R2, whose prefixes are an app's own.
            and c.conrelid::regclass::text not in (
                'ingest.runs', 'ingest.batches', 'ads.restatements', 'ads.sync_runs', 'ads.sync_slices',
                'retention.deletions'
            )
        group by 1, 2
    loop
        execute format('alter table %s drop constraint %I', key.target, key.name);
        execute format('alter table %s add constraint %I primary key (app, %s)', key.target, key.name, key.columns);
    end loop;
end
$$;

alter table rollups.followed add constraint followed_pkey primary key (app);
alter table ads.campaigns add unique (app, org_id, platform, account_id, native_id);
alter table ads.ad_groups
    add unique (app, org_id, platform, account_id, native_id),
    add foreign key (app, org_id, campaign_id) references ads.campaigns (app, org_id, id);
alter table ads.keywords add foreign key (app, org_id, ad_group_id) references ads.ad_groups (app, org_id, id);
