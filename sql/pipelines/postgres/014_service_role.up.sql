-- What the pipelines work with as service_role, the role of Supabase that passes row-level security, while their login
-- makes and owns it: every schema, all that is in it, and all that the login makes there later.
-- The lake's catalog makes its own tables, in a schema that is here because the role may not make one.
create schema if not exists lake;

do $$
declare
    target text;
begin
    foreach target in array array[
        'ingest', 'rollups', 'sessions', 'cache', 'ads', 'attribution', 'archive', 'restored', 'media', 'retention', 'lake'
    ] loop
        execute format('revoke all on schema %I from public', target);
        execute format('grant usage on schema %I to service_role', target);
        execute format('grant all on all tables in schema %I to service_role', target);
        execute format('grant all on all sequences in schema %I to service_role', target);
        execute format('grant execute on all functions in schema %I to service_role', target);
        execute format('alter default privileges in schema %I grant all on tables to service_role', target);
        execute format('alter default privileges in schema %I grant all on sequences to service_role', target);
        execute format('alter default privileges in schema %I grant execute on functions to service_role', target);
    end loop;
end
$$;

grant create on schema lake, restored to service_role;
-- It reads which migrations there are, and changes none.
grant usage on schema pipelines to service_role;
grant select on pipelines.migrations to service_role;
