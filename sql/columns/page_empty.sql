select count(*) as n
from $table
where $key > coalesce(?1, '') and $key <= ?2 and $column is null and json_extract($source, '$path') is not null
