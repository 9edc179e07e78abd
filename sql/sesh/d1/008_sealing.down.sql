-- Forgets the sealed values of users, symptoms and journals; refused while there are any.
drop trigger journal_entries_content_rewritten;

drop index journal_entries_with_content;

alter table journal_entries drop column contentEncrypted;

drop trigger journal_entries_title_rewritten;

drop index journal_entries_with_title;

alter table journal_entries drop column titleEncrypted;

drop trigger medical_symptoms_details_rewritten;

drop index medical_symptoms_with_details;

alter table medical_symptoms drop column detailsEncrypted;

drop trigger medical_symptoms_symptom_rewritten;

drop index medical_symptoms_with_symptom;

alter table medical_symptoms drop column symptomEncrypted;

drop trigger users_email_rewritten;

drop index users_with_email;

drop index users_by_email_hash;

alter table users drop column emailHash;

alter table users drop column emailEncrypted;
