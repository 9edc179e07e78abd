update partitions
set
    state = case
        when (select count(*) from $month) = (select count(*) from $year where $in_month) then 'folded'
    end
where name = ?1
