-- Forgets sealed names; refused while there are any.
drop trigger c_rewrite on marketing.leads;
drop function pipelines.rewrite_lead();
comment on column whatsapp.accounts.access_token_ciphertext is 'Sealed by the application; null where none was given';
alter table marketing.leads drop column name_encrypted;
