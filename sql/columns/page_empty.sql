-- One row: how many rows with a key in (?1, ?2] have a null although the JSON has a value. A null ?1 means from the
-- start.
select count(*) as n
from $table
where $key > coalesce(?1, '') and $key <= ?2 and $column is null and json_extract($source, '$path') is not null
