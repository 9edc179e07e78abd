-- One row: how many rows have a value in clear.
select count(*) as n from $table where $in_clear
