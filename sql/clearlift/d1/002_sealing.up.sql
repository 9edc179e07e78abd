-- Columns for sealed values of users, sessions and invitations, and for what an address is found by.
--
-- A sealed value counts while its column in clear is blank. Whoever writes in clear and does not touch the sealed value
-- has it cleared, so that no older value can come back. An index names the rows that are in clear.

create index users_with_email on users (id) where email <> '';

create trigger users_email_rewritten after update of email on users
when new.email is not old.email and new.email_encrypted is not null and new.email_encrypted is old.email_encrypted begin
    update users set email_encrypted = null, email_hash = null where id = new.id;
end;

alter table users add column identity_nonce_encrypted text;

create index users_with_identity_nonce on users (id) where identity_nonce is not null;

create trigger users_identity_nonce_rewritten after update of identity_nonce on users
when new.identity_nonce is not old.identity_nonce and new.identity_nonce_encrypted is not null and new.identity_nonce_encrypted is old.identity_nonce_encrypted begin
    update users set identity_nonce_encrypted = null where id = new.id;
end;

create index sessions_with_ip_address on sessions (token) where ip_address is not null;

create trigger sessions_ip_address_rewritten after update of ip_address on sessions
when new.ip_address is not old.ip_address and new.ip_address_encrypted is not null and new.ip_address_encrypted is old.ip_address_encrypted begin
    update sessions set ip_address_encrypted = null where token = new.token;
end;

create index invitations_with_email on invitations (id) where email <> '';

create trigger invitations_email_rewritten after update of email on invitations
when new.email is not old.email and new.email_encrypted is not null and new.email_encrypted is old.email_encrypted begin
    update invitations set email_encrypted = null, email_hash = null where id = new.id;
end;
