-- Triggers that write the changes of a folding month to its year too. They leave a row alone that the year has with the
-- same key at another time, because the comparison finds it.
create trigger if not exists ${month}_insert_mirrored after insert on $month
begin
    delete from $year where $is_new and $in_month;
    insert into $year ($columns)
    select $values
    where not exists (select 1 from $year where $is_new);
end;

create trigger if not exists ${month}_update_mirrored after update on $month
begin
    delete from $year where $is_old and $in_month;
    delete from $year where $is_new and $in_month;
    insert into $year ($columns)
    select $values
    where not exists (select 1 from $year where $is_new);
end;

create trigger if not exists ${month}_delete_mirrored after delete on $month
begin
    delete from $year where $is_old and $in_month;
end;
