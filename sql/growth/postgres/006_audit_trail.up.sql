-- Who changed what people edit, and when: one row a change, without the values of people. Events and what is counted of
-- them are left out, because nobody edits them.
--
-- A lead and an onboarding say themselves when they came, so that only their changes and ends are logged: what anybody
-- may send costs nothing more.

create table pipelines.audit_log (
    id         bigint generated always as identity primary key,
    changed_at timestamptz not null default clock_timestamp(),
    made_by    text not null,
    user_id    uuid,
    table_name text not null,
    row_id     uuid not null,
    operation  text not null check (operation in ('insert', 'update', 'delete')),
    columns    text[] not null,
    new_values jsonb not null
);
comment on table pipelines.audit_log is 'One row a change of a row that people edit; kept when the row is gone';
comment on column pipelines.audit_log.made_by is 'The role of the request, else the login';
comment on column pipelines.audit_log.user_id is 'The signed-in user of the request';
comment on column pipelines.audit_log.columns is 'Those that an update changed';
comment on column pipelines.audit_log.new_values is 'Of status and consent alone, which say nothing of who it is';
create index audit_log_by_row on pipelines.audit_log (row_id, id);

alter table pipelines.audit_log enable row level security;
create policy of_service on pipelines.audit_log to service_role using (true) with check (true);
-- Reading alone: whoever changes the log is its owner.
grant select on pipelines.audit_log to service_role;

-- With its owner's rights, because nobody else may write the log. A claim counts for a request of a signed-in user only.
create function pipelines.audit() returns trigger
language plpgsql security definer set search_path = '' as $$
declare
    before  jsonb := case when tg_op <> 'INSERT' then to_jsonb(old) else '{}' end;
    after   jsonb := case when tg_op <> 'DELETE' then to_jsonb(new) else '{}' end;
    who     text := coalesce(nullif(current_setting('role'), 'none'), session_user);
    changed text[] := array(
        select key from jsonb_each(after) where value is distinct from before -> key and key <> 'updated_at' order by key
    );
begin
    if tg_op = 'UPDATE' and changed = '{}' then
        return null;
    end if;
    insert into pipelines.audit_log (made_by, user_id, table_name, row_id, operation, columns, new_values)
    values (
        who,
        case when who = 'authenticated' then pipelines.user_id() end,
        tg_table_schema || '.' || tg_table_name,
        (case when tg_op = 'DELETE' then before else after end ->> 'id')::uuid,
        lower(tg_op),
        case when tg_op = 'UPDATE' then changed else '{}' end,
        coalesce(
            (select jsonb_object_agg(key, value) from jsonb_each(after) where key = any(changed)
                and key in ('status', 'consent')),
            '{}'
        )
    );
    return null;
end
$$;
revoke execute on function pipelines.audit from public;

create trigger z_audit after update or delete on marketing.leads
for each row execute function pipelines.audit();
create trigger z_audit after insert or update or delete on marketing.lead_interactions
for each row execute function pipelines.audit();
create trigger z_audit after update or delete on onboarding.sessions
for each row execute function pipelines.audit();
create trigger z_audit after insert or update or delete on experiments.experiments
for each row execute function pipelines.audit();
create trigger z_audit after insert or update or delete on whatsapp.accounts
for each row execute function pipelines.audit();
create trigger z_audit after insert or update or delete on whatsapp.templates
for each row execute function pipelines.audit();
