-- One row: how many rows have a null although the JSON has a value.
select count(*) as n from $table where $column is null and json_extract($source, '$path') is not null
