-- What the database does by itself: one lead a person, progress of onboardings, events made whole and queued; and what
-- is called from outside. One row of a result is what the function's comment says.
--
-- Functions of triggers have their owner's rights, because a request has none on what they change.

-- What finds companies of one name: small letters, no signs, no legal form at the end. Null where nothing is left.
create function pipelines.company_key(company_name text) returns text
language sql immutable parallel safe
return nullif(
    regexp_replace(
        btrim(regexp_replace(lower(company_name), '[\s.,;:''"()/&+_-]+', ' ', 'g')),
        '( (inc|incorporated|llc|ltd|ltda|limited|gmbh|ag|sa|sas|srl|bv|oy|ab|plc|corp|corporation|co|company))+$', ''
    ),
    ''
);

-- Null for what is empty without the space around it; runs of space within become one.
create function pipelines.squeezed(value text) returns text
language sql immutable parallel safe
return nullif(btrim(regexp_replace(value, '\s+', ' ', 'g')), '');

create function pipelines.normalised(lead marketing.leads) returns marketing.leads
language plpgsql immutable as $$
begin
    lead.email := regexp_replace(lead.email, '^\s+|\s+$', '', 'g');
    lead.email_key := pipelines.email_key(lead.email);
    lead.phone := pipelines.squeezed(lead.phone);
    lead.name := pipelines.squeezed(lead.name);
    lead.company_name := pipelines.squeezed(lead.company_name);
    lead.company_key := pipelines.company_key(lead.company_name);
    lead.country := upper(pipelines.squeezed(lead.country));
    lead.source := coalesce(pipelines.squeezed(lead.source), 'unknown');
    lead.first_source := coalesce(lead.first_source, lead.source);
    return lead;
end
$$;

create function pipelines.change_lead() returns trigger
language plpgsql security definer set search_path = '' as $$
begin
    new := pipelines.normalised(new);
    new.first_source := old.first_source;
    if (new.phone, new.country) is distinct from (old.phone, old.country) then
        new.phone_read_at := null;
        new.phone_e164 := null;
        new.phone_extension := null;
    end if;
    return new;
end
$$;

-- A lead that is known is updated in place of a second one: counted, its newest source and moment kept, what was empty
-- filled in. No row is inserted then.
--
-- One address at a time: a transaction waits for the lock of its first address only. It would wait for ever for a
-- second one if another transaction came to the same two in the other order, so that it is asked to try again instead.
--
-- It counts the request too: a trigger and a look at the settings of its own would cost as much as the count.
create function pipelines.capture_lead() returns trigger
language plpgsql security definer set search_path = '' as $$
declare
    limited boolean := current_setting('role') in ('anon', 'authenticated');
    held    integer := coalesce(nullif(current_setting('pipelines.leads_held', true), '')::integer, 0);
    address bigint;
    known   record;
begin
    new := pipelines.normalised(new);
    address := hashtextextended(new.email_key, 0);
    if held >= 5000 then
        raise program_limit_exceeded using
            message = 'more than 5,000 leads in one transaction', hint = 'commit in between';
    elsif held = 0 then
        perform pg_advisory_xact_lock(address);
    elsif not pg_try_advisory_xact_lock(address) then
        raise sqlstate 'PT429' using
            message = 'another request is leaving the same address', hint = 'try again in a moment';
    end if;
    perform set_config('pipelines.leads_held', (held + 1)::text, true);

    select settings, lead.id, lead.capture_window_count as count, lead.capture_window_at as since into known
    from pipelines.settings
    left join marketing.leads as lead on lead.email_key = new.email_key;
    if limited then
        perform pipelines.count_request(known.settings);
    end if;
    if known.id is null then
        return new;
    end if;
    if known.since <= now() - interval '1 hour' then
        known.since := now();
        known.count := 0;
    elsif limited and known.count >= (known.settings).rate_limit_email_per_hour then
        raise sqlstate 'PT429' using
            message = 'too many requests for this address in an hour', hint = 'try again in an hour';
    end if;
    update marketing.leads as lead
    set
        capture_count = lead.capture_count + 1,
        last_captured_at = now(),
        capture_window_at = known.since,
        capture_window_count = known.count + 1,
        source = new.source,
        phone = coalesce(lead.phone, new.phone),
        name = coalesce(lead.name, new.name),
        company_name = coalesce(lead.company_name, new.company_name),
        country = coalesce(lead.country, new.country),
        utm = new.utm || lead.utm,
        metadata = new.metadata || lead.metadata,
        consent = lead.consent or new.consent
    where lead.id = known.id;
    return null;
