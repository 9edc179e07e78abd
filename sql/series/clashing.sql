-- One row: how many keys of the month $month the year $year has at another time (`n`).
select count(*) as n
from $month as month
inner join (select * from $year where not ($in_month)) as year on $same_key
