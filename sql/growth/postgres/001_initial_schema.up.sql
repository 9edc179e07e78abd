-- Growth: leads, their onboarding, what happens on the site, experiments and WhatsApp accounts. One row of a table is
-- what the table's comment says. `pipelines` holds what shares a transaction with these rows, and is never opened to
-- the API.
--
-- Names of constraints say what is wrong, because they are all that a message may show: its DETAIL holds the whole row.
-- A column of time is the moment of what happened, in UTC; ingested_at and updated_at are this database's.

-- The roles and the schema `auth` of Supabase, where the server has none. Roles are the server's, so that another
-- database may make them meanwhile. A way down leaves them.
do $$
declare
    wanted text;
begin
    foreach wanted in array array['anon', 'authenticated', 'service_role'] loop
        if not exists (select from pg_roles where rolname = wanted) then
            begin
                execute format('create role %I nologin', wanted);
            exception when duplicate_object or unique_violation then
                null;
            end;
        end if;
    end loop;
    if to_regnamespace('auth') is null then
        create schema auth;
        execute $auth$
            create function auth.uid() returns uuid language sql stable set search_path = '' as $body$
                select nullif(
                    nullif(current_setting('request.jwt.claims', true), '')::jsonb ->> 'sub', ''
                )::uuid
            $body$
        $auth$;
        grant usage on schema auth to anon, authenticated, service_role;
    end if;
end
$$;

create schema marketing;
create schema onboarding;
create schema analytics;
create schema experiments;
create schema whatsapp;
-- The ledger of migrations has made it already, where it was they that opened the database.
create schema if not exists pipelines;

create type marketing.lead_status as enum ('new', 'contacted', 'qualified', 'converted', 'lost');
create type marketing.interaction_kind as enum ('form', 'email', 'call', 'meeting', 'message', 'note');
create type onboarding.session_status as enum ('in_progress', 'completed', 'abandoned');
create type onboarding.step as enum (
    'signup', 'business_info', 'whatsapp_setup', 'bot_setup', 'testing', 'launch'
);
create type onboarding.activity_kind as enum ('entered', 'completed', 'error', 'skipped');
create type analytics.event_type as enum ('page_view', 'user_action', 'form', 'conversion', 'system', 'error');
create type analytics.period as enum ('hour', 'day');
create type experiments.experiment_status as enum ('draft', 'running', 'paused', 'completed');
create type whatsapp.account_status as enum ('pending', 'connected', 'restricted', 'disconnected');
create type whatsapp.quality_rating as enum ('green', 'yellow', 'red', 'unknown');
create type whatsapp.template_category as enum ('marketing', 'utility', 'authentication');
create type whatsapp.template_status as enum ('draft', 'pending', 'approved', 'rejected', 'paused');

-- True for a short text of people: no control characters, none that turn the direction of what follows.
create function pipelines.is_plain(value text, longest integer) returns boolean
language sql immutable parallel safe
return char_length(value) <= longest and value !~ '[[:cntrl:]\u202a-\u202e\u2066-\u2069]';

-- True for a JSON object of at most so many bytes as text.
create function pipelines.is_small_object(value jsonb, bytes integer) returns boolean
language sql immutable parallel safe
return jsonb_typeof(value) = 'object' and octet_length(value::text) <= bytes;

