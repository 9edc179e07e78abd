-- Forgets when campaigns had their names, who is one person, and all but the first touch of a session and day.
drop view attribution.visits;
drop table attribution.sign_ins;
alter table attribution.organizations drop column people_tag, drop column sources, drop column join_devices;

create or replace view attribution.unknown_clicks with (security_invoker = true) as
with horizon as materialized (
    -- Once an app, not once a touch. Google reports the clicks of 90 days.
    select known.app, (select max(t.day) - 92 from attribution.touches t where t.app = known.app) as since
    from (select distinct app from attribution.organizations) as known
)
select o.app, o.org_id, a.connection_id, a.account_id, a.time_zone, moments.at_account::date as day,
    md5(string_agg(distinct encode(t.click, 'hex'), ' ' order by encode(t.click, 'hex'))) as unknown
from horizon
join attribution.touches t on t.app = horizon.app and t.day >= horizon.since
join attribution.organizations o on o.app = t.app and o.org_tag = t.org_tag
join ads.ad_accounts a on a.app = o.app and a.org_id = o.org_id and a.platform = 'google'
-- A page is reached some seconds after the click: a landing just after midnight may belong to the day before.
cross join lateral (
    values (t.at at time zone a.time_zone), ((t.at - interval '15 minutes') at time zone a.time_zone)
) as moments (at_account)
where t.named_platform = 'google' and t.click is not null
  and not exists (select from attribution.clicks k where k.app = o.app and k.org_id = o.org_id and k.click = t.click)
group by o.app, o.org_id, a.connection_id, a.account_id, a.time_zone, moments.at_account::date;

drop index attribution.touches_by_browser;
drop index attribution.conversions_by_browser;
drop index attribution.touches_by_campaign;
drop index attribution.touches_by_campaign_id;
drop index attribution.touches_by_content;
drop index attribution.touches_by_ad_id;
drop index attribution.touches_of_google;
delete from attribution.touches t
where exists (
    select from attribution.touches earlier
    where earlier.app = t.app and earlier.day = t.day and earlier.org_tag = t.org_tag and earlier.visitor = t.visitor
      and earlier.session = t.session and earlier.at < t.at
);
alter table attribution.touches drop constraint touches_pkey;
alter table attribution.touches
    drop column browser, drop column session_begins, drop column session_ends, drop column click_parameter,
    drop column campaign_key, drop column content_key, drop column campaign_id_key, drop column ad_id_key,
    add constraint touches_pkey primary key (app, day, org_tag, visitor, session);
alter table attribution.conversions drop column browser;
create index touches_by_visitor on attribution.touches (org_tag, visitor, at);
create index conversions_by_visitor on attribution.conversions (org_tag, visitor, at) where visitor is not null;
create index touches_by_label on attribution.touches (org_tag, utm_campaign);
create index touches_by_content on attribution.touches (org_tag, utm_content) where utm_content <> '';
create index touches_of_google on attribution.touches (app, day) where named_platform = 'google' and click is not null;

delete from attribution.labels;
delete from attribution.ad_labels;
drop index attribution.labels_by_key;
drop index attribution.ad_labels_by_key;
alter table attribution.labels drop constraint labels_pkey;
alter table attribution.labels
    drop column text, drop column key, drop column since, drop column until,
    add constraint labels_pkey primary key (app, org_id, campaign_id, kind, label);
alter table attribution.ad_labels drop constraint ad_labels_pkey;
alter table attribution.ad_labels
    drop column text, drop column key,
    add constraint ad_labels_pkey primary key (app, org_id, ad_id, kind, label);
create index labels_by_label on attribution.labels (org_id, md5(label));
create index ad_labels_by_label on attribution.ad_labels (org_id, campaign_id, md5(label));

drop trigger keep_campaign_name on ads.campaigns;
drop trigger keep_campaign_name_of_new on ads.campaigns;
drop function ads.keep_campaign_name();
drop table ads.campaign_names;

-- One session of an id a day and start was possible before.
delete from sessions.daily d
where exists (
    select from sessions.daily other
    where other.app = d.app and other.day = d.day and other.org_tag = d.org_tag and other.origin = d.origin
      and other.session = d.session and other.started_at = d.started_at and other.visitor < d.visitor
);
alter table sessions.daily drop constraint daily_pkey;
alter table sessions.daily add constraint daily_pkey primary key (app, day, org_tag, origin, session, started_at);
