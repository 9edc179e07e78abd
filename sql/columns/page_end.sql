select max(page.$key) as upper
from (
    select $key from $table where $key > coalesce(?1, '') order by $key limit ?2
) as page
