select count(*) as n from $table where $key > coalesce(?1, '') and $key <= ?2
