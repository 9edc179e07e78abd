drop trigger users_inserted;

drop trigger users_updated;

drop trigger users_deleted;

drop trigger user_preferences_inserted;

drop trigger user_preferences_updated;

drop trigger user_preferences_deleted;

drop trigger strains_inserted;

drop trigger strains_updated;

drop trigger strains_deleted;

drop trigger products_inserted;

drop trigger products_updated;

drop trigger products_deleted;

drop trigger dispensaries_inserted;

drop trigger dispensaries_updated;

drop trigger dispensaries_deleted;

drop trigger inventory_inserted;

drop trigger inventory_updated;

drop trigger inventory_deleted;

drop trigger medical_symptoms_inserted;

drop trigger medical_symptoms_updated;

drop trigger medical_symptoms_deleted;

drop trigger journal_entries_inserted;

drop trigger journal_entries_updated;

drop trigger journal_entries_deleted;

drop trigger users_replaced;

drop trigger users_pushed_out;

drop trigger products_replaced;

drop trigger products_pushed_out;

drop trigger inventory_replaced;

drop trigger inventory_pushed_out;

drop trigger medical_symptoms_replaced;

drop trigger medical_symptoms_pushed_out;

drop trigger journal_entries_replaced;

drop trigger journal_entries_pushed_out;

drop table change_log_readers;

drop table change_log;
