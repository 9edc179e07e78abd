-- One row a row whose sealed value begins with none of ?1 (JSON), or whose index is missing or does not begin with ?2:
-- its id, the value in clear if there is one, and its sealed value.
select $row as id, case when $in_clear then $column end as clear, $sealed as sealed
from $table
where
    $sealed is not null
    and (
        substr($sealed, 1, case when $sealed like '.%' then 8 else 7 end) not in (select value from json_each(?1))
        or ($has_index and ($index is null or (instr($index, '.') > 0 and substr($index, 1, length(?2)) <> ?2)))
    )
