-- One row a beginning of sealed values, which says their key: the beginning, and how many values have it.
select substr(ltrim($sealed, '.'), 1, 7) as head, count(*) as n
from $table
where $sealed is not null
group by substr(ltrim($sealed, '.'), 1, 7)
