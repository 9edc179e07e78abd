-- Forgets the sealed values of users, sessions and invitations; refused while there are any.
drop trigger invitations_email_rewritten;

drop index invitations_with_email;

drop trigger sessions_ip_address_rewritten;

drop index sessions_with_ip_address;

drop trigger users_identity_nonce_rewritten;

drop index users_with_identity_nonce;

alter table users drop column identity_nonce_encrypted;

drop trigger users_email_rewritten;

drop index users_with_email;