end
$$;

create function pipelines.touch() returns trigger
language plpgsql set search_path = '' as $$
begin
    new.updated_at := now();
    return new;
end
$$;

drop trigger a_limit_client on marketing.leads;
create trigger b_capture before insert on marketing.leads
for each row execute function pipelines.capture_lead();
create trigger b_change before update on marketing.leads
for each row execute function pipelines.change_lead();
create trigger d_touch before update on marketing.leads
for each row when (old.* is distinct from new.*) execute function pipelines.touch();
create trigger d_touch before update on experiments.experiments
for each row when (old.* is distinct from new.*) execute function pipelines.touch();
create trigger d_touch before update on whatsapp.accounts
for each row when (old.* is distinct from new.*) execute function pipelines.touch();
create trigger d_touch before update on whatsapp.templates
for each row when (old.* is distinct from new.*) execute function pipelines.touch();

-- Progress is the share of steps that are completed. A step that is completed while it is the current one makes the
-- next open one current; the last one ends the session. Whoever goes on with an abandoned session takes it up again.
create function pipelines.advance_onboarding() returns trigger
language plpgsql security definer set search_path = '' as $$
declare
    steps     onboarding.step[] := enum_range(null::onboarding.step);
    completed timestamptz[] := array[
        new.signup_completed_at, new.business_info_completed_at, new.whatsapp_setup_completed_at,
        new.bot_setup_completed_at, new.testing_completed_at, new.launch_completed_at
    ];
    done      integer := cardinality(array_remove(completed, null));
    place     integer := array_position(steps, new.current_step);
    moved     boolean := false;
begin
    if tg_op = 'UPDATE' then
        moved := (
            new.current_step, new.signup_completed_at, new.business_info_completed_at, new.whatsapp_setup_completed_at,
            new.bot_setup_completed_at, new.testing_completed_at, new.launch_completed_at, new.metadata
        ) is distinct from (
            old.current_step, old.signup_completed_at, old.business_info_completed_at, old.whatsapp_setup_completed_at,
            old.bot_setup_completed_at, old.testing_completed_at, old.launch_completed_at, old.metadata
        );
    end if;
    new.progress_percentage := round(100.0 * done / cardinality(steps));
    while place < cardinality(steps) and completed[place] is not null loop
        place := place + 1;
    end loop;
    new.current_step := steps[place];

    if moved and new.last_activity_at = old.last_activity_at then
        new.last_activity_at := greatest(now(), old.last_activity_at);
    end if;
    if done = cardinality(steps) then
        new.status := 'completed';
    elsif moved and old.status = 'abandoned' and new.status = 'abandoned' then
        new.status := 'in_progress';
    end if;
    new.completed_at := case
        when new.status = 'completed' then coalesce(
            new.completed_at,
            case when done = cardinality(steps) then (select max(at) from unnest(completed) as at) end,
            now()
        )
    end;
    new.abandoned_at := case when new.status = 'abandoned' then coalesce(new.abandoned_at, now()) end;
    if tg_op = 'UPDATE' and new is distinct from old then
        new.updated_at := now();
    end if;
    return new;
end
$$;

create trigger b_advance before insert or update on onboarding.sessions
for each row execute function pipelines.advance_onboarding();