create table marketing.leads (
    id                uuid primary key default gen_random_uuid(),
    email             text not null,
    email_key         text not null,
    phone             text,
    phone_e164        text,
    phone_extension   text,
    phone_read_at     timestamptz,
    company_name      text,
    company_key       text,
    name              text,
    country           text,
    source            text not null default 'unknown',
    first_source      text not null,
    status            marketing.lead_status not null default 'new',
    capture_count     integer not null default 1,
    last_captured_at  timestamptz not null default now(),
    capture_window_at timestamptz not null default now(),
    capture_window_count integer not null default 1,
    utm               jsonb not null default '{}',
    metadata          jsonb not null default '{}',
    consent           boolean not null default false,
    created_at        timestamptz not null default now(),
    updated_at        timestamptz not null default now(),
    constraint leads_email_key_is_known_already unique (email_key),
    constraint leads_email_has_more_than_254_characters check (char_length(email) <= 254),
    -- One @, nothing that ends or quotes an address, nothing that cannot be seen; a domain of labels with a dot.
    constraint leads_email_is_not_one_address check (
        email !~ '[[:cntrl:]\u200b-\u200f\u202a-\u202e\u2060-\u2069\ufeff]'
        and email ~ (
            '^[^@\s<>(),;:"\\\[\]]{1,64}@([^@\s.<>(),;:"''\\\[\]_/]{1,63}\.)+'
            || '[^@\s.<>(),;:"''\\\[\]_/0-9][^@\s.<>(),;:"''\\\[\]_/]{1,62}$'
        )
        and email !~ '(^\.|\.\.|\.@|@-|-\.|\.-|-$)'
    ),
    constraint leads_phone_is_longer_than_50_or_has_control_characters check (pipelines.is_plain(phone, 50)),
    constraint leads_phone_e164_is_not_plus_and_7_to_15_digits check (phone_e164 ~ '^\+[1-9][0-9]{6,14}$'),
    constraint leads_phone_extension_is_not_1_to_10_digits check (phone_extension ~ '^[0-9]{1,10}$'),
    constraint leads_company_is_longer_than_200_or_has_control_characters check (
        pipelines.is_plain(company_name, 200)
    ),
    constraint leads_name_is_longer_than_200_or_has_control_characters check (pipelines.is_plain(name, 200)),
    constraint leads_country_is_not_two_capital_letters check (country ~ '^[A-Z]{2}$'),
    constraint leads_source_is_empty_or_not_plain_or_longer_than_100 check (
        source <> '' and pipelines.is_plain(source, 100) and pipelines.is_plain(first_source, 100)
    ),
    constraint leads_capture_count_is_below_1 check (capture_count >= 1 and capture_window_count >= 1),
    constraint leads_utm_is_no_json_object_of_at_most_4000_bytes check (pipelines.is_small_object(utm, 4000)),
    constraint leads_metadata_is_no_json_object_of_at_most_16000_bytes check (
        pipelines.is_small_object(metadata, 16000)
    )
);
comment on table marketing.leads is
    'One row a person who left an e-mail address, by email_key; a second capture updates it';
comment on column marketing.leads.email is 'As first typed, without spaces around it';
comment on column marketing.leads.email_key is 'What makes two addresses one: lower case, without what follows a plus';
comment on column marketing.leads.phone is 'As typed; phone_e164 is set by a job, where the number is valid';
comment on column marketing.leads.phone_read_at is 'When a job read phone; null since phone or country changed';
comment on column marketing.leads.company_key is 'Finds companies of one name; no reason to merge leads';
comment on column marketing.leads.source is 'Of the newest capture; first_source never changes';
comment on column marketing.leads.capture_window_at is
    'Since when capture_window_count counts: the rate limit of this address';

create table marketing.lead_interactions (
    id          uuid primary key default gen_random_uuid(),
    lead_id     uuid not null references marketing.leads on delete cascade,
    kind        marketing.interaction_kind not null,
    channel     text not null default 'web',
    notes       text,
    metadata    jsonb not null default '{}',
    occurred_at timestamptz not null default now(),
    created_at  timestamptz not null default now(),
    constraint lead_interactions_channel_is_longer_than_50 check (pipelines.is_plain(channel, 50)),
    constraint lead_interactions_notes_have_more_than_10000_characters check (char_length(notes) <= 10000),
    constraint lead_interactions_metadata_is_no_json_object_of_16000_bytes check (
        pipelines.is_small_object(metadata, 16000)
    )
);
comment on table marketing.lead_interactions is 'One row a contact with a lead: a call, a message, a note';

create table onboarding.sessions (
    id                          uuid primary key default gen_random_uuid(),
    session_token               text not null,
    user_id                     uuid,
    lead_id                     uuid references marketing.leads on delete set null,
    status                      onboarding.session_status not null default 'in_progress',
    current_step                onboarding.step not null default 'signup',
    progress_percentage         integer not null default 0,
    signup_completed_at         timestamptz,
    business_info_completed_at  timestamptz,
    whatsapp_setup_completed_at timestamptz,
    bot_setup_completed_at      timestamptz,
    testing_completed_at        timestamptz,
    launch_completed_at         timestamptz,
    started_at                  timestamptz not null default now(),
    last_activity_at            timestamptz not null default now(),
    completed_at                timestamptz,
    abandoned_at                timestamptz,
    metadata                    jsonb not null default '{}',
    created_at                  timestamptz not null default now(),
    updated_at                  timestamptz not null default now(),
    constraint sessions_token_is_taken unique (session_token),
    constraint sessions_token_has_not_12_to_200_characters check (char_length(session_token) between 12 and 200),
    constraint sessions_progress_is_not_0_to_100 check (progress_percentage between 0 and 100),
    constraint sessions_completed_at_belongs_to_completed check ((status = 'completed') = (completed_at is not null)),
    constraint sessions_abandoned_at_belongs_to_abandoned check ((status = 'abandoned') = (abandoned_at is not null)),
    constraint sessions_metadata_is_no_json_object_of_at_most_16000_bytes check (
        pipelines.is_small_object(metadata, 16000)
    )
);
comment on table onboarding.sessions is 'One row a way through the onboarding, which its token opens';
comment on column onboarding.sessions.progress_percentage is
    'Share of the six steps that are completed; a trigger sets it';

