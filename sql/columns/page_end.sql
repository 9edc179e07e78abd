-- One row: the last key of the page of at most ?2 rows after the key ?1; null if no row follows.
select max(page.$key) as upper
from (
    select $key from $table where $key > coalesce(?1, '') order by $key limit ?2
) as page
