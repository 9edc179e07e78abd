-- Forgets what was found wrong, and what was sent about it.
alter default privileges in schema health revoke all on tables from service_role;
drop schema health cascade;
