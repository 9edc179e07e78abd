-- Forgets how old keys are.
alter default privileges in schema sealing revoke all on tables from service_role;
drop schema sealing cascade;
