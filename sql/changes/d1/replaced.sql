-- More triggers of a table that has other keys or unique columns. INSERT OR REPLACE and UPDATE OR REPLACE delete the row
-- that has the same value, without a delete trigger. What the log would lose with that row is written before.
create trigger ${table}_replaced before insert on $table begin
    insert into change_log (table_name, row_id, operation, old_keys)
    select '$table', $row_id, 'replace', json_object($keys)
    from $table
    where $replaced;
end;

create trigger ${table}_pushed_out before update of $columns on $table begin
    insert into change_log (table_name, row_id, operation, old_keys)
    select '$table', $row_id, 'replace', json_object($keys)
    from $table
    where $pushed_out;
end;
