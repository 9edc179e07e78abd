-- Who may do what: a policy names the roles that it is for, and one row is visible where a policy of its table says so.
--
-- anon leaves leads and goes through an onboarding by its token. authenticated sees what is its own. An admin is an
-- authenticated user whose token says so in app_metadata, which users cannot write. service_role passes everywhere, by
-- a policy, because a server may have made it without BYPASSRLS. A token of onboarding is worth as much as it is
-- secret.

-- The claims of the request, which PostgREST has verified; {} where there is no request. After a transaction that had
-- some, the setting is '' and not null.
create function pipelines.claims() returns jsonb
language sql stable
return coalesce(nullif(current_setting('request.jwt.claims', true), '')::jsonb, '{}');

create function pipelines.user_id() returns uuid
language sql stable
return (
    select case
        when claims ->> 'sub' ~* '^[0-9a-f]{8}(-[0-9a-f]{4}){3}-[0-9a-f]{12}$' then (claims ->> 'sub')::uuid
    end
    from pipelines.claims() as claims
);

-- app.user_email stands in for claims only where there are none: a request always has some, and only a login that is a
-- member of the role can work as it without one.
create function pipelines.user_email() returns text
language sql stable
return (
    select case
        when claims = '{}' then nullif(current_setting('app.user_email', true), '')
        else claims ->> 'email'
    end
    from pipelines.claims() as claims
);

