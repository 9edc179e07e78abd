-- The change log: which rows changed, for whoever keeps what hangs on them (cached values, copies). Triggers write it
-- in the transaction of the change. old_keys and new_keys hold, as JSON, the columns that other things are known by; a
-- row that moves from one owner to another so names both.
--
-- D1 has one writer at a time and gives an id inside its transaction: no id ever appears below one that was visible. A
-- reader's place is therefore one number. It lies here and not with the reader, so that it goes back together with the
-- log when the database is restored to an earlier time.
create table change_log (
    id integer primary key autoincrement,
    table_name text not null,
    row_id text not null,
    operation text not null check (operation in ('insert', 'update', 'replace', 'delete')),
    old_keys text check (old_keys is null or json_valid(old_keys)),
    new_keys text check (new_keys is null or json_valid(new_keys)),
    changed_at text not null default (strftime('%Y-%m-%dT%H:%M:%fZ', 'now'))
);

create index change_log_by_table on change_log (table_name);

create table change_log_readers (
    reader text primary key not null,
    last_id integer not null,
    read_at text not null
);

create trigger users_inserted after insert on users begin
    insert into change_log (table_name, row_id, operation, new_keys)
    values ('users', new.id, 'insert', json_object('id', new.id));
end;

create trigger users_updated after update on users begin
    insert into change_log (table_name, row_id, operation, old_keys, new_keys)
    values (
        'users', new.id, 'update',
        json_object('id', old.id),
        json_object('id', new.id)
    );
end;

create trigger users_deleted after delete on users begin
    insert into change_log (table_name, row_id, operation, old_keys)
    values ('users', old.id, 'delete', json_object('id', old.id));
end;

create trigger user_preferences_inserted after insert on user_preferences begin
    insert into change_log (table_name, row_id, operation, new_keys)
    values ('user_preferences', new.userId, 'insert', json_object('userId', new.userId));
end;

create trigger user_preferences_updated after update on user_preferences begin
    insert into change_log (table_name, row_id, operation, old_keys, new_keys)
    values (
        'user_preferences', new.userId, 'update',
        json_object('userId', old.userId),
        json_object('userId', new.userId)
    );
end;

create trigger user_preferences_deleted after delete on user_preferences begin
    insert into change_log (table_name, row_id, operation, old_keys)
    values ('user_preferences', old.userId, 'delete', json_object('userId', old.userId));
end;

create trigger strains_inserted after insert on strains begin
    insert into change_log (table_name, row_id, operation, new_keys)
    values ('strains', new.id, 'insert', json_object('id', new.id));
end;

create trigger strains_updated after update on strains begin
    insert into change_log (table_name, row_id, operation, old_keys, new_keys)
    values (
        'strains', new.id, 'update',
        json_object('id', old.id),
        json_object('id', new.id)
    );
end;

create trigger strains_deleted after delete on strains begin
    insert into change_log (table_name, row_id, operation, old_keys)
    values ('strains', old.id, 'delete', json_object('id', old.id));
end;

create trigger products_inserted after insert on products begin
    insert into change_log (table_name, row_id, operation, new_keys)
    values ('products', new.id, 'insert', json_object('id', new.id, 'strainId', new.strainId));
end;

create trigger products_updated after update on products begin
    insert into change_log (table_name, row_id, operation, old_keys, new_keys)
    values (
        'products', new.id, 'update',
        json_object('id', old.id, 'strainId', old.strainId),
        json_object('id', new.id, 'strainId', new.strainId)
    );
end;

create trigger products_deleted after delete on products begin
    insert into change_log (table_name, row_id, operation, old_keys)
    values ('products', old.id, 'delete', json_object('id', old.id, 'strainId', old.strainId));
end;

create trigger dispensaries_inserted after insert on dispensaries begin
    insert into change_log (table_name, row_id, operation, new_keys)
    values ('dispensaries', new.id, 'insert', json_object('id', new.id));
end;

create trigger dispensaries_updated after update on dispensaries begin
    insert into change_log (table_name, row_id, operation, old_keys, new_keys)
    values (
        'dispensaries', new.id, 'update',
        json_object('id', old.id),
        json_object('id', new.id)
    );
end;

create trigger dispensaries_deleted after delete on dispensaries begin
    insert into change_log (table_name, row_id, operation, old_keys)
    values ('dispensaries', old.id, 'delete', json_object('id', old.id));
end;

create trigger inventory_inserted after insert on inventory begin
    insert into change_log (table_name, row_id, operation, new_keys)
    values ('inventory', new.id, 'insert', json_object('id', new.id, 'userId', new.userId));
end;

create trigger inventory_updated after update on inventory begin
    insert into change_log (table_name, row_id, operation, old_keys, new_keys)
    values (
        'inventory', new.id, 'update',
        json_object('id', old.id, 'userId', old.userId),
        json_object('id', new.id, 'userId', new.userId)
    );