-- What happened in a step moves its session: not back, where something later is known already.
create function pipelines.follow_activity() returns trigger
language plpgsql security definer set search_path = '' as $$
begin
    update onboarding.sessions as session
    set
        current_step = case
            when new.kind = 'entered' and new.occurred_at >= session.last_activity_at then new.step
            when new.kind = 'skipped' and session.current_step = new.step then coalesce(
                (enum_range(new.step, null))[2], new.step
            )
            else session.current_step
        end,
        signup_completed_at = case
            when new.kind = 'completed' and new.step = 'signup'
                then coalesce(session.signup_completed_at, new.occurred_at)
            else session.signup_completed_at
        end,
        business_info_completed_at = case
            when new.kind = 'completed' and new.step = 'business_info'
                then coalesce(session.business_info_completed_at, new.occurred_at)
            else session.business_info_completed_at
        end,
        whatsapp_setup_completed_at = case
            when new.kind = 'completed' and new.step = 'whatsapp_setup'
                then coalesce(session.whatsapp_setup_completed_at, new.occurred_at)
            else session.whatsapp_setup_completed_at
        end,
        bot_setup_completed_at = case
            when new.kind = 'completed' and new.step = 'bot_setup'
                then coalesce(session.bot_setup_completed_at, new.occurred_at)
            else session.bot_setup_completed_at
        end,
        testing_completed_at = case
            when new.kind = 'completed' and new.step = 'testing'
                then coalesce(session.testing_completed_at, new.occurred_at)
            else session.testing_completed_at
        end,
        launch_completed_at = case
            when new.kind = 'completed' and new.step = 'launch'
                then coalesce(session.launch_completed_at, new.occurred_at)
            else session.launch_completed_at
        end,
        last_activity_at = greatest(session.last_activity_at, new.occurred_at)
    where session.id = new.session_id;
    return null;
end
$$;

create trigger follow_activity after insert on onboarding.step_activities
for each row execute function pipelines.follow_activity();

-- Fills what an event says only in its properties or its referrer, and nothing that it says itself.
create function pipelines.enrich_event() returns trigger
language plpgsql security definer set search_path = '' as $$
declare
    stated jsonb := case when jsonb_typeof(new.properties) = 'object' then new.properties else '{}' end;
begin
    new.name := btrim(new.name);
    new.country := upper(coalesce(
        new.country, case when stated ->> 'country' ~* '^[a-z]{2}$' then stated ->> 'country' end
    ));
    new.referrer := coalesce(new.referrer, left(stated ->> 'referrer', 2000));
    new.user_agent := coalesce(new.user_agent, left(stated ->> 'user_agent', 2000));
    -- Without its query, which may name a person.
    new.page := coalesce(
        new.page,
        left(split_part(split_part(stated ->> 'page', '?', 1), '#', 1), 2000),
        left((regexp_match(new.referrer, '^https?://[^/?#]+(/[^?#]*)'))[1], 2000)
    );
    return new;
end
$$;

create trigger b_enrich before insert on analytics.events
for each row execute function pipelines.enrich_event();

create function pipelines.queue_events() returns trigger
language plpgsql security definer set search_path = '' as $$
begin
    insert into pipelines.pending_events (event_id, occurred_at)
    select id, created_at from added where ingested_at >= now()
    on conflict (event_id) do nothing;
    return null;
end
$$;

create trigger queue_events after insert on analytics.events
referencing new table as added for each statement execute function pipelines.queue_events();

-- Which of 10,000 buckets a user or session falls in. Of MD5, because its value is the same on every version and in
-- every language.
create function pipelines.bucket(key text, unit text) returns integer
language sql immutable parallel safe
return ((('x' || substr(md5(key || ':' || unit), 1, 8))::bit(32)::bigint * 10000) >> 32)::integer;

-- The variant of a bucket: variants share the buckets by their weights, in their order.
create function pipelines.variant_of(variants jsonb, bucket integer) returns text
language sql immutable parallel safe
return (
    select share.key
    from (
        select
            variant ->> 'key' as key,
            sum((variant ->> 'weight')::numeric) over (order by place) as until,
            sum((variant ->> 'weight')::numeric) over () as whole
        from jsonb_array_elements(variants) with ordinality as listed (variant, place)
    ) as share
    where bucket * share.whole < share.until * 10000
    order by share.until
    limit 1
);