create function pipelines.is_admin() returns boolean
language sql stable
return coalesce(pipelines.claims() #>> '{app_metadata,role}' = 'admin', false);

-- Of the session's setting, else of the request's header x-session-token.
create function pipelines.session_token() returns text
language sql stable
return coalesce(
    nullif(current_setting('app.session_token', true), ''),
    nullif(current_setting('request.headers', true), '')::jsonb ->> 'x-session-token'
);

-- What makes two addresses one. Dots stay, because only some providers ignore them; a plus at the start is the name.
create function pipelines.email_key(email text) returns text
language sql immutable parallel safe
return regexp_replace(lower(regexp_replace(email, '^\s+|\s+$', '', 'g')), '^([^+@]+)\+[^@]*@', '\1@');

-- Counts a row against its client, or refuses it. Requests without an address share one count. The count belongs to the
-- transaction: what fails is not counted. The salt is made at its first use, so that nobody finds an address by trying.
-- Triggers call it, with their owner's rights.
create function pipelines.count_request(settings pipelines.settings) returns void
language plpgsql as $$
declare
    place   integer := settings.rate_limit_position;
    places  text[] := string_to_array(
        nullif(current_setting('request.headers', true), '')::json ->> settings.rate_limit_header, ','
    );
    counted integer;
begin
    if settings.rate_limit_salt is null then
        update pipelines.settings
        set rate_limit_salt = coalesce(rate_limit_salt, gen_random_uuid()::text || gen_random_uuid()::text)
        returning rate_limit_salt into settings.rate_limit_salt;
    end if;
    insert into pipelines.rate_limits as known (minute, client, n)
    values (
        date_trunc('minute', now()),
        sha256(convert_to(
            settings.rate_limit_salt || coalesce(
                btrim(places[case when place < 0 then cardinality(places) + 1 else 0 end + place]), ''
            ),
            'UTF8'
        )),
        1
    )
    on conflict (minute, client) do update set n = known.n + 1
    where known.n < settings.rate_limit_client_per_minute
    returning n into counted;
    if counted is null then
        raise sqlstate 'PT429' using
            message = 'too many requests of this client in a minute', hint = 'try again in a minute';
    end if;
end
$$;

create function pipelines.limit_client() returns trigger
language plpgsql security definer set search_path = '' as $$
begin
    perform pipelines.count_request(settings) from pipelines.settings;
    return new;
end
$$;

-- Before other triggers, which fire in the order of their names. Whoever works without the role of a request is
-- trusted.
create trigger a_limit_client before insert on marketing.leads
for each row when (current_setting('role') in ('anon', 'authenticated'))
execute function pipelines.limit_client();
create trigger a_limit_client before insert on onboarding.sessions
for each row when (current_setting('role') in ('anon', 'authenticated'))
execute function pipelines.limit_client();
create trigger a_limit_client before insert on onboarding.step_activities
for each row when (current_setting('role') in ('anon', 'authenticated'))
execute function pipelines.limit_client();

do $$
declare
    held record;
begin
    for held in
        select schemaname, tablename from pg_tables
        where schemaname in ('marketing', 'onboarding', 'analytics', 'experiments', 'whatsapp')
        or (schemaname = 'pipelines' and tablename <> 'migrations')
    loop
        execute format('alter table %I.%I enable row level security', held.schemaname, held.tablename);
        execute format(
            'create policy of_service on %I.%I to service_role using (true) with check (true)',
            held.schemaname, held.tablename
        );
        execute format(
            'grant select, insert, update, delete on %I.%I to service_role', held.schemaname, held.tablename
        );
    end loop;
end
$$;

-- Leads: everybody may leave one, as a form does, and sees their own once they are signed in.
create policy captured on marketing.leads for insert to anon, authenticated with check (
    status = 'new' and capture_count = 1 and capture_window_count = 1
    and phone_e164 is null and phone_extension is null and phone_read_at is null
    and first_source = source and created_at = now() and updated_at = now() and last_captured_at = now()
    and capture_window_at = now()
);
create policy own on marketing.leads for select to authenticated
using (email_key = (select pipelines.email_key(pipelines.user_email())));
create policy of_admin on marketing.leads to authenticated
using ((select pipelines.is_admin())) with check ((select pipelines.is_admin()));
create policy of_admin on marketing.lead_interactions to authenticated
using ((select pipelines.is_admin())) with check ((select pipelines.is_admin()));

-- Onboarding: whoever has the session's token, and the user whose it is. Nobody gives a session to somebody else.
create policy by_token on onboarding.sessions for select to anon, authenticated
using (session_token = (select pipelines.session_token()));
create policy by_token_change on onboarding.sessions for update to anon, authenticated
using (session_token = (select pipelines.session_token()))
with check (
    session_token = (select pipelines.session_token())
    and (user_id is null or user_id = (select pipelines.user_id()))
);
create policy by_token_begin on onboarding.sessions for insert to anon, authenticated
with check (
    session_token = (select pipelines.session_token())
    and (user_id is null or user_id = (select pipelines.user_id()))
    and lead_id is null and status = 'in_progress'
);
create policy own on onboarding.sessions for select to authenticated using (user_id = (select pipelines.user_id()));
create policy own_change on onboarding.sessions for update to authenticated
using (user_id = (select pipelines.user_id())) with check (user_id = (select pipelines.user_id()));
create policy of_admin on onboarding.sessions to authenticated
using ((select pipelines.is_admin())) with check ((select pipelines.is_admin()));

-- The session below is looked up under the policies above.
create policy of_session on onboarding.step_activities for select to anon, authenticated
using (session_id in (select id from onboarding.sessions));
create policy of_session_add on onboarding.step_activities for insert to anon, authenticated
with check (session_id in (select id from onboarding.sessions));
create policy of_admin on onboarding.step_activities to authenticated
using ((select pipelines.is_admin())) with check ((select pipelines.is_admin()));

-- Analytics: read by admins, written by the service alone.
create policy of_admin on analytics.events for select to authenticated using ((select pipelines.is_admin()));
create policy of_admin on analytics.event_aggregations for select to authenticated
using ((select pipelines.is_admin()));
create policy of_admin on analytics.metrics for select to authenticated using ((select pipelines.is_admin()));

-- Experiments: set up by admins; users see which variant they have. Assignments are made by a function.
create policy of_admin on experiments.experiments to authenticated
using ((select pipelines.is_admin())) with check ((select pipelines.is_admin()));
create policy own on experiments.assignments for select to authenticated
using (user_id = (select pipelines.user_id()));
create policy of_admin on experiments.assignments for select to authenticated using ((select pipelines.is_admin()));

-- WhatsApp: the customer's own accounts and templates.
create policy own on whatsapp.accounts for select to authenticated using (user_id = (select pipelines.user_id()));
create policy own_add on whatsapp.accounts for insert to authenticated
with check (user_id = (select pipelines.user_id()) and lead_id is null and status = 'pending');
create policy own_change on whatsapp.accounts for update to authenticated
using (user_id = (select pipelines.user_id())) with check (user_id = (select pipelines.user_id()));
create policy of_admin on whatsapp.accounts to authenticated
using ((select pipelines.is_admin())) with check ((select pipelines.is_admin()));
create policy own on whatsapp.templates to authenticated
using (account_id in (select id from whatsapp.accounts where user_id = (select pipelines.user_id())))
with check (account_id in (select id from whatsapp.accounts where user_id = (select pipelines.user_id())));
create policy of_admin on whatsapp.templates to authenticated
using ((select pipelines.is_admin())) with check ((select pipelines.is_admin()));

grant usage on schema marketing, onboarding, analytics, experiments, whatsapp to authenticated, service_role;
grant usage on schema marketing, onboarding to anon;
grant usage on schema pipelines to anon, authenticated, service_role;

grant insert (email, phone, company_name, name, country, source, utm, metadata, consent) on marketing.leads to anon;
grant select, insert, update, delete on marketing.leads, marketing.lead_interactions to authenticated;
grant select on onboarding.sessions, onboarding.step_activities to anon;
grant insert (session_token, current_step, metadata), update (
    current_step, signup_completed_at, business_info_completed_at, whatsapp_setup_completed_at, bot_setup_completed_at,
    testing_completed_at, launch_completed_at, metadata
) on onboarding.sessions to anon;
grant insert (session_id, step, kind, duration_seconds, error, metadata) on onboarding.step_activities to anon;
grant select, insert, update, delete on onboarding.sessions, onboarding.step_activities to authenticated;
grant select on analytics.events, analytics.event_aggregations, analytics.metrics to authenticated;
grant select, insert, update, delete on experiments.experiments to authenticated;
grant select on experiments.assignments to authenticated;
grant insert, update, delete on whatsapp.accounts to authenticated;
-- Not the sealed token: who reads it is the service alone.
grant select (
    id, user_id, lead_id, waba_id, phone_number_id, display_phone, business_name, status, quality_rating,
    token_expires_at, last_synced_at, created_at, updated_at
) on whatsapp.accounts to authenticated;
grant select, insert, update, delete on whatsapp.templates to authenticated;

revoke execute on function pipelines.count_request, pipelines.limit_client from public;
