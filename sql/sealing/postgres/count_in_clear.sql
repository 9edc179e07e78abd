-- One row: how many rows have a value in clear. Parameters: none.
select count(*) as n from $table where $column is distinct from $blank
