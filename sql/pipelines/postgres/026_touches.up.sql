-- What a visit is, how a name finds its campaign, and who is one person.
--
-- A session of the tracker is the events of one session id and one visitor without a pause of 30 minutes, so that two
-- sessions of one id may start on one day.
alter table sessions.daily drop constraint daily_pkey;
alter table sessions.daily add constraint daily_pkey
    primary key (app, day, org_tag, origin, session, visitor, started_at);

-- The names that campaigns had, and when. Whoever writes a campaign writes its history, because a name counts as of the
-- touch. A name counts from the campaign's creation where the platform says when that was, else from the moment at which
-- a sync first saw it; what the first sync of an account finds may have been there always. A campaign that is first seen
-- as deleted has an empty time, because nobody knows when it lived. 1970 is always, 9999 is never: not every reader takes
-- infinite times.
create table ads.campaign_names (
    app         text not null,
    org_id      text not null,
    campaign_id text not null,
    name        text not null,
    since       timestamptz not null,
    until       timestamptz not null default '9999-01-01 00:00:00+00',
    primary key (app, org_id, campaign_id, since)
);
comment on table ads.campaign_names is 'One row is a time [since, until) during which a campaign lived under one name';

create function ads.keep_campaign_name() returns trigger language plpgsql set search_path = '' as $$
declare
    always constant timestamptz := '1970-01-01 00:00:00+00';
    never constant timestamptz := '9999-01-01 00:00:00+00';
    seen timestamptz := coalesce(new.deleted_at, new.updated_at);
    known boolean;
begin
    if tg_op = 'INSERT' then
        known := exists (
            select from ads.sync_state s
            where s.app = new.app and s.org_id = new.org_id and s.platform = new.platform
              and s.account_id = new.account_id and s.stream = 'campaigns'
        );
        insert into ads.campaign_names (app, org_id, campaign_id, name, since, until)
        select new.app, new.org_id, new.id, new.name, at.since,
            case when new.deleted_at is null then never else at.since end
        from (
            select coalesce(new.created_at, case when known then new.updated_at else always end) as since
        ) as at
        on conflict (app, org_id, campaign_id, since) do update set name = excluded.name, until = excluded.until;
        return null;
    end if;
    -- A campaign that its ad groups named before any list did had its id for a name: that was none.
    if old.name = old.native_id then
        update ads.campaign_names n set name = new.name, since = least(n.since, new.created_at)
        where n.app = new.app and n.org_id = new.org_id and n.campaign_id = new.id and n.name = old.name;
    end if;
    update ads.campaign_names n set until = greatest(n.since, seen)
    where n.app = new.app and n.org_id = new.org_id and n.campaign_id = new.id and n.until = never
      and (new.deleted_at is not null or n.name <> new.name);
    if new.deleted_at is null then
        insert into ads.campaign_names (app, org_id, campaign_id, name, since)
        select new.app, new.org_id, new.id, new.name, new.updated_at
        where not exists (
            select from ads.campaign_names n
            where n.app = new.app and n.org_id = new.org_id and n.campaign_id = new.id and n.until = never
        )
        on conflict (app, org_id, campaign_id, since) do update set name = excluded.name, until = excluded.until;
    end if;
    return null;
end
$$;

-- What was known so far: the present names, and earlier ones, of which nobody knows when they were given up.
insert into ads.campaign_names (app, org_id, campaign_id, name, since, until)
select app, org_id, id, name, coalesce(created_at, '1970-01-01 00:00:00+00'),
    coalesce(deleted_at, '9999-01-01 00:00:00+00')
from ads.campaigns;
insert into ads.campaign_names (app, org_id, campaign_id, name, since, until)
select app, org_id, campaign_id, label, at, at
from (
    select l.*, '1970-01-01 00:00:00+00'::timestamptz + row_number() over (
        partition by l.app, l.org_id, l.campaign_id order by l.label
    ) * interval '1 second' as at
    from attribution.labels l
    join ads.campaigns c on c.app = l.app and c.org_id = l.org_id and c.id = l.campaign_id
    where l.kind = 'name' and l.label <> c.name
) as earlier;

create trigger keep_campaign_name_of_new after insert on ads.campaigns
    for each row execute function ads.keep_campaign_name();
