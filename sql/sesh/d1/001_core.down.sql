-- In the order of the references, children first.
drop view product_words;

drop view strain_words;

drop table product_terms;

drop table strain_terms;

drop table journal_entries;

drop table medical_symptoms;

drop table inventory;

drop table dispensaries;

drop table products;

drop table strains;

drop table user_preferences;

drop table users;
