-- Columns for sealed values of users, symptoms and journals, and for what an address is found by.
--
-- A sealed value counts while its column in clear is blank. Whoever writes in clear and does not touch the sealed value
-- has it cleared, so that no older value can come back. An index names the rows that are in clear.

alter table users add column emailEncrypted text;

alter table users add column emailHash text;

create index users_by_email_hash on users (emailHash) where emailHash is not null;

create index users_with_email on users (id) where email <> id;

create trigger users_email_rewritten after update of email on users
when new.email is not old.email and new.emailEncrypted is not null and new.emailEncrypted is old.emailEncrypted begin
    update users set emailEncrypted = null, emailHash = null where id = new.id;
end;

alter table medical_symptoms add column symptomEncrypted text;

create index medical_symptoms_with_symptom on medical_symptoms (id) where symptom <> '';

create trigger medical_symptoms_symptom_rewritten after update of symptom on medical_symptoms
when new.symptom is not old.symptom and new.symptomEncrypted is not null and new.symptomEncrypted is old.symptomEncrypted begin
    update medical_symptoms set symptomEncrypted = null where id = new.id;
end;

alter table medical_symptoms add column detailsEncrypted text;

create index medical_symptoms_with_details on medical_symptoms (id) where details <> '{}';

create trigger medical_symptoms_details_rewritten after update of details on medical_symptoms
when new.details is not old.details and new.detailsEncrypted is not null and new.detailsEncrypted is old.detailsEncrypted begin
    update medical_symptoms set detailsEncrypted = null where id = new.id;
end;

alter table journal_entries add column titleEncrypted text;

create index journal_entries_with_title on journal_entries (id) where title is not null;

create trigger journal_entries_title_rewritten after update of title on journal_entries
when new.title is not old.title and new.titleEncrypted is not null and new.titleEncrypted is old.titleEncrypted begin
    update journal_entries set titleEncrypted = null where id = new.id;
end;

alter table journal_entries add column contentEncrypted text;

create index journal_entries_with_content on journal_entries (id) where content <> '';

create trigger journal_entries_content_rewritten after update of content on journal_entries
when new.content is not old.content and new.contentEncrypted is not null and new.contentEncrypted is old.contentEncrypted begin
    update journal_entries set contentEncrypted = null where id = new.id;
end;
