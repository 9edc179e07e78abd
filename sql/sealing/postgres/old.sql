-- One row a row whose sealed value begins with none of %(heads)s, or whose index is missing or does not begin with
-- %(prefix)s: its id, the value in clear if there is one, and its sealed value. Parameters: after (an id; null to begin),
-- rows (how many at most).
select
    $row::text as id,
    case when $column is distinct from $blank then $column end as clear,
    $sealed_text as sealed
from $table
where
    $sealed is not null
    and (
        left($sealed_text, case when $sealed_text like '.%%' then 8 else 7 end) <> all(%(heads)s)
        or ($has_index and ($index::text is null or ($index::text like '%%.%%' and not starts_with($index, %(prefix)s))))
    )
    and (%(after)s::$type is null or $row > %(after)s::$type)
order by $row
limit %(rows)s
