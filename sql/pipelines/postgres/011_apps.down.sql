-- Takes the column `app` away, and with it the rows of every app but the first.
do $$
declare
    target text;
    key record;
begin
    alter table ads.keywords drop constraint keywords_app_org_id_ad_group_id_fkey;
    alter table ads.ad_groups drop constraint ad_groups_app_org_id_campaign_id_fkey;
    for target in
        select c.conrelid::regclass::text
        from pg_constraint c
        where c.contype = 'p'
            and c.connamespace::regnamespace::text in ('ingest', 'rollups', 'sessions', 'attribution', 'ads', 'retention')
            and c.conrelid in (select attrelid from pg_attribute where attname = 'app' and not attisdropped)
            and c.conrelid <> 'retention.deletions'::regclass
        -- Runs last: what belongs to one refers to it.
        order by c.conrelid::regclass::text in ('ingest.runs', 'ads.sync_runs', 'ads.campaigns'),
            c.conrelid::regclass::text = 'ads.ad_groups', 1
    loop
        execute format('delete from %s where app <> ''clearlift''', target);
        select string_agg(quote_ident(a.attname), ', ' order by k.place) as columns, min(c.conname) as name into key
        from pg_constraint c
        cross join unnest(c.conkey) with ordinality as k (number, place)
        join pg_attribute a on a.attrelid = c.conrelid and a.attnum = k.number
        where c.contype = 'p' and c.conrelid = target::regclass and a.attname <> 'app';
        execute format('alter table %s drop column app', target);
        if key.columns is not null and not exists (
            select from pg_constraint where contype = 'p' and conrelid = target::regclass
        ) then
            execute format('alter table %s add constraint %I primary key (%s)', target, key.name, key.columns);
        end if;
    end loop;
end
$$;

alter table rollups.followed add column only_row boolean primary key default true check (only_row);
alter table ads.campaigns add unique (org_id, platform, account_id, native_id);
alter table ads.ad_groups
    add unique (org_id, platform, account_id, native_id),
    add foreign key (org_id, campaign_id) references ads.campaigns (org_id, id);
alter table ads.keywords add foreign key (org_id, ad_group_id) references ads.ad_groups (org_id, id);
