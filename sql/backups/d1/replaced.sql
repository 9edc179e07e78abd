-- More triggers of a table that has unique indexes besides its key, made at $made. OR REPLACE deletes the rows that are
-- in the way, without a delete trigger. They are noted before, and afterwards logged if they are gone: the same triggers
-- fire for OR IGNORE and for upserts, which delete nothing.
create trigger "backup_of_${inner}_noted_by_insert" before insert on $quoted begin
    /* made $made */
    insert into backup_noted (table_name, $places)
    select $name, $values from $quoted as t where $in_the_way;
end;

create trigger "backup_of_${inner}_noted_by_update" before update of $watched on $quoted begin
    /* made $made */
    insert into backup_noted (table_name, $places)
    select $name, $values from $quoted as t where ($in_the_way) and not ($is_old);
end;

create trigger "backup_of_${inner}_replaced_by_insert" after insert on $quoted
when exists (select 1 from backup_noted where table_name = $name) begin
    /* made $made */
    insert into backup_log (table_name, key)
    select n.table_name, $noted_key
    from backup_noted as n
    where n.table_name = $name and not exists (select 1 from $quoted as t where $is_noted);

    delete from backup_noted where table_name = $name;
end;

create trigger "backup_of_${inner}_replaced_by_update" after update on $quoted
when exists (select 1 from backup_noted where table_name = $name) begin
    /* made $made */
    insert into backup_log (table_name, key)
    select n.table_name, $noted_key
    from backup_noted as n
    where n.table_name = $name and not exists (select 1 from $quoted as t where $is_noted);

    delete from backup_noted where table_name = $name;
end;
