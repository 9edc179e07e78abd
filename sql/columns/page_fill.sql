-- Fills the column in the rows with a key in (?1, ?2] that have a null although the JSON has a value.
update $table
set $column = json_extract($source, '$path')
where $key > coalesce(?1, '') and $key <= ?2 and $column is null and json_extract($source, '$path') is not null