create table onboarding.step_activities (
    id               uuid primary key default gen_random_uuid(),
    session_id       uuid not null references onboarding.sessions on delete cascade,
    step             onboarding.step not null,
    kind             onboarding.activity_kind not null,
    duration_seconds integer,
    error            text,
    metadata         jsonb not null default '{}',
    occurred_at      timestamptz not null default now(),
    constraint step_activities_duration_is_negative check (duration_seconds >= 0),
    constraint step_activities_error_has_more_than_2000_characters check (char_length(error) <= 2000),
    constraint step_activities_metadata_is_no_json_object_of_16000_bytes check (
        pipelines.is_small_object(metadata, 16000)
    )
);
comment on table onboarding.step_activities is 'One row a thing that somebody did in a step of the onboarding';

-- Without references to leads: an event that comes back from the archive may be older than what its lead's erasure
-- left.
create table analytics.events (
    id          uuid primary key default gen_random_uuid(),
    type        analytics.event_type not null,
    name        text not null,
    user_id     uuid,
    session_id  text,
    lead_id     uuid,
    properties  jsonb not null default '{}',
    country     text,
    user_agent  text,
    referrer    text,
    page        text,
    created_at  timestamptz not null default now(),
    ingested_at timestamptz not null default now(),
    constraint events_name_is_empty_or_longer_than_200 check (name <> '' and char_length(name) <= 200),
    constraint events_session_id_has_more_than_200_characters check (char_length(session_id) <= 200),
    constraint events_country_is_not_two_capital_letters check (country ~ '^[A-Z]{2}$'),
    constraint events_text_has_more_than_2000_characters check (
        char_length(user_agent) <= 2000 and char_length(referrer) <= 2000 and char_length(page) <= 2000
    ),
    constraint events_properties_are_no_json_object_of_32000_bytes check (
        pipelines.is_small_object(properties, 32000)
    )
);
comment on table analytics.events is 'One row an event of the site or of the application';
comment on column analytics.events.created_at is 'The event''s own moment';
comment on column analytics.events.ingested_at is
    'When it came here. Only rows of now wait to be processed: those that an archive gives back were counted before';
comment on column analytics.events.page is
    'Path of the page, out of properties or the referrer where the event says none';

create table analytics.event_aggregations (
    period       analytics.period not null,
    window_start timestamptz not null,
    type         analytics.event_type not null,
    name         text not null,
    country      text not null default '',
    events       bigint not null default 0,
    sessions     bigint,
    users        bigint,
    updated_at   timestamptz not null default now(),
    primary key (period, window_start, type, name, country),
    constraint event_aggregations_window_starts_within_its_period check (
        window_start = date_trunc(case period when 'hour' then 'hour' else 'day' end, window_start, 'UTC')
    ),
    constraint event_aggregations_count_is_negative check (events >= 0 and sessions >= 0 and users >= 0)
);
comment on table analytics.event_aggregations is 'One row a UTC hour or day, type, name and country of events';
comment on column analytics.event_aggregations.country is 'Empty where the events say none';
comment on column analytics.event_aggregations.sessions is
    'Different sessions; null until the window was made of its events';

create table analytics.metrics (
    metric      text not null,
    day         date not null,
    dimension   text not null default '',
    value       double precision not null,
    numerator   bigint,
    denominator bigint,
    updated_at  timestamptz not null default now(),
    primary key (metric, day, dimension)
);
comment on table analytics.metrics is 'One row a figure of a UTC day, by one dimension, empty for all';
comment on column analytics.metrics.value is 'numerator / denominator, where the figure is a share';