-- The variant of every running experiment that is for this user, or for a session without one; it is assigned at the
-- first call and stays. A session's variant goes on with the user who signs in. Who is admitted is decided by another
-- hash than who sees what, so that a greater share of the traffic moves nobody.
create function public.auto_assign_experiments(user_id uuid, session_id text, country text default null)
returns table (experiment_key text, variant text)
language plpgsql security definer set search_path = '' as $$
#variable_conflict use_column
declare
    person  uuid := auto_assign_experiments.user_id;
    visit   text := nullif(auto_assign_experiments.session_id, '');
    place   text := upper(nullif(auto_assign_experiments.country, ''));
begin
    if person is null and visit is null then
        raise invalid_parameter_value using message = 'neither user_id nor session_id', hint = 'give one of them';
    end if;
    if current_setting('role') in ('anon', 'authenticated') and person is distinct from pipelines.user_id() then
        raise insufficient_privilege using message = 'the variants of somebody else';
    end if;
    -- Of two calls for one user, or one session, the second sees what the first has assigned.
    perform pg_advisory_xact_lock(hashtextextended(coalesce(person::text, visit), 1));
    -- What the session has goes to its user, unless they have a variant already.
    if person is not null and visit is not null then
        update experiments.assignments as mine set user_id = person
        where mine.session_id = visit and mine.user_id is null
            and not exists (
                select from experiments.assignments as theirs
                where theirs.experiment_id = mine.experiment_id and theirs.user_id = person
            );
    end if;
    insert into experiments.assignments (experiment_id, user_id, session_id, variant, country, bucket)
    select
        test.id, person, visit, pipelines.variant_of(test.variants, hashed.bucket), place, hashed.bucket
    from experiments.experiments as test
    cross join lateral (select pipelines.bucket(test.key, coalesce(person::text, visit)) as bucket) as hashed
    where
        test.status = 'running'
        and pipelines.bucket(test.key || ':traffic', coalesce(person::text, visit)) < test.traffic_share * 10000
        and (
            jsonb_array_length(coalesce(test.audience -> 'countries', '[]')) = 0
            or test.audience -> 'countries' ? place
        )
        and not exists (
            select from experiments.assignments as known
            where known.experiment_id = test.id
                and (known.user_id = person or (person is null and known.session_id = visit))
        )
    on conflict do nothing;
    return query
    select distinct on (test.key) test.key, known.variant
    from experiments.assignments as known
    inner join experiments.experiments as test on test.id = known.experiment_id and test.status = 'running'
    where known.user_id = person or (person is null and known.session_id = visit)
    order by test.key, known.assigned_at;
end
$$;
comment on function public.auto_assign_experiments is 'One row a running experiment that this user or session is in';

-- Takes a batch of pending events into the counts of their hours and days, and marks their windows as stale. Two at
-- once take different events. The lock comes first: who makes windows again keeps batches out, and none has read
-- before.
create function public.process_pending_events(batch integer default 2000)
returns table (events bigint, windows bigint)
language plpgsql security definer set search_path = '' as $$
#variable_conflict use_column
begin
    lock table pipelines.stale_windows in row exclusive mode;
    return query
    with taken as (
        delete from pipelines.pending_events
        where event_id = any(array(
            select event_id from pipelines.pending_events limit batch for update skip locked
        ))
        returning event_id
    ),
    found as materialized (
        select event.type, event.name, coalesce(event.country, '') as country, event.created_at
        from taken
        inner join analytics.events as event on event.id = taken.event_id
    ),
    counted as (
        insert into analytics.event_aggregations as known (period, window_start, type, name, country, events)
        select period, window_start, type, name, country, count(*)
        from found
        cross join lateral (
            values
            ('hour'::analytics.period, date_trunc('hour', created_at, 'UTC')),
            ('day'::analytics.period, date_trunc('day', created_at, 'UTC'))
        ) as place (period, window_start)
        group by 1, 2, 3, 4, 5
        order by 1, 2, 3, 4, 5
        on conflict (period, window_start, type, name, country) do update
        set events = known.events + excluded.events, updated_at = now()
        returning 1
    ),
    marked as (
        insert into pipelines.stale_windows (kind, window_start)
        select distinct kind, window_start
        from found
        cross join lateral (
            values
            ('hour', date_trunc('hour', created_at, 'UTC')),
            ('day', date_trunc('day', created_at, 'UTC')),
            ('metrics', date_trunc('day', created_at, 'UTC'))
        ) as place (kind, window_start)
        order by 1, 2
        on conflict (kind, window_start) do nothing
        returning 1
    )
    select (select count(*) from taken), (select count(*) from marked);
