-- A column for sealed names of leads. A sealed name counts while `name` is null. Addresses and phone numbers stay in
-- clear, because the database itself decides by them: who may see a lead, which captures are one lead, what a number is.

alter table marketing.leads add column name_encrypted text;
comment on column marketing.leads.name_encrypted is 'The name, sealed by the key set of the pipelines; null where none is';

comment on column whatsapp.accounts.access_token_ciphertext is
    'Sealed by the application with the key set of the pipelines; null where none was given';

-- Whoever writes in clear and does not touch the sealed name has it cleared, so that no older name can come back. A
-- capture only fills in what is empty, and a sealed name is not.
create function pipelines.rewrite_lead() returns trigger
language plpgsql set search_path = '' as $$
begin
    if old.name is null and new.capture_count > old.capture_count then
        new.name := null;
    else
        new.name_encrypted := null;
    end if;
    return new;
end
$$;
revoke execute on function pipelines.rewrite_lead from public;

create trigger c_rewrite before update on marketing.leads
for each row when (
    old.name_encrypted is not null
    and new.name is distinct from old.name
    and new.name_encrypted is not distinct from old.name_encrypted
) execute function pipelines.rewrite_lead();
