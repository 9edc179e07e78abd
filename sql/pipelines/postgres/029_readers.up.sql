-- What analysts read: the role clearlift_reader, which sees the rows of the organisations that its logins were given and
-- no table that says something of a person; and a comment on every schema, table and column, for all who look at them.
create schema analysts;

create table analysts.readers (
    login  text not null,
    app    text not null,
    org_id text not null check (org_id <> ''),
    primary key (login, app, org_id)
);

-- Roles are the server's: another database may make this one meanwhile.
do $$
begin
    if not exists (select from pg_roles where rolname = 'clearlift_reader') then
        create role clearlift_reader nologin;
    end if;
exception when duplicate_object or unique_violation then
    null;
end
$$;

-- Both views read as their owner, so that a reader sees of them what is their own, and nothing of the table behind.
-- A login is what the session began with: neither `set role` nor a setting changes it.
create view analysts.own_organisations as
select app, org_id from analysts.readers where login = session_user;

create view analysts.own_tags as
select o.app, o.org_tag
from attribution.organizations o
join analysts.own_organisations own on own.app = o.app and own.org_id = o.org_id;

-- Row-level security where there was none: what the pipelines do as service_role goes on as before.
do $$
declare
    relation regclass;
begin
    for relation in
        select c.oid from pg_class c
        where c.relkind = 'r' and not c.relrowsecurity
            and c.relnamespace::regnamespace::text in ('rollups', 'experiments')
    loop
        execute format('alter table %s enable row level security', relation);
        execute format('create policy of_service on %s to service_role using (true) with check (true)', relation);
    end loop;
end
$$;

do $$
declare
    -- A login with the organisation * reads those of the whole app. In a select of their own, both are asked once a query.
    whole_app constant text := 'app in (select app from analysts.own_organisations where org_id = ''*'')';
    own_tag constant text := '(app, org_tag) in (select app, org_tag from analysts.own_tags)';
    own_organisation constant text := '(app, org_id) in (select app, org_id from analysts.own_organisations)';
    target record;
begin
    for target in
        select c.oid::regclass as name, c.relkind = 'r' as has_rows,
            bool_or(a.attname = 'org_id') as by_organisation, bool_or(a.attname = 'org_tag') as by_tag,
            bool_or(a.attname = 'app') as by_app
        from pg_class c
        join pg_namespace n on n.oid = c.relnamespace
        join pg_attribute a on a.attrelid = c.oid and a.attnum > 0
        where c.relkind in ('r', 'v') and (
            n.nspname = 'experiments'
            or n.nspname = 'rollups' and c.relname not in ('windows', 'followed')
            or n.nspname = 'ads' and c.relname not like 'sync\_%'
            or n.nspname = 'attribution' and c.relname in (
                'organizations', 'organization_currencies', 'models', 'exchange_rates', 'credits',
                'credits_in_currency', 'daily', 'daily_ads'
            )
        )
        group by c.oid
    loop
        execute format('grant select on %s to clearlift_reader', target.name);
        continue when not target.has_rows;
        execute format(
            'create policy of_reader on %s for select to clearlift_reader using (%s)', target.name,
            case
                when target.by_organisation then whole_app || ' or ' || own_organisation
                when target.by_tag then whole_app || ' or ' || own_tag
                -- An exchange rate is nobody's: whoever reads anything of the app reads it.
                when target.name = 'attribution.exchange_rates'::regclass
                    then 'app in (select app from analysts.own_organisations)'
                when target.by_app then whole_app
                else 'true'
            end
        );
    end loop;
end
$$;

revoke all on schema analysts from public;
grant usage on schema analysts, ads, attribution, experiments, rollups to clearlift_reader;
grant select on analysts.own_organisations, analysts.own_tags to clearlift_reader;
grant usage on schema analysts to service_role;
grant all on all tables in schema analysts to service_role;
alter table analysts.readers enable row level security;
create policy of_service on analysts.readers to service_role using (true) with check (true);

comment on schema ads is 'Accounts, campaigns, ads and keywords of the ad platforms, and what each of their days was worth';
comment on schema analysts is 'Who may read which organisations by the role clearlift_reader';
comment on schema archive is 'What lies in R2 below archive/, and what of it is proved';
comment on schema attribution is 'Which campaign brought which conversion, and what it cost';
comment on schema audit is 'What was read or changed of personal data, and by whom: a chain of hashes';
comment on schema cache is 'What is in each KV namespace, and how often it is read';
comment on schema consent is 'What people chose about marketing and the sale of their data';
comment on schema experiments is 'What was counted of experiments by the end of each day, and what could be said of them';
comment on schema health is 'What is wrong, since when, and what was sent about it';
comment on schema ingest is 'Which landed batch was taken by which run, and what became of each of its lines';
comment on schema lake is 'The catalog of the Iceberg tables, whose tables pyiceberg makes';
comment on schema media is 'Uploaded images, and what was made of them';
comment on schema pipelines is 'Which migrations this database has';
comment on schema privacy is 'Requests to erase people and organisations, and what became of them';
comment on schema restored is 'Where tables of the archive are restored to, beside the live ones';
comment on schema retention is 'What was deleted because it was old enough';
comment on schema rollups is 'Events counted by hour, day, week and month';
comment on schema sealing is 'What is known of the keys that seal columns; nothing of a key itself';
comment on schema sessions is 'Visits to web sites: sessions of the tracker, and as recomputed';

