-- More triggers of a table that has unique indexes besides its key, for one $event (insert or update), made at $made. OR
-- REPLACE deletes the rows that are in the way, without a delete trigger. They are noted before, and afterwards logged if
-- they are gone: the same triggers fire for OR IGNORE and for upserts, which delete nothing.
create trigger "backup_of_${inner}_noted_by_$event" before $change on $quoted begin
    /* made $made */
    insert into backup_noted (table_name, $places)
    select $name, $values from $quoted as t where $noted;
end;

create trigger "backup_of_${inner}_replaced_by_$event" after $event on $quoted
when exists (select 1 from backup_noted where table_name = $name) begin
    /* made $made */
    insert into backup_log (table_name, key)
    select n.table_name, $noted_key
    from backup_noted as n
    where n.table_name = $name and not exists (select 1 from $quoted as t where $is_noted);

    delete from backup_noted where table_name = $name;
end;