create trigger keep_campaign_name after update on ads.campaigns
    for each row when ((old.name, old.deleted_at is null) is distinct from (new.name, new.deleted_at is null))
    execute function ads.keep_campaign_name();

-- Texts that name campaigns and ads, plain as touches have them, with a key that ignores case. They are learned again
-- from ads.campaign_names and ads.ads by the next run, in their new form.
delete from attribution.labels;
delete from attribution.ad_labels;
drop index attribution.labels_by_label;
drop index attribution.ad_labels_by_label;
alter table attribution.labels drop constraint labels_pkey;
alter table attribution.labels
    add column text text not null,
    add column key bytea not null,
    add column since timestamptz not null default '1970-01-01 00:00:00+00',
    add column until timestamptz not null default '9999-01-01 00:00:00+00',
    add constraint labels_pkey primary key (app, org_id, campaign_id, kind, since);
create index labels_by_key on attribution.labels (app, org_id, key);
alter table attribution.ad_labels drop constraint ad_labels_pkey;
alter table attribution.ad_labels
    add column text text not null,
    add column key bytea not null,
    add constraint ad_labels_pkey primary key (app, org_id, ad_id, kind, text);
create index ad_labels_by_key on attribution.ad_labels (app, org_id, key);
comment on column attribution.labels.text is 'As the platform has it';
comment on column attribution.labels.label is 'The same decoded, trimmed and in NFC, as in touches';
comment on column attribution.labels.key is 'Hash of the label in one case';
comment on column attribution.labels.since is 'When the campaign had it: [since, until)';

-- Touches of before keep the form that they were stored in until their day is made again.
drop index attribution.touches_by_label;
drop index attribution.touches_by_content;
drop index attribution.touches_by_visitor;
drop index attribution.conversions_by_visitor;
drop index attribution.touches_of_google;
alter table attribution.touches drop constraint touches_pkey;
alter table attribution.touches
    add column browser bytea,
    add column session_begins timestamptz,
    add column session_ends timestamptz,
    add column click_parameter text not null default '',
    add column campaign_key bytea,
    add column content_key bytea,
    add column campaign_id_key bytea,
    add column ad_id_key bytea;
update attribution.touches
set browser = visitor, session_begins = at, session_ends = at,
    click_parameter = case
        when click is null then ''
        else case named_platform when 'google' then 'gclid' when 'microsoft' then 'msclkid' when 'tiktok' then 'ttclid'
            else 'fbclid' end
    end;
alter table attribution.touches
    alter column browser set not null,
    alter column session_begins set not null,
    alter column session_ends set not null,
    add constraint touches_pkey primary key (app, day, org_tag, visitor, session, at);
alter table attribution.conversions add column browser bytea;
update attribution.conversions set browser = visitor;
create index touches_by_browser on attribution.touches (app, browser, at);
create index conversions_by_browser on attribution.conversions (app, browser, at) where browser is not null;
create index touches_by_campaign on attribution.touches (app, org_tag, campaign_key) where campaign_key is not null;
create index touches_by_campaign_id on attribution.touches (app, org_tag, campaign_id_key)
    where campaign_id_key is not null;
create index touches_by_content on attribution.touches (app, org_tag, content_key) where content_key is not null;
create index touches_by_ad_id on attribution.touches (app, org_tag, ad_id_key) where ad_id_key is not null;
create index touches_of_google on attribution.touches (app, day) where click_parameter = 'gclid';
comment on column attribution.touches.visitor is 'Hash of the tag and the visitor''s id';
comment on column attribution.touches.browser is
    'The same for all tags of an organisation: hash of its people_tag and the visitor''s id';
comment on column attribution.touches.session_begins is 'First event of the session, of this UTC day';
comment on column attribution.touches.session_ends is 'Last event of the session, of this UTC day';
comment on column attribution.touches.click_parameter is 'Which parameter carried the click id: gclid, gbraid, …';
comment on column attribution.touches.utm_campaign is 'Decoded, trimmed and in NFC';
comment on column attribution.touches.campaign_key is 'Hash of utm_campaign in one case; content_key likewise';
comment on column attribution.touches.campaign_id_key is 'Hash of the campaign''s id in the address';
comment on column attribution.touches.ad_id_key is 'Hash of the ad''s id in the address';

