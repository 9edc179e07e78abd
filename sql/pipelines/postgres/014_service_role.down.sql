-- What earlier migrations granted stays. The schema of the lake's catalog stays too: its tables are not of migrations.
do $$
declare
    target text;
begin
    foreach target in array array[
        'ingest', 'rollups', 'sessions', 'cache', 'ads', 'attribution', 'archive', 'restored', 'media', 'retention', 'lake'
    ] loop
        execute format('alter default privileges in schema %I revoke all on tables from service_role', target);
        execute format('alter default privileges in schema %I revoke all on sequences from service_role', target);
        execute format('alter default privileges in schema %I revoke execute on functions from service_role', target);
    end loop;
    foreach target in array array['ingest', 'rollups', 'sessions', 'cache', 'media', 'lake'] loop
        execute format('revoke all on all tables in schema %I from service_role', target);
        execute format('revoke all on all sequences in schema %I from service_role', target);
        execute format('revoke all on schema %I from service_role', target);
    end loop;
end
$$;

revoke all on pipelines.migrations from service_role;
revoke all on schema pipelines from service_role;
