-- At least one row, and one for each of the first 20 ids that a rule names: how many rows of the table it names, whether
-- the table has any row, and the id as text, or null.
with offending as (
$statement
)

select
    counted.offending,
    counted.compared,
    shown.id
from (
    select
        (select count(*) from offending) as offending,
        exists (select 1 from $table) as compared
) as counted
left join (select cast(id as text) as id from offending order by 1 limit 20) as shown on true