-- True for a list of at least two variants with different keys, positive weights and one control.
create function pipelines.are_variants(variants jsonb) returns boolean
language sql immutable parallel safe
return coalesce(
    jsonb_typeof(variants) = 'array'
    and (
        select
            count(*) >= 2
            and count(distinct variant ->> 'key') = count(*)
            and bool_and(coalesce(variant ->> 'key', '') ~ '^[a-z0-9_-]{1,50}$')
            and bool_and(
                jsonb_typeof(variant -> 'weight') = 'number'
                and (variant ->> 'weight')::numeric > 0
            )
            and count(*) filter (where variant -> 'is_control' = 'true'::jsonb) = 1
        from jsonb_array_elements(
            case when jsonb_typeof(variants) = 'array' then variants else '[]'::jsonb end
        ) as variant
    ),
    false
);

create table experiments.experiments (
    id                uuid primary key default gen_random_uuid(),
    key               text not null,
    name              text not null,
    status            experiments.experiment_status not null default 'draft',
    variants          jsonb not null,
    traffic_share     numeric(6, 5) not null default 1,
    audience          jsonb not null default '{}',
    primary_metric    text not null,
    guardrail_metrics text[] not null default '{}',
    minimum_exposure  integer not null default 100,
    planned_total     bigint not null default 10000,
    alpha             numeric(6, 5) not null default 0.05,
    started_at        timestamptz,
    ended_at          timestamptz,
    created_at        timestamptz not null default now(),
    updated_at        timestamptz not null default now(),
    constraint experiments_key_is_taken unique (key),
    constraint experiments_key_is_not_small_letters_digits_and_dashes check (key ~ '^[a-z0-9][a-z0-9_-]{0,99}$'),
    constraint experiments_name_is_empty_or_longer_than_200 check (name <> '' and char_length(name) <= 200),
    constraint experiments_variants_are_not_two_with_weights_and_one_control check (
        pipelines.are_variants(variants)
    ),
    constraint experiments_traffic_share_is_not_0_to_1 check (traffic_share between 0 and 1),
    constraint experiments_alpha_is_not_between_0_and_1 check (alpha > 0 and alpha < 1),
    constraint experiments_audience_has_more_than_a_list_of_countries check (
        jsonb_typeof(audience) = 'object' and audience - 'countries' = '{}'
        and jsonb_typeof(coalesce(audience -> 'countries', '[]')) = 'array'
    ),
    constraint experiments_planned_total_or_exposure_is_not_positive check (
        planned_total > 0 and minimum_exposure >= 0
    ),
    constraint experiments_ended_before_it_started check (ended_at >= started_at),
    constraint experiments_running_has_no_start check (status = 'draft' or started_at is not null)
);
comment on table experiments.experiments is 'One row a test of variants against a control';
comment on column experiments.experiments.variants is
    '[{"key": …, "weight": …, "is_control": …}]; weights are relative';
comment on column experiments.experiments.audience is '{"countries": ["US", …]}, or {} for everybody';
comment on column experiments.experiments.planned_total is
    'Users after which the test is to be decided: N* of its intervals';

create table experiments.assignments (
    id               uuid primary key default gen_random_uuid(),
    experiment_id    uuid not null references experiments.experiments on delete cascade,
    user_id          uuid,
    session_id       text,
    variant          text not null,
    country          text,
    bucket           integer not null,
    assigned_at      timestamptz not null default now(),
    first_exposed_at timestamptz,
    constraint assignments_user_has_a_variant_already unique (experiment_id, user_id),
    constraint assignments_are_of_nobody check (user_id is not null or session_id is not null),
    constraint assignments_session_id_has_more_than_200_characters check (char_length(session_id) <= 200),
    constraint assignments_country_is_not_two_capital_letters check (country ~ '^[A-Z]{2}$'),
    constraint assignments_bucket_is_not_0_to_9999 check (bucket between 0 and 9999),
    constraint assignments_exposed_before_assigned check (first_exposed_at >= assigned_at)
);
create unique index assignments_session_has_a_variant_already
on experiments.assignments (experiment_id, session_id) where user_id is null;
comment on table experiments.assignments is
    'One row a user, or a session without one, in an experiment: the variant it sees';
comment on column experiments.assignments.bucket is
    '0 to 9999, by a hash of the experiment''s key and the user or session';