-- One row is a comment: of a relation where no column is named, else of a column, of all relations that the pattern fits.
-- The longest pattern that fits counts. What has a comment keeps it.
create temporary table said (place text, name text, comment text);
insert into said values
    -- Columns that mean the same wherever they are.
    ('%', 'app', 'Application whose the row is'),
    ('%', 'org_id', 'Organisation, by its id in the application'),
    ('%', 'org_tag', 'Data tag of the organisation, as its events have it'),
    ('%', 'platform', 'Ad platform: google, facebook, tiktok or microsoft'),
    ('%', 'account_id', 'Ad account, by the platform''s own id'),
    ('%', 'connection_id', 'Connection of the account, by its id in platform_connections of D1'),
    ('%', 'campaign_id', 'Campaign, as ads.campaigns.id'),
    ('%', 'ad_group_id', 'Ad group, as ads.ad_groups.id'),
    ('%', 'ad_id', 'Ad, as ads.ads.id'),
    ('%', 'keyword_id', 'Keyword, as ads.keywords.id'),
    ('%', 'creative_id', 'Creative, as ads.creatives.id'),
    ('%', 'currency', 'ISO 4217 currency of the amounts'),
    ('%', 'time_zone', 'IANA time zone of the account, in which its days are'),
    ('%', 'day', 'UTC day'),
    ('%', 'hour', 'Start of the hour'),
    ('%', 'date', 'Day in the account''s time zone'),
    ('%', 'started_at', 'When it began'),
    ('%', 'finished_at', 'When it ended; null while it runs, and where it was killed'),
    ('%', 'updated_at', 'When the row was written last'),
    ('%', 'changed_at', 'When the row changed last'),
    ('%', 'built_at', 'When it was made last'),
    ('%', 'snapshot_id', 'Snapshot of the lake''s table, by its id in Iceberg'),
    ('%', 'sequence', 'Sequence number of that snapshot''s commit; null of a commit before these were kept'),
    ('%', 'commit_id', 'Commit of ours to the lake, by the id that it carries'),
    ('%', 'ingest_id', 'Run of the ingestion, as ingest.runs.ingest_id'),
    ('%', 'sync_run_id', 'Sync that wrote the row last, as ads.sync_runs.id'),
    ('%', 'error_code', 'Kind of failure; null where it went well'),
    ('%', 'error', 'The failure in words, without secrets; null where it went well'),
    ('%', 'sha256', 'SHA-256 of the object''s bytes, in hexadecimal'),
    ('%', 'replayed_at', 'When the line was landed again; null while it waits'),
    ('%', 'replayed_as', 'Folder of the landing zone that the replay put it in; null while it waits'),
    ('%', 'reason', 'Why it was refused'),
    ('%', 'field', 'Field that it was refused for; empty where it is the line as a whole'),
    ('%', 'value', 'What that field held, where it says nothing about a person; null else'),
    ('%', 'kept', 'Whether its bytes are in quarantine'),
    ('%', 'namespace', 'Application whose KV namespace it is'),
    ('%', 'version', 'Version of the rules by which it was made'),
    -- Ads.
    ('ads.ad_accounts', '', 'One row an ad account that an organisation connected'),
    ('ads.campaigns', '', 'One row a campaign'),
    ('ads.ad_groups', '', 'One row an ad group'),
    ('ads.ads', '', 'One row an ad'),
    ('ads.keywords', '', 'One row a keyword of an ad group'),
    ('ads.creatives', '', 'One row a creative, as the ad that was written last has it'),
    ('ads.campaign_metrics_daily', '', 'One row a campaign''s day'),
    ('ads.ad_group_metrics_daily', '', 'One row an ad group''s day'),
    ('ads.ad_metrics_daily', '', 'One row an ad''s day'),
    ('ads.keyword_metrics_daily', '', 'One row a keyword''s day'),
    ('ads.creative_metrics_daily', '', 'One row a creative''s day: the sum over its ads'),
    ('ads.campaign_totals', '', 'One row a campaign and currency: the sum of its days'),
    ('ads.ad_group_totals', '', 'One row an ad group and currency: the sum of its days'),
    ('ads.ad_totals', '', 'One row an ad and currency: the sum of its days'),
    ('ads.keyword_totals', '', 'One row a keyword and currency: the sum of its days'),
    ('ads.conversions_daily', '', 'One row a conversion action of a campaign''s, ad group''s, ad''s or keyword''s day'),
    ('ads.listed_entities', '', 'One row an entity that its platform lists as existing, as are all that it is part of'),
    ('ads.restatements', '', 'One row a change that a platform made to a campaign''s day after it was loaded as final'),
    ('ads.restatement_history', '', 'One row a change that a platform made to a campaign''s final day, with its differences'),
    ('ads.sync_runs', '', 'One row a sync of a connection'),
    ('ads.sync_slices', '', 'One row a stream of a connection over a range of days, asked at once and merged at once'),
    ('ads.sync_state', '', 'One row a stream of a connection: how far it has come'),
    ('ads.sync_ranges', '', 'One row a stream of which the platform refused more days at once than these'),
    ('ads.%', 'id', 'platform:account:native id'),
    ('ads.ads', 'id', 'platform:account:ad group:ad, because Google gives one ad to several ad groups'),
    ('ads.keywords', 'id', 'platform:account:ad group:criterion'),
    ('ads.creatives', 'id', 'platform:account:creative; the ad''s own id where the platform has no other'),
    ('ads.creatives', 'kind', 'Kind of creative, in the platform''s word'),
    ('ads.ads', 'creative_kind', 'Kind of creative, in the platform''s word'),
    ('ads.restatements', 'id', 'Number of the change'),
    ('ads.sync_runs', 'id', 'Id of the sync'),
    ('ads.sync_slices', 'id', 'Id of the slice'),
    ('ads.%', 'native_id', 'The platform''s own id'),
    ('ads.%', 'name', 'Name of today'),
    ('ads.campaign_names', 'name', 'The name that it had'),
    ('ads.campaign_names', 'since', 'From when on it had the name; 1970: always'),
    ('ads.campaign_names', 'until', 'Until when it had the name; 9999: it still has it'),
    ('ads.%', 'status', 'active, paused or ended; null where the platform says none'),
    ('ads.%', 'native_status', 'The platform''s own word for it'),
    ('ads.%', 'raw_data', 'The entity as the platform''s answer had it'),
    ('ads.%', 'counted_actions', 'Conversion actions that count in all rows of the account; null before they are known'),
    ('ads.%', 'bid_amount', 'Bid, in the row''s currency'),
    ('ads.%', 'bid', 'Bid, in the row''s currency'),
    ('ads.%', 'budget', 'Budget, in the row''s currency'),
    ('ads.%', 'budget_type', 'What the budget is for: a day, or the whole lifetime'),
    ('ads.%', 'budget_id', 'The platform''s own id of a budget that campaigns may share'),
    ('ads.%', 'created_at', 'When it was created at the platform; null where it does not say'),
    ('ads.%', 'source_updated_at', 'When it was changed at the platform; null where it does not say'),
    ('ads.%', 'deleted_at', 'When it was found to be gone; null while the platform lists it'),
    ('ads.%', 'last_seen_run_id', 'Sync that wrote the row last; of one that is gone, the last that saw it'),
    ('ads.%', 'headline', 'First headline'),
    ('ads.%', 'body', 'Text of the ad'),
    ('ads.%', 'landing_page', 'Address that it leads to'),
    ('ads.%', 'url_parameters', 'What the platform appends to that address'),
    ('ads.keywords', 'text', 'Words of the keyword'),
    ('ads.keywords', 'match_type', 'How a search must match them, in the platform''s word'),
    ('ads.keywords', 'quality_score', 'Google''s score from 1 to 10; null where there is none'),
    ('ads.%', 'impressions', 'How often it was shown'),
    ('ads.%', 'clicks', 'How often it was clicked'),
    ('ads.%', 'spend', 'What was spent, in the row''s currency'),
    ('ads.%', 'conversions', 'Conversions as the platform counts them'),
    ('ads.%', 'conversions_value', 'Their value as the platform counts it, in the row''s currency'),
    ('ads.%', 'attribution_window', 'Window within which the platform credits conversions'),
    ('ads.%', 'is_final', 'Whether the day was over when it was loaded; it may be restated all the same'),
    ('ads.%', 'first_day', 'First day that has figures'),
    ('ads.%', 'last_day', 'Last day that has figures'),
    ('ads.%', 'level', 'Which kind of entity it is: campaign, ad_group, ad or keyword'),
    ('ads.listed_entities', 'id', 'Id of the entity, in the table of its level'),
    ('ads.conversions_daily', 'entity_id', 'Id of the entity, in the table of its level'),
    ('ads.conversions_daily', 'label', 'Name of the action for people'),
    ('ads.conversions_daily', 'count', 'Conversions by this action'),
    ('ads.conversions_daily', 'value', 'Their value, in the row''s currency'),
    ('ads.conversions_daily', 'is_counted', 'Whether the row is one of those whose sum is the conversions of the facts'),
    ('ads.restatement%', 'seen_at', 'When the change was seen'),
    ('ads.restatement%', 'sync_run_id', 'Sync that saw it, as ads.sync_runs.id'),
    ('ads.restatement_history', 'campaign_name', 'Name of the campaign today'),
    ('ads.restatement_history', 'days_later', 'Days from the campaign''s day to when the change was seen'),
    ('ads.restatement_history', 'kind', 'appeared, vanished or changed'),
    ('ads.restatement_history', 'spend_change', 'Spend after the change less spend before it'),
    ('ads.restatement_history', 'clicks_change', 'Clicks after the change less clicks before it'),
    ('ads.restatement_history', 'impressions_change', 'Impressions after the change less impressions before it'),
    ('ads.restatement_history', 'conversions_change', 'Conversions after the change less conversions before it'),
    ('ads.restatement_history', 'conversions_value_change', 'Value of conversions after the change less the one before it'),
    ('ads.restatement%', 'impressions_before', 'Impressions before it; null where the row appeared'),
    ('ads.restatement%', 'impressions_after', 'Impressions after it; null where the row vanished'),
    ('ads.restatement%', 'clicks_before', 'Clicks before it; null where the row appeared'),
    ('ads.restatement%', 'clicks_after', 'Clicks after it; null where the row vanished'),
    ('ads.restatement%', 'spend_before', 'Spend before it; null where the row appeared'),
    ('ads.restatement%', 'spend_after', 'Spend after it; null where the row vanished'),
    ('ads.restatement%', 'conversions_before', 'Conversions before it; null where the row appeared'),
    ('ads.restatement%', 'conversions_after', 'Conversions after it; null where the row vanished'),
    ('ads.restatement%', 'conversions_value_before', 'Value of conversions before it; null where the row appeared'),
    ('ads.restatement%', 'conversions_value_after', 'Value of conversions after it; null where the row vanished'),
    ('ads.sync_%', 'stream', 'What is asked for: entities or daily facts of a level'),
    ('ads.sync_%', 'run_id', 'Sync that it is of, as ads.sync_runs.id'),
    ('ads.sync_%', 'slice_id', 'Slice that wrote the row last, as ads.sync_slices.id'),
    ('ads.sync_%', 'observed_at', 'When the platform was asked; of two answers about one day the later one stays'),
    ('ads.sync_runs', 'mode', 'Why it ran: what is missing, the full look-back, or a backfill'),
    ('ads.sync_runs', 'status', 'running, or how it ended'),
    ('ads.sync_runs', 'notes', 'What it came upon, as a JSON array of texts'),
    ('ads.sync_runs', 'requests', 'Requests to the platform; null of a sync before these were counted'),
    ('ads.sync_slices', 'since', 'First day; null where there are no days, as of entities'),
    ('ads.sync_slices', 'until', 'Day after the last one; null where there are no days'),
    ('ads.sync_slices', 'final_until', 'Day up to which the days were over when it was asked'),
    ('ads.sync_slices', 'state', 'How far it has come, from asked to merged, or that it failed'),
    ('ads.sync_slices', 'remote_job_id', 'Report that the platform makes, by its id there; null where it makes none'),
    ('ads.sync_slices', 'attempts', 'How often it was begun'),
    ('ads.sync_slices', 'pages', 'Pages of the answer'),
    ('ads.sync_slices', 'rows', 'Rows of the answer'),
    ('ads.sync_slices', 'inserted', 'Rows that it inserted'),
    ('ads.sync_slices', 'updated', 'Rows that it changed'),
    ('ads.sync_slices', 'deleted', 'Rows that it deleted'),
    ('ads.sync_slices', 'raw_prefix', 'Prefix of R2 under which the pages lie as they came'),
    ('ads.sync_state', 'synced_through', 'No day up to this one is missing; null where there are no days, as of entities'),
    ('ads.sync_ranges', 'longest_days', 'Most days that are asked for at once'),
    ('ads.sync_ranges', 'found_at', 'When the platform refused more'),
    -- Analysts.
    ('analysts.readers', '', 'One row an organisation that a login reads, or a whole app'),
    ('analysts.own_organisations', '', 'One row an organisation, or a whole app, that the reader''s own login reads'),
    ('analysts.own_tags', '', 'One row a data tag of an organisation that the reader''s own login reads'),
    ('analysts.%', 'login', 'Role of Postgres that signs in, a member of clearlift_reader'),
    ('analysts.%', 'org_id', 'Organisation, by its id in the application; *: all of the app'),
    -- Archive.
    ('archive.revisions', '', 'One row a revision of a bucket of a table''s quarter'),
    ('archive.sealed', '', 'One row the newest sealed revision of a bucket'),
    ('archive.tombstones', '', 'One row a person or organisation that was erased, and stays away from every restore'),
    ('archive.%', 'table_name', 'Table that is archived'),
    ('archive.%', 'quarter', 'Quarter of its rows, such as 2026Q1'),
    ('archive.%', 'bucket', 'Part of the quarter, e.g. an organisation''s'),
    ('archive.%', 'revision', 'Number of the revision, from 1'),
    ('archive.%', 'state', 'writing, until every part is put and read back; verified, until the manifest is; sealed'),
    ('archive.%', 'sealed_at', 'When it was sealed; null before'),
    ('archive.sealed', 'rows', 'Rows of all parts that the revision''s manifest names'),
    ('archive.sealed', 'rows_added', 'Rows of the parts that came with this revision'),
    ('archive.%', 'packed_bytes', 'Bytes of its parts as they lie in R2'),
    ('archive.%', 'line_bytes', 'Bytes of its lines before they were packed'),
    ('archive.%', 'parts', 'Objects that hold its rows'),
    ('archive.%', 'checksum', 'Checksum of its rows, in any order'),
    ('archive.%', 'manifest_sha256', 'SHA-256 of the manifest, in hexadecimal'),
    ('archive.%', 'snapshot', 'State of the source that was read'),
    ('archive.%', 'code_version', 'Version of the code that wrote it'),
    ('archive.%', 'slices', 'What the source said of each slice when it was read: equal again means nothing new'),
    ('archive.%', 'subject_kind', 'Kind of person, or organisation'),
    ('archive.%', 'subject_hash', 'Hash of kind and id'),
    ('archive.%', 'erased_at', 'When they were erased'),
    -- Attribution.
    ('attribution.ad_labels', '', 'One row a text by which utm_content names an ad: its id, its tag, a name'),
    ('attribution.labels', '', 'One row a text by which utm_campaign names a campaign: its id, a name of a time'),
    ('attribution.click_days', '', 'One row a day of an account of which the platform was asked for clicks'),
    ('attribution.clicks', '', 'One row a click whose campaign the platform said'),
    ('attribution.conversions', '', 'One row an event that may be a conversion or a refund'),
    ('attribution.counted_conversions', '', 'One row a conversion or refund that counts on a day'),
    ('attribution.credits', '', 'One row what is credited to a campaign or a reason on a day, by ad, model and currency'),
    ('attribution.credits_in_currency', '', 'As credits, by tag of the organisation and in the currency of the account'),
    ('attribution.organization_currencies', '', 'One row a data tag and the currency of its organisation'),
    ('attribution.organizations', '', 'One row a data tag with the organisation''s rules: a mirror of D1'),
    ('attribution.sign_ins', '', 'One row a person who is signed in with a browser on a day'),
    ('attribution.touches', '', 'One row an event that names a campaign'),
    ('attribution.visits', '', 'One row a touch that is a visit'),
    ('attribution.unknown_clicks', '', 'One row an account''s day with clicks that are not known yet'),
    ('attribution.windows', '', 'One row a day: what it was made of, and whether its credits are to be made again'),
    ('attribution.%', 'label', 'Text that names it: decoded, trimmed and in NFC'),
    ('attribution.%', 'kind', 'What the text is: id, name or tag'),
    ('attribution.%', 'text', 'The same text as the platform has it'),
    ('attribution.%', 'key', 'Hash of the text in one case'),
    ('attribution.labels', 'until', 'Until when the campaign had it; 9999: it still has it'),
    ('attribution.click_days', 'day', 'Day in the account''s time zone'),
    ('attribution.click_days', 'asked_at', 'When the platform was asked last'),
    ('attribution.%', 'unknown', 'One hash of all clicks of the day that are not known'),
    ('attribution.unknown_clicks', 'day', 'Day in the account''s time zone'),
    ('attribution.%', 'click', 'Hash of the click id; null where there was none'),
    ('attribution.%', 'event', 'Hash of the event''s id'),
    ('attribution.%', 'visitor', 'Hash of the tag and the visitor''s id; null where there was no consent to marketing'),
    ('attribution.%', 'browser', 'Hash of people_tag and the visitor''s id; null where there was no consent to marketing'),
    ('attribution.%', 'person', 'Hash of people_tag and the user''s id'),
    ('attribution.%', 'session', 'Hash of the tag and the session''s id'),
    ('attribution.%', 'at', 'When the event happened'),
    ('attribution.%', 'value', 'event_value of the event'),
    ('attribution.counted_conversions', 'day', 'UTC day on which it counts'),
    ('attribution.counted_conversions', 'value', 'event_value; of a refund negative'),
    ('attribution.counted_conversions', 'at', 'When it happened; of a refund, when what it refunds did'),
    ('attribution.conversions', 'refund', 'Whether it refunds'),
    ('attribution.%', 'visits', 'Visits by the campaign or reason'),
    ('attribution.%', 'conversions', 'Conversions that the model credits; fractions where it shares them'),
    ('attribution.%', 'revenue', 'Revenue that the model credits, in the row''s currency; refunds are negative'),
    ('attribution.%', 'spend', 'What the campaign or ad cost, in the row''s currency'),
    ('attribution.%', 'cpa', 'Spend by conversion; null where nothing was spent or nothing was sold'),
    ('attribution.%', 'roas', 'Revenue by spend; null where nothing was spent'),
    ('attribution.%', 'model', 'Model, as attribution.models.model'),
    ('attribution.models', 'model', 'Name of the model'),
    ('attribution.models', 'last_touch', 'What the last touch has beside it'),
    ('attribution.%', 'reason', 'Why there is no campaign; empty where there is one'),
    ('attribution.%', 'campaign_name', 'Name of the campaign today'),
    ('attribution.%', 'ad_name', 'Name of the ad today'),
    ('attribution.daily%', 'day', 'Day in the account''s time zone; the UTC day where no campaign is known'),
    ('attribution.credits_in_currency', 'day', 'Day in the account''s time zone; the UTC day where no campaign is known'),
    ('attribution.daily%', 'ad_id', 'Ad, as ads.ads.id; empty for what of the campaign has no known ad'),
    ('attribution.credits%', 'ad_id', 'Ad, as ads.ads.id; empty where none is known'),
    ('attribution.daily%', 'currency', 'ISO 4217 currency of the amounts; null where none is known'),
    ('attribution.%', 'rate_missing', 'Whether the row is revenue that no exchange rate converts into the account''s currency'),
    ('attribution.%', 'reporting_currency', 'Currency of the organisation; null where it has none'),
    ('attribution.%', 'reporting_rate', 'What one unit of the row''s currency is in that; null where there is no rate'),
    ('attribution.organization_currencies', 'currency', 'The one that it chose, else the one of all its accounts; else null'),
    ('attribution.exchange_rates', 'currency', 'ISO 4217 currency'),
    ('attribution.organizations', 'conversion_types', 'Event types that are conversions'),
    ('attribution.organizations', 'refund_types', 'Event types that are refunds'),
    ('attribution.organizations', 'window_days', 'Days before a conversion within which touches are credited'),
    ('attribution.organizations', 'types_change', 'Which change of its rules this row had last; 0: the default ones'),
    ('attribution.organizations', 'people_tag', 'Tag with which browsers and persons of all of its tags are hashed'),
    ('attribution.organizations', 'sources', 'Values of utm_source that stand for a platform, as a JSON object'),
    ('attribution.organizations', 'join_devices', 'Whether browsers with which one person signs in count as one'),
    ('attribution.sign_ins', 'org_tag', 'The organisation''s people_tag'),
    ('attribution.sign_ins', 'first_at', 'First event of the day in which they are signed in'),
    ('attribution.sign_ins', 'last_at', 'Last event of the day in which they are signed in'),
    ('attribution.%', 'utm_content', 'Decoded, trimmed and in NFC; null where there was none'),
    ('attribution.%', 'content_key', 'Hash of utm_content in one case; null where there was none'),
    ('attribution.visits', 'named_platform', 'The platform that the click id, else utm_source, names'),
    ('attribution.visits', 'session_begins', 'First event of the session, of this UTC day'),
    ('attribution.visits', 'session_ends', 'Last event of the session, of this UTC day'),
    ('attribution.visits', 'click_parameter', 'Which parameter carried the click id: gclid, gbraid, …'),
    ('attribution.visits', 'utm_campaign', 'Decoded, trimmed and in NFC; null where there was none'),
    ('attribution.visits', 'campaign_key', 'Hash of utm_campaign in one case; null where there was none'),
    ('attribution.visits', 'campaign_id_key', 'Hash of the campaign''s id in the address; null where there was none'),
    ('attribution.visits', 'ad_id_key', 'Hash of the ad''s id in the address; null where there was none'),
    ('attribution.windows', 'types_change', 'Newest change of rules that it was made with'),
    ('attribution.windows', 'touches', 'Touches of the day'),
    ('attribution.windows', 'conversions', 'Conversions and refunds of the day'),
    ('attribution.windows', 'changed', 'Number of the last change that its credits must follow'),
    ('attribution.windows', 'credited', 'Number of the change that its credits follow; stale while it is below `changed`'),
    ('attribution.windows', 'pruned', 'Whether its touches and conversions are deleted, so that it is not credited again'),
    -- Audit and consent.
    ('audit.entries', 'seq', 'Number of the entry; none is left out'),
    ('audit.entries', 'at', 'When it was done'),
    ('audit.entries', 'actor', 'Who did it'),
    ('audit.entries', 'work', 'Command, job or change log that reports it'),
    ('audit.entries', 'act', 'What was done, such as read or erase'),
    ('audit.%', 'store', 'Store in which it was done'),
    ('audit.entries', 'place', 'Table, prefix or key family'),
    ('audit.entries', 'columns', 'Columns, where it is about some'),
    ('audit.followed', 'first_transaction', 'Transaction of the first row of the page'),
    ('audit.followed', 'first_id', 'Id of the first row of the page'),
    ('audit.followed', 'first_changed_at', 'When the first row of the page changed'),
    ('audit.followed', 'last_transaction', 'Transaction of the last row of the page'),
    ('audit.followed', 'last_id', 'Id of the last row of the page'),
    ('consent.choices', 'subject_kind', 'visitor or user'),
    ('consent.choices', 'subject', 'Hash of organisation and id'),
    ('consent.choices', 'at', 'When they chose'),
    ('consent.choices', 'refuses', 'Whether they refused; false: they agreed again'),
    -- Cache.
    ('cache.entries', '', 'One row a key that we believe to be in a KV namespace'),
    ('cache.reads', '', 'One row a key and day: how often it was read'),
    ('cache.access_objects', '', 'One row an object of the access log that was counted'),
    ('cache.access_refusals', '', 'One row a line of the access log that could not be read'),
    ('cache.%', 'key', 'Key in KV'),
    ('cache.%', 'family', 'Family of keys that it is of'),
    ('cache.entries', 'hash', 'Hash of the value that was written'),
    ('cache.entries', 'bytes', 'Bytes of the value'),
    ('cache.entries', 'expires_at', 'When KV drops it; null: never'),
    ('cache.entries', 'written_at', 'When it was written last'),
    ('cache.entries', 'tenant', 'Organisation or user whose value it is; empty where it is everybody''s'),
    ('cache.%', 'object', 'Object in R2, by its key'),
    ('cache.%', 'reads', 'Reads'),
    ('cache.%', 'hits', 'Reads that found a value'),
    ('cache.access_objects', 'lines', 'Lines of the object'),
    ('cache.access_objects', 'refused', 'Lines that could not be read'),
    ('cache.access_objects', 'ingested_at', 'When it was counted'),
    ('cache.access_objects', 'sha256', 'SHA-256 of its bytes, in hexadecimal; null where they were not kept'),
    ('cache.access_refusals', 'line', 'Number of the line; 0: the object as a whole'),
    -- Experiments.
    ('experiments.%', 'experiment', 'Experiment, by its id in the application'),
    ('experiments.%', 'day', 'UTC day by whose end it was looked at'),
    ('experiments.%', 'name', 'Name of the experiment'),
    ('experiments.%', 'has_ended', 'Whether it had ended'),
    ('experiments.%', 'exposed', 'Units (users or sessions) that had seen their variant'),
    ('experiments.%', 'planned_total', 'Units that were planned; null where none were'),
    ('experiments.%', 'mismatched', 'Whether units are not split as planned, so that there is no verdict'),
    ('experiments.%', 'looked_at', 'When it was looked at'),
    ('experiments.%', 'metric', 'Metric, as the experiment''s definition names it'),
    ('experiments.%', 'variant', 'Variant, as the experiment''s definition names it'),
    ('experiments.%', 'is_guardrail', 'Whether the metric guards against harm, and decides nothing else'),
    ('experiments.%', 'fewer_is_better', 'Whether a lower value is the better one'),
    ('experiments.%', 'is_control', 'Whether the variant is the one that the others are compared with'),
    ('experiments.%', 'total', 'Sum of the units'' values'),
    ('experiments.%', 'squares', 'Sum of the squares of the units'' values'),
    ('experiments.%', 'difference', 'Mean of a unit less the control''s; null for the control'),
    ('experiments.%', 'difference_low', 'Lower end of its interval, valid at every look'),
    ('experiments.%', 'difference_high', 'Upper end of its interval, valid at every look'),
    ('experiments.%', 'lift_low', 'Lower end of the lift''s interval, valid at every look'),
    ('experiments.%', 'lift_high', 'Upper end of the lift''s interval, valid at every look'),
    ('experiments.%', 'p', 'Probability of such a difference where there is none, valid at every look'),
    ('experiments.%', 'detectable_lift', 'Lift that the experiment could find by now'),
    ('experiments.%', 'verdict', 'What can be said of the variant'),
    ('experiments.%', 'why', 'Why it can be said'),
    -- Health.
    ('health.%', 'name', 'Health check'),
    ('health.%', 'subject', 'What it concerns'),
    ('health.%', 'severity', 'warning or critical'),
    ('health.%', 'looked_at', 'When it looked last'),
    ('health.findings', 'message', 'What is wrong, in words'),
    ('health.findings', 'since', 'When it was found first'),
    ('health.findings', 'seen_at', 'When it was found last'),
    ('health.findings', 'resolved_at', 'When it was gone; null while it is there'),
    ('health.alerts', 'made_at', 'When it was written'),
    ('health.alerts', 'title', 'First line of the message'),
    ('health.alerts', 'body', 'The message'),
    ('health.alerts', 'tries', 'How often it was tried'),
    ('health.alerts', 'next_at', 'When it is tried next'),
    ('health.alerts', 'sent_at', 'When a receiver took it; null before'),
    ('health.samples', 'measure', 'What was measured: bytes, or milliseconds'),
    ('health.samples', 'subject', 'Store that was measured'),
    ('health.samples', 'at', 'When it was measured'),
    ('health.samples', 'value', 'The figure'),
    -- Ingest.
    ('ingest.runs', '', 'One row a run of the ingestion that took a batch'),
    ('ingest.batches', '', 'One row a batch that was taken, and what became of its lines'),
    ('ingest.quarantine', '', 'One row a line that was refused'),
    ('ingest.unknown_fields', '', 'One row a field of a run''s events that the event record does not have'),
    ('ingest.without_consent', '', 'One row an hour, tag and type of a run''s events that came without consent'),
    ('ingest.%', 'object_key', 'Object in the landing zone, by its key'),
    ('ingest.batches', 'etag', 'Its etag, as R2 has it'),
    ('ingest.batches', 'bytes', 'Its bytes'),
    ('ingest.batches', 'received', 'Its lines: stored + doubled + quarantined + without consent'),
    ('ingest.batches', 'stored', 'Lines that are events in the lake'),
    ('ingest.batches', 'doubled', 'Lines whose event was stored before'),
    ('ingest.batches', 'conflicting', 'Doubled lines that say something else than the event that was stored'),
    ('ingest.batches', 'quarantined', 'Lines that were refused'),
    ('ingest.batches', 'without_consent', 'Lines without consent to analytics, which are counted and not stored'),
    ('ingest.batches', 'first_event', 'Earliest event; null where none was stored'),
    ('ingest.batches', 'last_event', 'Latest event; null where none was stored'),
    ('ingest.quarantine', 'line', 'Number of the line in its batch'),
    ('ingest.runs', 'ingest_id', 'Id of the run, which its commit to the lake carries'),
    ('ingest.runs', 'state', 'prepared, until its commit is known to have landed; committed'),
    ('ingest.runs', 'committed_at', 'When its commit was known to have landed; null before'),
    ('ingest.runs', 'arrived', 'Hour under which its newest batch had arrived; null of a run before it was kept'),
    ('ingest.%', 'events', 'Events'),
    ('ingest.unknown_fields', 'field', 'Name of the field'),
    ('ingest.%', 'event_type', 'Type of the events'),
    -- Media.
    ('media.images', '', 'One row an uploaded image'),
    ('media.listings', '', 'One row an application: where the listing of its uploads goes on'),
    ('media.images', 'state', 'Whether it waits, was made or was refused'),
    ('media.images', 'bytes_in', 'Bytes of the upload; null before they are known'),
    ('media.images', 'bytes_out', 'Bytes of all that was made of it; null before they are known'),
    ('media.images', 'width', 'Pixels across; null before they are known'),
    ('media.images', 'height', 'Pixels down; null before they are known'),
    ('media.listings', 'after_key', 'Key after which the next look goes on'),
    ('media.listings', 'listed_at', 'When the last look took place'),
    -- Migrations, erasures, deletions, keys.
    ('pipelines.migrations', '', 'One row a migration that this database has'),
    ('pipelines.migrations', 'folder', 'Folder of the migration, below sql/'),
    ('pipelines.migrations', 'number', 'Its number'),
    ('pipelines.migrations', 'name', 'Its name'),
    ('pipelines.migrations', 'checksum', 'Checksum of its script'),
    ('pipelines.migrations', 'applied_at', 'When it was applied'),
    ('privacy.requests', 'id', 'Id of the request'),
    ('privacy.requests', 'kind', 'Kind of person, or organisation'),
    ('privacy.requests', 'state', 'How far it has come'),
    ('privacy.requests', 'received_at', 'When it was received'),
    ('privacy.requests', 'waits_until', 'Until when it can be cancelled'),
    ('privacy.requests', 'ended_at', 'When it was done, cancelled or refused; null before'),
    ('privacy.requests', 'why', 'Why it is in its state, in words'),
    ('privacy.requests', 'receipt', 'Object in R2 with its receipt; null before it is done'),
    ('privacy.secrets', 'name', 'Name of the secret'),
    ('privacy.secrets', 'sealed', 'The secret, sealed by the key set'),
    ('privacy.steps', 'request', 'Request, as privacy.requests.id'),
    ('privacy.steps', 'position', 'Place of the step in the request''s plan'),
    ('privacy.steps', 'place', 'Store'),
    ('privacy.steps', 'rows', 'Rows, lines or keys that went or were emptied'),
    ('privacy.steps', 'objects', 'Objects that went or were written again'),
    ('privacy.steps', 'written', 'Bytes that were written again'),
    ('privacy.steps', 'done_at', 'When it was done'),
    ('retention.deletions', '', 'One row a deletion of what was old enough: noted before it, settled after it'),
    ('retention.pruned_days', '', 'One row a tag''s day whose events are in the archive only'),
    ('retention.deletions', 'id', 'Id of the deletion'),
    ('retention.deletions', 'store', 'Store that it was in'),
    ('retention.deletions', 'name', 'Table, prefix or key family'),
    ('retention.deletions', 'intended_rows', 'Rows or objects that were to go'),
    ('retention.deletions', 'intended_bytes', 'Bytes that were to go'),
    ('retention.deletions', 'bytes', 'Bytes that went; null until it is known'),
    ('retention.deletions', 'run', 'Run that deleted'),
    ('retention.deletions', 'began_at', 'When it began'),
    ('retention.deletions', 'settled_at', 'When it was known what went; null before'),
    ('retention.pruned_days', 'quarter', 'Quarter of the archive, such as 2026Q1'),
    ('retention.pruned_days', 'rows', 'Events of that day that went'),
    ('retention.pruned_days', 'marked_at', 'When it was noted'),
    ('sealing.keys', 'key_id', 'Id of the key'),
    ('sealing.keys', 'first_seen_at', 'When it was seen first'),
    ('sealing.keys', 'retired_at', 'When it was taken out of the key set; null before'),
    -- Roll-ups and sessions.
    ('rollups.%', 'events', 'Events'),
    ('rollups.%', 'visitors', 'Distinct visitors'),
    ('rollups.%', 'sessions', 'Distinct sessions'),
    ('rollups.%', 'daily_visitors', 'Sum of the distinct visitors of each day, which is not the distinct visitors of all'),
    ('rollups.%', 'daily_sessions', 'Sum of the distinct sessions of each day, which is not the distinct sessions of all'),
    ('rollups.%', 'value', 'Sum of event_value, in whatever currencies the events have'),
    ('rollups.%', 'exact', 'Whether visitors and sessions are exact; else their standard error is 1.1 %'),
    ('rollups.%', 'visitor_sketch', 'Sketch of hashes of the visitors, from which those of any range are counted'),
    ('rollups.%', 'session_sketch', 'Sketch of hashes of the sessions, from which those of any range are counted'),
    ('rollups.%', 'week', 'Monday of the week'),
    ('rollups.%', 'month', 'First day of the month'),
    ('rollups.%', 'event_type', 'Type of the events; empty where they have none'),
    ('rollups.%', 'utm_source', 'utm_source of the events; empty where they have none'),
    ('rollups.%', 'utm_medium', 'utm_medium of the events; empty where they have none'),
    ('rollups.%', 'utm_campaign', 'utm_campaign of the events; empty where they have none'),
    ('rollups.%', 'device_type', 'Kind of device; empty where it is not known'),
    ('rollups.%', 'geo_country', 'Country; empty where it is not known'),
    ('rollups.%', 'page_hostname', 'Host of the page; empty where it is not known'),
    ('rollups.%', 'page_path', 'Path of the page; empty where it is not known'),
    ('rollups.%', 'source', 'Source by which the session landed; empty where it is not known'),
    ('rollups.windows', '', 'One row a window: what it was made of, and the youngest commit that changed it'),
    ('rollups.windows', 'grain', 'hourly, daily, weekly or monthly'),
    ('rollups.windows', 'window_start', 'Start of the window'),
    ('rollups.windows', 'org_tag', 'Data tag; empty where the window was made for all organisations'),
    ('rollups.windows', 'wanted', 'Sequence number of the youngest commit that changed it; stale while above `sequence`'),
    ('rollups.windows', 'pending', 'Rows that commits added since it was made'),
    ('rollups.windows', 'events', 'Events of the window'),
    ('rollups.followed', '', 'One row an application: how far the commits of its lake were followed'),
    ('rollups.followed', 'followed_at', 'When they were followed last'),
    ('sessions.daily', '', 'One row a session, on the UTC day that it began on'),
    ('sessions.windows', '', 'One row a day: what its sessions were made of, and how many there are'),
    ('sessions.daily', 'origin', 'tracker: by its session ids. recomputed: by pauses of 30 minutes'),
    ('sessions.daily', 'visitor', 'Hash of the visitor''s id'),
    ('sessions.daily', 'started_at', 'First event'),
    ('sessions.daily', 'ended_at', 'Last event'),
    ('sessions.daily', 'duration_seconds', 'Seconds from the first event to the last'),
    ('sessions.daily', 'events', 'Events'),
    ('sessions.daily', 'page_views', 'Page views'),
    ('sessions.daily', 'landing_hostname', 'Host of the first page'),
    ('sessions.daily', 'landing_path', 'Path of the first page'),
    ('sessions.daily', 'exit_hostname', 'Host of the last page'),
    ('sessions.daily', 'exit_path', 'Path of the last page'),
    ('sessions.daily', 'first_medium', 'First utm_medium'),
    ('sessions.daily', 'first_campaign', 'First utm_campaign'),
    ('sessions.daily', 'last_source', 'Last source'),
    ('sessions.daily', 'last_medium', 'Last utm_medium'),
    ('sessions.daily', 'last_campaign', 'Last utm_campaign'),
    ('sessions.windows', 'tracker', 'Sessions of the tracker'),
    ('sessions.windows', 'recomputed', 'Recomputed sessions'),
    ('sessions.windows', 'pruned', 'Whether its sessions are deleted, so that they are not made again');

