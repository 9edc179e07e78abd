drop trigger a_limit_client on onboarding.step_activities;
drop trigger a_limit_client on onboarding.sessions;
drop trigger a_limit_client on marketing.leads;

do $$
declare
    held record;
begin
    for held in
        select schemaname, tablename, policyname from pg_policies
        where schemaname in ('marketing', 'onboarding', 'analytics', 'experiments', 'whatsapp')
        or (schemaname = 'pipelines' and tablename <> 'migrations')
    loop
        execute format('drop policy %I on %I.%I', held.policyname, held.schemaname, held.tablename);
        execute format('alter table %I.%I disable row level security', held.schemaname, held.tablename);
        execute format(
            'revoke all on %I.%I from anon, authenticated, service_role', held.schemaname, held.tablename
        );
    end loop;
end
$$;
revoke usage on schema marketing, onboarding, analytics, experiments, whatsapp, pipelines
from anon, authenticated, service_role;

drop function pipelines.limit_client();
drop function pipelines.count_request;
drop function pipelines.email_key(text);
drop function pipelines.session_token();
drop function pipelines.is_admin();
drop function pipelines.user_email();
drop function pipelines.user_id();
drop function pipelines.claims();