end;

create trigger inventory_deleted after delete on inventory begin
    insert into change_log (table_name, row_id, operation, old_keys)
    values ('inventory', old.id, 'delete', json_object('id', old.id, 'userId', old.userId));
end;

create trigger medical_symptoms_inserted after insert on medical_symptoms begin
    insert into change_log (table_name, row_id, operation, new_keys)
    values ('medical_symptoms', new.id, 'insert', json_object('id', new.id, 'userId', new.userId));
end;

create trigger medical_symptoms_updated after update on medical_symptoms begin
    insert into change_log (table_name, row_id, operation, old_keys, new_keys)
    values (
        'medical_symptoms', new.id, 'update',
        json_object('id', old.id, 'userId', old.userId),
        json_object('id', new.id, 'userId', new.userId)
    );
end;

create trigger medical_symptoms_deleted after delete on medical_symptoms begin
    insert into change_log (table_name, row_id, operation, old_keys)
    values ('medical_symptoms', old.id, 'delete', json_object('id', old.id, 'userId', old.userId));
end;

create trigger journal_entries_inserted after insert on journal_entries begin
    insert into change_log (table_name, row_id, operation, new_keys)
    values ('journal_entries', new.id, 'insert', json_object('id', new.id, 'userId', new.userId));
end;

create trigger journal_entries_updated after update on journal_entries begin
    insert into change_log (table_name, row_id, operation, old_keys, new_keys)
    values (
        'journal_entries', new.id, 'update',
        json_object('id', old.id, 'userId', old.userId),
        json_object('id', new.id, 'userId', new.userId)
    );
end;

create trigger journal_entries_deleted after delete on journal_entries begin
    insert into change_log (table_name, row_id, operation, old_keys)
    values ('journal_entries', old.id, 'delete', json_object('id', old.id, 'userId', old.userId));
end;

-- INSERT OR REPLACE and UPDATE OR REPLACE delete the row that is in their way without a delete trigger. What is lost
-- with it is logged before: old keys where they differ from the new ones, and another user who had the same e-mail.
create trigger users_replaced before insert on users begin
    insert into change_log (table_name, row_id, operation, old_keys)
    select 'users', id, 'replace', json_object('id', id)
    from users
    where email = new.email and id <> new.id;
end;

create trigger users_pushed_out before update of id, email on users begin
    insert into change_log (table_name, row_id, operation, old_keys)
    select 'users', id, 'replace', json_object('id', id)
    from users
    where id <> old.id and (email = new.email or id = new.id);
end;

create trigger products_replaced before insert on products begin
    insert into change_log (table_name, row_id, operation, old_keys)
    select 'products', id, 'replace', json_object('id', id, 'strainId', strainId)
    from products
    where id = new.id and strainId is not new.strainId;
end;

create trigger products_pushed_out before update of id on products begin
    insert into change_log (table_name, row_id, operation, old_keys)
    select 'products', id, 'replace', json_object('id', id, 'strainId', strainId)
    from products
    where id = new.id and id <> old.id;
end;

create trigger inventory_replaced before insert on inventory begin
    insert into change_log (table_name, row_id, operation, old_keys)
    select 'inventory', id, 'replace', json_object('id', id, 'userId', userId)
    from inventory
    where id = new.id and userId is not new.userId;
end;

create trigger inventory_pushed_out before update of id on inventory begin
    insert into change_log (table_name, row_id, operation, old_keys)
    select 'inventory', id, 'replace', json_object('id', id, 'userId', userId)
    from inventory
    where id = new.id and id <> old.id;
end;

create trigger medical_symptoms_replaced before insert on medical_symptoms begin
    insert into change_log (table_name, row_id, operation, old_keys)
    select 'medical_symptoms', id, 'replace', json_object('id', id, 'userId', userId)
    from medical_symptoms
    where id = new.id and userId is not new.userId;
end;

create trigger medical_symptoms_pushed_out before update of id on medical_symptoms begin
    insert into change_log (table_name, row_id, operation, old_keys)
    select 'medical_symptoms', id, 'replace', json_object('id', id, 'userId', userId)
    from medical_symptoms
    where id = new.id and id <> old.id;
end;

create trigger journal_entries_replaced before insert on journal_entries begin
    insert into change_log (table_name, row_id, operation, old_keys)
    select 'journal_entries', id, 'replace', json_object('id', id, 'userId', userId)
    from journal_entries
    where id = new.id and userId is not new.userId;
end;

create trigger journal_entries_pushed_out before update of id on journal_entries begin
    insert into change_log (table_name, row_id, operation, old_keys)
    select 'journal_entries', id, 'replace', json_object('id', id, 'userId', userId)
    from journal_entries
    where id = new.id and id <> old.id;
end;
