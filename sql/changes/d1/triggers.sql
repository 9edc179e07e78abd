-- The triggers of one table. Each writes one row of the log, in the transaction of the change.
create trigger ${table}_inserted after insert on $table begin
    insert into change_log (table_name, row_id, operation, new_keys)
    values ('$table', new.$row_id, 'insert', json_object($new_keys));
end;

create trigger ${table}_updated after update on $table begin
    insert into change_log (table_name, row_id, operation, old_keys, new_keys)
    values (
        '$table', new.$row_id, 'update',
        json_object($old_keys),
        json_object($new_keys)
    );
end;

create trigger ${table}_deleted after delete on $table begin
    insert into change_log (table_name, row_id, operation, old_keys)
    values ('$table', old.$row_id, 'delete', json_object($old_keys));
end;