-- people_tag: the tag with which browsers and persons of all of an organisation's tags are hashed.
alter table attribution.organizations
    add column people_tag text not null default '',
    add column sources jsonb not null default '{}',
    add column join_devices boolean not null default true;
update attribution.organizations o
set people_tag = (
    select min(own.org_tag) from attribution.organizations own where own.app = o.app and own.org_id = o.org_id
);

-- The first and the last event of a UTC day in which a person is signed in with a browser, where marketing is not
-- refused. It is hashed with people_tag, which is its org_tag, whichever of the organisation's tags the event had.
create table attribution.sign_ins (
    app      text not null,
    day      date not null,
    org_tag  text not null,
    visitor  bytea not null,
    person   bytea not null,
    first_at timestamptz not null,
    last_at  timestamptz not null,
    primary key (app, day, org_tag, visitor, person)
);
create index sign_ins_by_visitor on attribution.sign_ins (app, visitor, first_at);
create index sign_ins_by_person on attribution.sign_ins (app, person, first_at);
comment on column attribution.sign_ins.visitor is 'The browser, as in attribution.touches.browser';

-- One row is a touch that is a visit. A touch is none if its session goes on from the day before and last named the same
-- campaign or click there. A session lasts to the end of the day after the one on which it began; a longer one is cut at
-- each further midnight.
create view attribution.visits with (security_invoker = true) as
select t.*
from attribution.touches t
-- Most sessions begin later in the day, and need no look at another row.
where t.session_begins >= t.day::timestamp at time zone 'UTC' + interval '30 minutes' or not exists (
    select
    from attribution.touches p
    where p.app = t.app and p.day = t.day - 1 and p.org_tag = t.org_tag and p.visitor = t.visitor
      and p.session = t.session and t.session_begins - p.session_ends < interval '30 minutes'
      and (t.named_platform = p.named_platform or '' in (t.named_platform, p.named_platform))
      and case
          when t.click is not null then t.click is not distinct from p.click
          when t.campaign_id_key is not null then t.campaign_id_key is not distinct from p.campaign_id_key
          when t.campaign_key is not null then t.campaign_key is not distinct from p.campaign_key
          else t.ad_id_key is not distinct from p.ad_id_key
      end
      and not exists (
        select from attribution.touches later
        where later.app = p.app and later.day = p.day and later.org_tag = p.org_tag and later.visitor = p.visitor
          and later.session = p.session and later.session_ends = p.session_ends and later.at > p.at
      )
      and not exists (
        select from attribution.touches q
        where q.app = p.app and q.day = p.day - 1 and q.org_tag = p.org_tag and q.visitor = p.visitor
          and q.session = p.session and p.session_begins - q.session_ends < interval '30 minutes'
      )
) or exists (
    select
    from attribution.touches earlier
    where earlier.app = t.app and earlier.day = t.day and earlier.org_tag = t.org_tag and earlier.visitor = t.visitor
      and earlier.session = t.session and earlier.session_begins = t.session_begins and earlier.at < t.at
);

-- Google is asked for the clicks of gclid alone, because it reports no other.
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
where t.click_parameter = 'gclid'
  and not exists (select from attribution.clicks k where k.app = o.app and k.org_id = o.org_id and k.click = t.click)
group by o.app, o.org_id, a.connection_id, a.account_id, a.time_zone, moments.at_account::date;

alter table ads.campaign_names enable row level security;
create policy of_service on ads.campaign_names to service_role using (true) with check (true);
create policy of_own_organisation on ads.campaign_names for select to authenticated
    using (app = (select ads.current_app()) and org_id = (select ads.current_org()));
alter table attribution.sign_ins enable row level security;
create policy of_service on attribution.sign_ins to service_role using (true) with check (true);
create policy of_own_organisation on attribution.sign_ins for select to authenticated
    using (app = (select ads.current_app()) and org_tag in (
        select o.people_tag from attribution.organizations o
        where o.app = (select ads.current_app()) and o.org_id = (select ads.current_org())
    ));
grant select on ads.campaign_names, attribution.sign_ins, attribution.visits to authenticated;
grant all on ads.campaign_names, attribution.sign_ins, attribution.visits to service_role;