end
$$;
comment on function public.process_pending_events is
    'One row: the events that it took, and the windows that it marked. Call it until it takes none';

-- An abandoned session says from when on it was, so that it does not matter when this ran.
create function public.abandon_inactive_sessions(
    inactive interval default interval '2 hours', as_of timestamptz default now(), batch integer default 5000
) returns bigint
language sql volatile security definer set search_path = '' as $$
    with ended as (
        update onboarding.sessions as session
        set status = 'abandoned', abandoned_at = session.last_activity_at + inactive
        where session.id = any(array(
            select id from onboarding.sessions
            where status = 'in_progress' and last_activity_at <= as_of - inactive
            order by last_activity_at
            limit batch
            for update skip locked
        ))
        returning 1
    )
    select count(*) from ended
$$;
comment on function public.abandon_inactive_sessions is
    'How many sessions it ended. Call it until it ends none';

-- Deletes what is older than so many days and needs no archive, a batch of each table. Events are none of it: they go
-- when an archive holds them. How long what is kept is decided by who calls it, in whole days (UTC). Hours that are to
-- be made again stay.
create function public.cleanup_old_data(
    days integer default 90, as_of timestamptz default now(), batch integer default 5000
) returns table (relation text, deleted bigint)
language plpgsql security definer set search_path = '' as $$
#variable_conflict use_column
declare
    today  timestamptz := date_trunc('day', as_of, 'UTC');
    before timestamptz := today - make_interval(days => cleanup_old_data.days);
begin
    if days < 1 or batch < 1 then
        raise invalid_parameter_value using message = 'days and batch are at least 1';
    end if;
    delete from onboarding.step_activities where id = any(array(
        select id from onboarding.step_activities where occurred_at < before
        order by occurred_at limit batch for update skip locked
    ));
    get diagnostics deleted = row_count;
    relation := 'onboarding.step_activities';
    return next;
    delete from onboarding.sessions where id = any(array(
        select id from onboarding.sessions where abandoned_at < before
        order by abandoned_at limit batch for update skip locked
    ));
    get diagnostics deleted = row_count;
    relation := 'onboarding.sessions';
    return next;
    delete from analytics.event_aggregations where ctid = any(array(
        select ctid from analytics.event_aggregations as stored
        where period = 'hour' and window_start < before and not exists (
            select from pipelines.stale_windows as stale
            where stale.kind = 'hour' and stale.window_start = stored.window_start
        )
        order by window_start limit batch for update of stored skip locked
    ));
    get diagnostics deleted = row_count;
    relation := 'analytics.event_aggregations';
    return next;
    delete from pipelines.rate_limits where ctid = any(array(
        select ctid from pipelines.rate_limits where minute < today - interval '1 day'
        order by minute limit batch for update skip locked
    ));
    get diagnostics deleted = row_count;
    relation := 'pipelines.rate_limits';
    return next;
end
$$;
comment on function public.cleanup_old_data is
    'One row a table: how many rows of it went. Call it until none goes';

