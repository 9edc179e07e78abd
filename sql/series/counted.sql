-- Marks the month ?1 as folded, if $month and its copy in $year have the same number of rows; else the NULL makes the
-- batch fail. The drop of the month's table follows in the same transaction.
update partitions
set
    state = case
        when (select count(*) from $month) = (select count(*) from $year where $in_month) then 'folded'
    end
where name = ?1