insert into said
select format('rollups.%s%s', grain, cut), '', format('One row %s, %s, of a data tag', its_window, what)
from (values ('hourly', 'an hour'), ('daily', 'a UTC day'), ('weekly', 'a week'), ('monthly', 'a month'))
        as windows (grain, its_window),
    (values ('', 'by type, utm fields, device and country'), ('_totals', 'of all events'),
        ('_pages', 'by page'), ('_sources', 'by source and medium'), ('_campaigns', 'by campaign, source and medium'))
        as cuts (cut, what);

do $$
declare
    target record;
begin
    for target in
        select distinct on (c.oid, a.attnum) c.oid::regclass as relation, c.relkind, a.attname as column, said.comment
        from pg_class c
        join pg_namespace n on n.oid = c.relnamespace
        join (
            select attrelid, attnum, attname from pg_attribute where attnum > 0 and not attisdropped
            union all
            select oid, 0, '' from pg_class
        ) as a on a.attrelid = c.oid
        join said on said.name = a.attname and format('%s.%s', n.nspname, c.relname) like said.place
        where c.relkind in ('r', 'v') and n.nspname !~ '^pg_'
            and n.nspname not in ('information_schema', 'lake', 'restored')
            and case a.attnum when 0 then obj_description(c.oid, 'pg_class') else col_description(c.oid, a.attnum) end
                is null
        order by c.oid, a.attnum, length(said.place) desc
    loop
        execute case
            when target.column <> ''
                then format('comment on column %s.%I is %L', target.relation, target.column, target.comment)
            when target.relkind = 'v' then format('comment on view %s is %L', target.relation, target.comment)
            else format('comment on table %s is %L', target.relation, target.comment)
        end;
    end loop;
end
$$;
drop table said;
