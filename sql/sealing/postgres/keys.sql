-- One row a beginning of sealed values, which says their key: the beginning, and how many values have it. Parameters: none.
select left(ltrim($sealed_text, '.'), 7) as head, count(*) as n
from $table
where $sealed is not null
group by 1