-- Deletes a batch of all that is of one person, whom user_id or an address names, or both. The lead goes last, because
-- its row leads to the others. What an event or assignment of theirs says of a session is theirs too.
create function public.gdpr_delete_user_data(
    user_id uuid default null, email text default null, batch integer default 5000
) returns table (relation text, deleted bigint)
language plpgsql security definer set search_path = '' as $$
#variable_conflict use_column
declare
    person   uuid := gdpr_delete_user_data.user_id;
    lead_ids uuid[] := array(
        select id from marketing.leads where email_key = pipelines.email_key(gdpr_delete_user_data.email)
        union
        select lead_id from onboarding.sessions where sessions.user_id = person and lead_id is not null
        union
        select lead_id from whatsapp.accounts where accounts.user_id = person and lead_id is not null
    );
    visits   text[];
    going    uuid[];
begin
    if person is null and gdpr_delete_user_data.email is null then
        raise invalid_parameter_value using message = 'neither user_id nor email', hint = 'give one of them, or both';
    end if;
    visits := array(
        select session_id from analytics.events
        where (events.user_id = person or lead_id = any(lead_ids)) and session_id is not null
        union
        select session_id from experiments.assignments where assignments.user_id = person and session_id is not null
    );

    -- Those that only a session leads to go first, and nothing else goes before all events: they lead to each other.
    going := array(
        select id from analytics.events
        where events.user_id = person or lead_id = any(lead_ids)
            or (session_id = any(visits) and (events.user_id is null or events.user_id = person))
        order by events.user_id is not distinct from person or coalesce(lead_id = any(lead_ids), false)
        limit batch
    );
    delete from pipelines.pending_events where event_id = any(going);
    delete from analytics.events where id = any(going);
    get diagnostics deleted = row_count;
    relation := 'analytics.events';
    return next;
    if deleted = batch then
        return;
    end if;

    delete from experiments.assignments
    where assignments.user_id = person
        or (session_id = any(visits) and (assignments.user_id is null or assignments.user_id = person));
    get diagnostics deleted = row_count;
    relation := 'experiments.assignments';
    return next;
    delete from whatsapp.accounts where accounts.user_id = person or lead_id = any(lead_ids);
    get diagnostics deleted = row_count;
    relation := 'whatsapp.accounts';
    return next;
    delete from onboarding.sessions where sessions.user_id = person or lead_id = any(lead_ids);
    get diagnostics deleted = row_count;
    relation := 'onboarding.sessions';
    return next;
    delete from marketing.leads where id = any(lead_ids);
    get diagnostics deleted = row_count;
    relation := 'marketing.leads';
    return next;
end
$$;
comment on function public.gdpr_delete_user_data is
    'One row a table: how many rows of the person went. Call it until none goes';

create view public.index_usage_stats with (security_invoker = true) as
select
    used.schemaname,
    used.relname as tablename,
    used.indexrelname as indexname,
    used.idx_scan,
    used.idx_tup_read,
    used.idx_tup_fetch,
    pg_relation_size(used.indexrelid) as bytes,
    index.indisunique as is_unique
from pg_stat_user_indexes as used
inner join pg_index as index on index.indexrelid = used.indexrelid
where used.schemaname in ('marketing', 'onboarding', 'analytics', 'experiments', 'whatsapp', 'pipelines');
comment on view public.index_usage_stats is 'One row an index: how often it was used since statistics were reset';

-- A project of Supabase grants the schema public to the API's roles by default.
revoke all on public.index_usage_stats from public, anon, authenticated;
grant select on public.index_usage_stats to service_role;
revoke execute on function
    public.auto_assign_experiments, public.process_pending_events, public.abandon_inactive_sessions,
    public.cleanup_old_data, public.gdpr_delete_user_data
from public, anon, authenticated;
grant execute on function public.auto_assign_experiments to authenticated, service_role;
grant execute on function
    public.process_pending_events, public.abandon_inactive_sessions, public.cleanup_old_data,
    public.gdpr_delete_user_data
to service_role;
revoke execute on function
    pipelines.change_lead, pipelines.capture_lead, pipelines.advance_onboarding, pipelines.follow_activity,
    pipelines.enrich_event, pipelines.queue_events, pipelines.touch
from public;
