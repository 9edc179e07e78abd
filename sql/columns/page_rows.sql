-- One row: how many rows have a key in (?1, ?2].
select count(*) as n from $table where $key > coalesce(?1, '') and $key <= ?2
