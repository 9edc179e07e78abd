-- Takes from clearlift_reader what it sees. The role stays, because it is the server's, and so do comments, which the
-- way up leaves as they are.
do $$
declare
    target record;
begin
    for target in select schemaname, tablename from pg_policies where policyname = 'of_reader' loop
        execute format('drop policy of_reader on %I.%I', target.schemaname, target.tablename);
    end loop;
    for target in select schemaname, tablename from pg_tables where schemaname in ('rollups', 'experiments') loop
        execute format('drop policy of_service on %I.%I', target.schemaname, target.tablename);
        execute format('alter table %I.%I disable row level security', target.schemaname, target.tablename);
    end loop;
end
$$;
revoke all on all tables in schema ads, attribution, experiments, rollups from clearlift_reader;
revoke usage on schema ads, attribution, experiments, rollups from clearlift_reader;
drop schema analysts cascade;