create table whatsapp.accounts (
    id                      uuid primary key default gen_random_uuid(),
    user_id                 uuid,
    lead_id                 uuid references marketing.leads on delete set null,
    waba_id                 text not null,
    phone_number_id         text not null,
    display_phone           text,
    business_name           text,
    status                  whatsapp.account_status not null default 'pending',
    quality_rating          whatsapp.quality_rating not null default 'unknown',
    access_token_ciphertext bytea,
    token_expires_at        timestamptz,
    last_synced_at          timestamptz,
    created_at              timestamptz not null default now(),
    updated_at              timestamptz not null default now(),
    constraint accounts_phone_number_is_connected_already unique (phone_number_id),
    constraint accounts_waba_id_is_not_digits check (waba_id ~ '^[0-9]{1,32}$'),
    constraint accounts_phone_number_id_is_not_digits check (phone_number_id ~ '^[0-9]{1,32}$'),
    constraint accounts_display_phone_is_longer_than_50 check (pipelines.is_plain(display_phone, 50)),
    constraint accounts_business_name_is_longer_than_200 check (pipelines.is_plain(business_name, 200))
);
comment on table whatsapp.accounts is 'One row a phone number of a WhatsApp Business Account';
comment on column whatsapp.accounts.access_token_ciphertext is 'Sealed by the application; null where none was given';

create table whatsapp.templates (
    id               uuid primary key default gen_random_uuid(),
    account_id       uuid not null references whatsapp.accounts on delete cascade,
    name             text not null,
    language         text not null default 'en',
    category         whatsapp.template_category not null,
    status           whatsapp.template_status not null default 'draft',
    rejection_reason text,
    components       jsonb not null default '[]',
    submitted_at     timestamptz,
    reviewed_at      timestamptz,
    created_at       timestamptz not null default now(),
    updated_at       timestamptz not null default now(),
    constraint templates_name_is_taken_in_this_language unique (account_id, name, language),
    constraint templates_name_is_not_small_letters_digits_and_underscores check (
        name ~ '^[a-z0-9_]+$' and char_length(name) <= 512
    ),
    constraint templates_language_is_no_code_such_as_en_us check (language ~ '^[a-z]{2,3}(_[A-Z]{2})?$'),
    constraint templates_reason_belongs_to_rejected check (rejection_reason is null or status = 'rejected'),
    constraint templates_components_are_no_json_list_of_64000_bytes check (
        jsonb_typeof(components) = 'array' and octet_length(components::text) <= 64000
    )
);
comment on table whatsapp.templates is 'One row a message template of an account, in one language';

-- Its rows are taken out as their events are processed. An event that is deleted before leaves a row that means
-- nothing.
create table pipelines.pending_events (
    event_id    uuid primary key,
    occurred_at timestamptz not null
);
comment on table pipelines.pending_events is 'One row an event that is not in the aggregations yet';

create table pipelines.stale_windows (
    kind         text not null,
    window_start timestamptz not null,
    primary key (kind, window_start),
    constraint stale_windows_kind_is_not_hour_day_or_metrics check (kind in ('hour', 'day', 'metrics'))
);
comment on table pipelines.stale_windows is
    'One row a window that events came to since it was made: aggregations of an hour or day, metrics of a day';

create table pipelines.rate_limits (
    minute timestamptz not null,
    client bytea not null,
    n      integer not null,
    primary key (minute, client)
);
comment on table pipelines.rate_limits is
    'One row a minute and client: what it inserted. A client is a salted hash of its address';

create table pipelines.settings (
    is_only_row                  boolean primary key default true,
    rate_limit_header            text not null default 'x-forwarded-for',
    rate_limit_position          integer not null default -1,
    rate_limit_client_per_minute integer not null default 20,
    rate_limit_email_per_hour    integer not null default 5,
    rate_limit_salt              text,
    constraint settings_are_more_than_one_row check (is_only_row),
    constraint settings_header_has_capitals_and_would_not_be_found check (rate_limit_header = lower(rate_limit_header)),
    constraint settings_position_is_0_and_not_from_1_or_minus_1 check (rate_limit_position <> 0),
    constraint settings_limit_is_below_1 check (
        rate_limit_client_per_minute >= 1 and rate_limit_email_per_hour >= 1
    )
);
comment on table pipelines.settings is 'One row: the settings of this database';
comment on column pipelines.settings.rate_limit_header is 'The header of a request that says who asks';
comment on column pipelines.settings.rate_limit_position is
    'Which of the header''s elements the nearest proxy has set; -1 is the last one';
comment on column pipelines.settings.rate_limit_salt is 'Made when it is first needed, and never shown';
insert into pipelines.settings default values;
