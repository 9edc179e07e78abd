-- The triggers of one table, made at $made. Each writes one row of the log, in the transaction of the change. The image
-- is read from the table, because a trigger of the application may have changed the row once more.
create trigger "backup_of_${inner}_inserted" after insert on $quoted begin
    /* made $made */
    insert into backup_log (table_name, key, image)
    values ($name, $new_key, (select $image from $quoted as t where $is_new));
end;

create trigger "backup_of_${inner}_updated" after update on $quoted begin
    /* made $made */
    insert into backup_log (table_name, key, image)
    select $name, $old_key, (select $image from $quoted as t where $is_old)
    where $old_key is not $new_key;

    insert into backup_log (table_name, key, image)
    values ($name, $new_key, (select $image from $quoted as t where $is_new));
end;

create trigger "backup_of_${inner}_deleted" after delete on $quoted begin
    /* made $made */
    insert into backup_log (table_name, key, image)
    values ($name, $old_key, (select $image from $quoted as t where $is_old));
end;
