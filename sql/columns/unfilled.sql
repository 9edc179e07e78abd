select count(*) as n from $table where $column is null and json_extract($source, '$path') is not null
